"""Proof that the tests bite: one small mutation per template, each of which its test must see fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import test_finish
import test_pe_array
import test_reorder
import test_scalar_units
from amaranth.hdl import Const, Module, Signal, Value
from hlsgen.rtl_templates.arithmetic import lut_product, multiplier, requantise
from hlsgen.rtl_templates.stream import drain, finish, pe_array, reorder
from hlsgen.sim.unit_check import UnitMismatch

FLOAT32, SHIFT = test_scalar_units.REQUANTISE[4], test_scalar_units.REQUANTISE[0]
ADD = next(case for case in test_scalar_units.SIMPLE if case[0].name == "QuantisedAdd")


def unsigned_factor(m: Module, kind: str, a: Value, b: Value) -> Value:
    """Products that forget the sign of b."""
    return a * b.as_unsigned()


def unsigned_digits(value: Value) -> list[Value]:
    """Digits of which the last has no sign."""
    return [value[k : k + 2] for k in range(0, len(value), 2)]


def early_flags(self: Any, m: Module) -> list[tuple[Value, Value]]:
    """Valid and last a stage ahead of the terms."""
    flags = flags_of_steps(self, m)
    return [flags[0], *flags[:-1]]


def full_groups(self: Any, m: Module) -> Value:
    """A drain that hands out the words that the last group of a turn lacks."""
    return Const(self.pixels * self.channel_words)


def stuck_parameters(self: Any) -> None:
    """Parameters of the first word for all."""
    address = Signal(range(self.parameters.period))
    self.after, self.addresses = address, [address]


def exact_ties_only(m: Module, distance: Value, whole: Value, q: int, bits: int) -> Value:
    """Ties of the exact product, not of the float32 one."""
    return ~distance.any()


def wrapping(value: Value, low: int, high: int) -> Value:
    """Wraps where it should saturate."""
    return value


def plain_weight(operand: Value, k: int, bits: int) -> int:
    """The sign bit counted positive."""
    return bits << (2 * k)


def whole_groups(self: Any, m: Module, pixel: Value, advance: Value) -> Value:
    """A reorder that delivers the pixels past the row's end."""
    return pixel == self.pixels - 1


def serial_without_start(self: Any, platform: Any) -> Module:
    """A serial product that adds to the one before."""
    self.start = Const(0)
    return elaborate_serial(self, platform)


elaborate_serial = multiplier.SerialProduct.elaborate
flags_of_steps = pe_array.PeArray._flags

ARRAY: Callable[[], None] = lambda: test_pe_array.test_results_of_groups(*test_pe_array.CASES[1])  # noqa: E731

MUTATIONS: dict[str, tuple[Any, str, Any, Callable[[], None]]] = {
    "multiplier: unsigned factor": (multiplier, "product", unsigned_factor, ARRAY),
    "multiplier of LUTs: sign added": (
        lut_product,
        "_digits",
        unsigned_digits,
        lambda: test_pe_array.test_results_of_groups(*test_pe_array.CASES[6]),
    ),
    "PE array: flags a stage early": (pe_array.PeArray, "_flags", early_flags, ARRAY),
    "PE array: minimum for maximum": (
        pe_array,
        "_maximum",
        lambda a, b: pe_array._add(a, b),
        lambda: test_pe_array.test_results_of_groups(*test_pe_array.CASES[10]),
    ),
    "drain: ragged group handed out whole": (
        drain.Drain,
        "_words",
        full_groups,
        lambda: test_pe_array.test_drain_skips_the_channels_that_the_last_group_of_a_turn_lacks(
            1, 4, 1, (4, 1)
        ),
    ),
    "finish: parameters of the first word": (
        finish._Pipeline,
        "_count",
        stuck_parameters,
        lambda: test_finish.test_finish_equals_its_expression("multiply_shift", 6, 1, 1, 1),
    ),
    "requantise float32: exact ties only": (
        requantise,
        "_within",
        exact_ties_only,
        test_scalar_units.test_requantise_float32_rounds_ties_of_the_float32_product_to_even,
    ),
    "requantise: wraps": (
        requantise,
        "saturate",
        wrapping,
        lambda: test_scalar_units.test_unit_equals_operator(*SHIFT),
    ),
    "requantise: serial product not cleared": (
        multiplier.SerialProduct,
        "elaborate",
        serial_without_start,
        lambda: test_scalar_units.test_digit_serial_unit_equals_operator(*SHIFT, 5),
    ),
    "quantised add: sign counted positive": (
        requantise,
        "_weight",
        plain_weight,
        lambda: test_scalar_units.test_unit_equals_operator(*ADD),
    ),
    "reorder: whole groups": (
        reorder.Reorder,
        "_last_pixel",
        whole_groups,
        lambda: test_reorder.test_words_leave_in_row_major_order(2, 3, 5),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, mutant, check = MUTATIONS[name]
    monkeypatch.setattr(owner, attribute, mutant)
    with pytest.raises(UnitMismatch):
        check()
