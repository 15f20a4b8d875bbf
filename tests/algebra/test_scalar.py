"""Scalar operators: results stay in the type that the rule gives, and constants are checked."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hlsgen.algebra.logarithmic_steps import LogarithmicSteps
from hlsgen.algebra.scalar import (
    SCALAR_OPS,
    Add,
    Clamp,
    Divide,
    Equal,
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
from hlsgen.errors import TypeMismatch

OPS: tuple[ScalarOp, ...] = (
    Add(),
    Subtract(),
    Multiply(),
    Maximum(),
    Minimum(),
    Equal(),
    Clamp(-3, 9),
    ShiftRight(2),
    Sign(),
    RoundSignificand(3),
    QuantisedAdd(3, 5, 4, 3, -8, 7, ((1, 2, 5),)),
    Table(tuple(range(-128, 128))),
)
TYPES = tuple(ElementType(bits, signed) for bits in (1, 4, 5) for signed in (False, True))


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_result_is_in_the_result_type_and_the_type_is_the_narrowest(op: ScalarOp) -> None:
    for a in TYPES:
        for b in TYPES if op.operands == 2 else TYPES[:1]:
            x = np.arange(a.minimum, a.maximum + 1)[:, None]
            y = np.arange(b.minimum, b.maximum + 1)[None]
            operands, types = ((x, y), (a, b)) if op.operands == 2 else ((x,), (a,))
            values = op.evaluate(np, *operands)
            result = op.result(*types)
            assert result.minimum <= values.min() and values.max() <= result.maximum
            if not isinstance(op, QuantisedAdd | Table | Equal | Sign):
                assert result == ElementType.holding(int(values.min()), int(values.max()))


def test_every_operator_says_how_many_operands_its_meaning_takes() -> None:
    one = (
        *(Clamp(-3, 9), ShiftRight(2), Sign(), RoundSignificand(24)),
        *(Table(tuple(range(256))), Steps(3, 0, ((3, -5, 5),)), SquareRoot()),
        LogarithmicSteps(0, 0, 0, ((1, 0, 3),)),
    )
    three = (RequantiseMultiplyShift(3, -8, 7),)
    two = (
        *(Add(), Subtract(), Multiply(), Maximum(), Minimum(), Equal()),
        *(RequantiseFloat32(8, 0, -128, 127), QuantisedAdd(3, 5, 4, 3, -8, 7)),
        Divide(-3, 9),
    )
    ops: tuple[ScalarOp, ...] = (*one, *two, *three)
    assert {type(op) for op in ops} == set(SCALAR_OPS)
    for count, group in enumerate((one, two, three), start=1):
        for op in group:
            assert op.operands == count
            op.evaluate(np, *[np.ones(1, dtype=np.int64)] * count)


def test_a_quotient_is_the_nearest_integer_halves_upwards_and_saturates() -> None:
    a, b = np.arange(-60, 61)[:, None], np.arange(0, 9)[None]
    quotients = Divide(-7, 9).evaluate(np, a, b)
    for x, y in np.ndindex(quotients.shape):
        numerator, divisor = int(a[x, 0]), int(b[0, y])
        if divisor:
            expected = (Fraction(numerator, divisor) + Fraction(1, 2)).__floor__()
        else:
            expected = -7 if numerator < 0 else 9
        assert quotients[x, y] == min(max(expected, -7), 9)


def test_a_square_root_is_the_floor_next_to_every_square() -> None:
    roots = np.array([0, 1, 2, 3, 1000, (1 << 20) - 1, 1 << 26, (1 << 30) - 1, (1 << 31) - 1])
    for offset, less in ((-1, 1), (0, 0), (1, 0)):
        values = roots * roots + offset
        expected = np.where(values < 0, 0, roots - less)
        expected = np.where((roots == 0) & (offset == 1), 1, expected)
        assert np.array_equal(SquareRoot().evaluate(np, values), expected)


def test_quantised_add_gives_its_exceptions() -> None:
    op = QuantisedAdd(3, 5, 4, 3, -8, 7, ((1, 2, 5), (-4, 0, -8)))
    a, b = np.array([1, -4, 1]), np.array([2, 0, 1])
    assert op.evaluate(np, a, b).tolist() == [5, -8, (3 + 5 + 4) >> 3]


@pytest.mark.parametrize("q", range(1, 40))
def test_requantise_float32_equals_the_steps_in_float32_for_products_of_every_length(
    q: int,
) -> None:
    """Products of up to 48 bits, of which float32 keeps 24: both a little beside a tie and far from it."""
    noise = np.random.default_rng(q)
    multipliers = noise.integers(1 << 23, 1 << 24, 200) >> noise.integers(0, 24, 200)
    low, high, zero = -(1 << 21), 1 << 21, 5
    accumulators = np.concatenate([np.arange(-64, 65), noise.integers(-(1 << 24) + 1, 1 << 24, 64)])
    acc, m = accumulators[:, None], multipliers[None, :]
    near_ties = ((2 * noise.integers(0, 1 << 10, 200) + 1 << q) // 2) // np.maximum(multipliers, 1)
    acc = np.concatenate(
        [np.broadcast_to(acc, (len(acc), 200)), near_ties[None], -near_ties[None] - 1]
    )
    acc = np.clip(acc, -(1 << 24) + 1, (1 << 24) - 1)
    scale = (m / 2.0**q).astype(np.float32)
    product = acc.astype(np.float32) * scale
    expected = np.clip(np.rint(product.astype(np.float64)) + zero, low, high).astype(np.int64)
    op = RequantiseFloat32(q, zero, low, high)
    assert np.array_equal(op.evaluate(np, acc, np.broadcast_to(m, acc.shape)), expected)


def test_table_is_indexed_by_the_low_byte() -> None:
    op = Table(tuple(range(256)))
    assert op.evaluate(np, np.array([-1, -128, 0, 127])).tolist() == [255, 128, 0, 127]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Clamp(1, 0),
        lambda: ShiftRight(-1),
        lambda: Table((1, 2)),
        lambda: RequantiseFloat32(0, 0, -128, 127),
        lambda: RequantiseFloat32(63, 0, -128, 127),
        lambda: RequantiseMultiplyShift(3, 5, 4),
    ],
)
def test_constants_out_of_range_are_refused(make: type[ScalarOp]) -> None:
    with pytest.raises(TypeMismatch):
        make()
