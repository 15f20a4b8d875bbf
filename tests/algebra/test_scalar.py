"""Scalar operators: results stay in the type that the rule gives, and constants are checked."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.algebra.scalar import (
    Add,
    Clamp,
    Equal,
    Maximum,
    Minimum,
    Multiply,
    QuantisedAdd,
    RequantiseFloat32,
    RequantiseMultiplyShift,
    ScalarOp,
    ShiftRight,
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
            found = op.evaluate(np, *operands)
            result = op.result(*types)
            assert result.minimum <= found.min() and found.max() <= result.maximum
            if not isinstance(op, QuantisedAdd | Table | Equal):
                assert result == ElementType.holding(int(found.min()), int(found.max()))


def test_quantised_add_gives_its_exceptions() -> None:
    op = QuantisedAdd(3, 5, 4, 3, -8, 7, ((1, 2, 5), (-4, 0, -8)))
    a, b = np.array([1, -4, 1]), np.array([2, 0, 1])
    assert op.evaluate(np, a, b).tolist() == [5, -8, (3 + 5 + 4) >> 3]


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
