"""Multipliers of LUTs: every product, and the latency and widths that the contract says."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from amaranth.hdl import Shape
from amaranth.sim import Simulator
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.arithmetic.lut_product import DigitProduct, LutProduct
from hlsgen.rtl_templates.arithmetic.shapes import shape_of
from hlsgen.rtl_templates.product_chains import lut_product_chains

from hlsgen.algebra.types import ElementType

ELEMENTS = [ElementType(bits, signed) for bits in range(1, 6) for signed in (True, False)]
UP_TO_BYTES = [ElementType(bits, signed) for bits in range(1, 9) for signed in (True, False)]
FLOATS = {"e4m3": (ml_dtypes.float8_e4m3fn, 9), "e5m2": (ml_dtypes.float8_e5m2, 16)}
"""Formats of 8 bits, with the power of two whose multiples their numbers are."""


def check_every_product(a: ElementType, b: ElementType) -> None:
    """Every pair once, a pair a cycle."""
    check_products(a, b, range(a.minimum, a.maximum + 1), range(b.minimum, b.maximum + 1))


def check_products(
    a: ElementType, b: ElementType, firsts: Iterable[int], seconds: Iterable[int]
) -> None:
    """Every pair of these numbers once, a pair a cycle."""
    unit = LutProduct(shape_of(a), shape_of(b))
    pairs = list(itertools.product(firsts, seconds))
    latency = contract.lut_product_latency(a.bits, b.bits)
    simulator = Simulator(unit)
    simulator.add_clock(1e-6)

    async def testbench(context: Any) -> None:
        for k in range(len(pairs) + latency - 1):
            for port, value in zip((unit.a, unit.b), pairs[k % len(pairs)], strict=True):
                context.set(port, value)
            await context.tick()
            if k >= latency - 1:
                x, y = pairs[k - latency + 1]
                assert context.get(unit.product) == x * y, (a, b, x, y)

    simulator.add_testbench(testbench)
    simulator.run()


@pytest.mark.parametrize("a", ELEMENTS, ids=str)
def test_every_product_of_narrow_factors(a: ElementType) -> None:
    for b in ELEMENTS:
        check_every_product(a, b)


@pytest.mark.slow
@pytest.mark.parametrize("a", ["s8", "u8"])
@pytest.mark.parametrize("b", ["s8", "u8", "s4"])
def test_every_product_of_bytes(a: str, b: str) -> None:
    check_every_product(ElementType.parse(a), ElementType.parse(b))


@pytest.mark.slow
@pytest.mark.parametrize("a", UP_TO_BYTES, ids=str)
def test_every_product_of_every_two_widths_up_to_bytes(a: ElementType) -> None:
    """Ternary and bipolar factors are among those of two bits, as which arithmetic takes them."""
    for b in UP_TO_BYTES:
        check_every_product(a, b)


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOATS)
def test_every_product_of_two_floats_of_8_bits_is_exact(name: str) -> None:
    """All 65,536 pairs of codes but those of NaN and infinity, as integers in steps of the least number."""
    dtype, fraction = FLOATS[name]
    reals = np.arange(256).astype(np.uint8).view(dtype).astype(np.float64)
    integers = [int(real * 2.0**fraction) for real in reals[np.isfinite(reals)].tolist()]
    assert len(integers) == {"e4m3": 254, "e5m2": 248}[name]
    element = ElementType.holding(min(integers), max(integers))
    assert element.bits == {"e4m3": 19, "e5m2": 33}[name]
    check_products(element, element, integers, integers)


def test_chains_of_eight_by_eight_bits() -> None:
    eight = ElementType(8, True)
    chains = lut_product_chains(eight, eight)
    assert [str(digit) for digit in chains.digits] == ["u2", "u2", "u2", "s2"]
    assert chains.products == (10, 10, 10, 10)
    assert (chains.sums, chains.registers) == ((10, 10, 12), 40 + 2 * 12 + 16)
    assert contract.lut_product_latency(8, 8) == 3


def test_a_digit_has_one_or_two_bits() -> None:
    with pytest.raises(ValueError, match="expected a digit of 1 or 2 bits"):
        DigitProduct(Shape(8), Shape(3))
