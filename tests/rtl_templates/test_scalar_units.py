"""Every scalar unit computes its scalar operator, at its latency."""

from __future__ import annotations

import random

import numpy as np
import pytest
from amaranth.back import rtlil
from hlsgen.rtl_templates.arithmetic.scalar_units import SCALAR_UNITS, scalar_unit
from hlsgen.sim.unit_check import check_scalar_unit

from hlsgen.algebra.scalar import (
    SCALAR_OPS,
    Add,
    Clamp,
    Divide,
    Equal,
    LogarithmicSteps,
    Maximum,
    Minimum,
    Multiply,
    QuantisedAdd,
    RequantiseFloat32,
    RequantiseMultiplyShift,
    RoundSignificand,
    ScalarOp,
    ShiftRight,
    Sign,
    SquareRoot,
    Steps,
    Subtract,
    Table,
)
from hlsgen.algebra.types import ElementType

S8, U8, S5, S20, S24 = (ElementType.parse(t) for t in ("s8", "u8", "s5", "s20", "s24"))
U17, U24, U30, U36 = (ElementType.parse(t) for t in ("u17", "u24", "u30", "u36"))


def logarithmic_cells(base: int, bits: int, count: int) -> tuple[tuple[int, int, int], ...]:
    """Cells with a change somewhere in each."""
    starts = [k << (base - bits) for k in range(1 << (bits + 1))]
    power = base + 1
    while len(starts) < count:
        starts += [(1 << power) + (k << (power - bits)) for k in range(1 << bits)]
        power += 1
    return tuple((start + k % 3, 5 * k, 5 * k + 5) for k, start in enumerate(starts[:count]))


EXCEPTIONS = ((-128, 127, 5), (3, 4, -7))
SIMPLE: list[tuple[ScalarOp, tuple[ElementType, ...]]] = [
    (Add(), (S20, S8)),
    (Add(), (U8, S8)),
    (Subtract(), (U8, U8)),
    (Subtract(), (U8, S20)),
    (Multiply(), (S8, U8)),
    (Multiply(), (S24, U24)),
    (Maximum(), (S8, U8)),
    (Minimum(), (S8, S5)),
    (Equal(), (S5, S5)),
    (Equal(), (S20, U8)),
    (Clamp(-128, 127), (S20,)),
    (Clamp(0, 255), (S20,)),
    (Clamp(3, 100), (U24,)),
    (Clamp(-3, 20), (U8,)),
    (Clamp(-5, 6), (S8,)),
    (Clamp(-300, 300), (S8,)),
    (Clamp(0, 127), (S8,)),
    (Clamp(0, 255), (S8,)),
    (ShiftRight(3), (S20,)),
    (Sign(), (S8,)),
    (Sign(), (U8,)),
    (RoundSignificand(3), (S8,)),
    (RoundSignificand(4), (U8,)),
    (RoundSignificand(24), (ElementType(32, True),)),
    (RoundSignificand(24), (S20,)),
    (QuantisedAdd(23170, 11585, 8192, 14, -128, 127, EXCEPTIONS), (S8, S8)),
    (QuantisedAdd(23170, 31585, -8192, 15, 0, 255), (U8, U8)),
    (QuantisedAdd(123, 311, 77, 9, 0, 60), (U8, S5)),
    (Table(tuple((7 * k * k) % 251 - 125 for k in range(256))), (S8,)),
    (Table(tuple(255 - k for k in range(256))), (U8,)),
    (Steps(-90, 4, tuple((-90 + 16 * k + k % 5, k, k + 1) for k in range(11))), (S8,)),
    (Steps(3, 0, ((3, -5, 5),)), (U8,)),
    (Divide(0, 255), (S20, U17)),
    (Divide(-128, 127), (S24, U8)),
    (Divide(-5, 9), (U8, S8)),
    (Divide(3, 3), (S8, S8)),
    (Divide(0, 256), (ElementType(32, False), U30)),
    (SquareRoot(), (U8,)),
    (SquareRoot(), (S8,)),
    (SquareRoot(), (U17,)),
    (SquareRoot(), (ElementType(40, False),)),
    (SquareRoot(), (ElementType(1, False),)),
    (SquareRoot(10, 12345), (S24,)),
    (SquareRoot(3, 1), (U8,)),
    (Steps(-(1 << 18), 9, tuple(((k << 9) - (1 << 18), -k, 77) for k in range(999))), (S20,)),
    (LogarithmicSteps(0, 2, 2, logarithmic_cells(2, 2, 30)), (S8,)),
    (LogarithmicSteps(5, 3, 1, logarithmic_cells(3, 1, 9), logarithmic_cells(3, 1, 4)), (S8,)),
    (LogarithmicSteps(-700, 6, 3, logarithmic_cells(6, 3, 77)), (S20,)),
    (LogarithmicSteps(0, 20, 4, ((1 << 19, 0, 3),)), (S20,)),
    (LogarithmicSteps(9, 0, 0, ((1, 2, 3), (1, 4, 5), (3, 6, 7)), ((2, -1, -5),)), (U8,)),
]
REQUANTISE: list[tuple[ScalarOp, tuple[ElementType, ...]]] = [
    (RequantiseMultiplyShift(30, -128, 127), (S20, U24, U30)),
    (RequantiseMultiplyShift(25, 0, 255), (S20, U17, U36)),
    (RequantiseMultiplyShift(24, -100, 127), (S24, U17, ElementType(32, True))),
    (RequantiseMultiplyShift(3, -8, 7), (S8, U8, S8)),
    (RequantiseFloat32(34, 3, -128, 127), (S20, U24)),
    (RequantiseFloat32(38, 0, 0, 255), (S24, U24)),
    (RequantiseFloat32(30, -128, -128, 100), (S24, U17)),
    (RequantiseFloat32(8, 0, -128, 127), (S8, U8)),
    (RequantiseFloat32(50, 7, -128, 127), (S24, U24)),
]


def stimulus(types: tuple[ElementType, ...], count: int, seed: int) -> list[tuple[int, ...]]:
    """All corners, then random operands of random magnitude."""
    noise = random.Random(seed)

    def one(kind: ElementType) -> int:
        value = noise.getrandbits(noise.randint(1, kind.bits)) * noise.choice((1, 1, -1))
        return min(max(value, kind.minimum), kind.maximum)

    corners = [()]
    for kind in types:
        corners = [(*c, v) for c in corners for v in (kind.minimum, 0, kind.maximum)]
    return [*corners, *(tuple(one(kind) for kind in types) for _ in range(count))]


def check(
    op: ScalarOp,
    types: tuple[ElementType, ...],
    vectors: list[tuple[int, ...]],
    interval: int = 1,
    multiplier: str = "dsp",
) -> None:
    columns = [np.array(column, dtype=np.int64) for column in zip(*vectors, strict=True)]
    expected = [int(v) for v in op.evaluate(np, *columns)]
    unit = scalar_unit(
        op,
        types,
        interval=interval,
        multiplier="lut" if multiplier == "lut" else "dsp",
    )
    check_scalar_unit(unit, vectors, expected)


def name(case: object) -> str:
    return str(case)[:60] if isinstance(case, ScalarOp) else ""


def test_every_scalar_operator_has_a_unit_of_its_name_and_a_case_here() -> None:
    assert [op.__name__ for op in SCALAR_OPS] == list(SCALAR_UNITS)
    assert {op.name for op, _ in SIMPLE + REQUANTISE} == set(SCALAR_UNITS)


@pytest.mark.parametrize(("op", "types"), SIMPLE + REQUANTISE, ids=name)
def test_unit_equals_operator(op: ScalarOp, types: tuple[ElementType, ...]) -> None:
    check(op, types, stimulus(types, 150, 1))


@pytest.mark.parametrize("q", [2, 8, 20, 24, 30])
def test_requantise_float32_to_many_bits_equals_operator(q: int) -> None:
    """Results of up to 22 bits: the window of a tie reaches from nothing to nearly all of the fraction."""
    op = RequantiseFloat32(q, -5, -(1 << 21), (1 << 21) - 1)
    check(op, (S24, U24), stimulus((S24, U24), 250, q))


@pytest.mark.parametrize(("op", "types"), SIMPLE + REQUANTISE, ids=name)
def test_registers_of_data_have_no_reset(op: ScalarOp, types: tuple[ElementType, ...]) -> None:
    unit = scalar_unit(op, types)
    ports = [port for _, _, port in unit.signature.flatten(unit)]
    assert "switch \\rst" not in rtlil.convert(unit, ports=ports)


def test_a_unit_takes_an_operand_per_cycle_unless_told() -> None:
    for op, types in SIMPLE + REQUANTISE:
        assert scalar_unit(op, types).interval == 1


@pytest.mark.parametrize("interval", [2, 5, 9, 30])
@pytest.mark.parametrize(("op", "types"), REQUANTISE, ids=name)
def test_digit_serial_unit_equals_operator(
    op: ScalarOp, types: tuple[ElementType, ...], interval: int
) -> None:
    check(op, types, stimulus(types, 12, 2), interval)


@pytest.mark.parametrize(("op", "types"), REQUANTISE[:1] + REQUANTISE[4:5], ids=name)
def test_multipliers_of_luts_equal_operator(op: ScalarOp, types: tuple[ElementType, ...]) -> None:
    check(op, types, stimulus(types, 60, 3), 1, "lut")


def test_requantise_float32_rounds_ties_of_the_float32_product_to_even() -> None:
    # products beside a half integer by about half a float32 ulp: some within it, some just not
    noise, q = random.Random(6), 34
    vectors = []
    for _ in range(400):
        k, sign = noise.randrange(128), noise.choice((1, -1))
        least = ((2 * k + 1) << (q - 1)) >> 24
        acc = noise.randint(least + 1, min(2 * least + 2, 1 << 19) - 1)
        vectors.append((sign * acc, round(((2 * k + 1) << (q - 1)) / acc)))
    check(RequantiseFloat32(q, 0, -128, 127), (S20, ElementType(25, False)), vectors)


@pytest.mark.slow
@pytest.mark.parametrize(("op", "types"), [c for c in SIMPLE if isinstance(c[0], QuantisedAdd)])
def test_quantised_add_on_every_pair(op: ScalarOp, types: tuple[ElementType, ...]) -> None:
    a, b = types
    vectors = [
        (x, y) for x in range(a.minimum, a.maximum + 1) for y in range(b.minimum, b.maximum + 1)
    ]
    check(op, types, vectors)
