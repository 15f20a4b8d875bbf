"""Operators that have a meaning and run on the host only: what they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from hlsgen.algebra.types import ElementType
from hlsgen.ops.op import Place, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, Element, TensorType

BOOL = ElementType(1, False)
"""Truth values: 0 and 1."""
S32 = ElementType(32, True)
S64 = ElementType(64, True)


class HostOp(TensorOp):
    """An operator of which no circuit is made. Samples are computed one by one, since axis 0 may be an axis like others."""

    place: ClassVar[Place] = "host"

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return False


def one_element(op: TensorOp, types: Sequence[TensorType]) -> Element:
    """The element type that all operands have; raises TypeMismatch where they differ."""
    first = types[0].element
    elements = ", ".join(str(type.element) for type in types)
    require(all(t.element == first for t in types), op, "operands of one element type", elements)
    return first


def require_float(op: TensorOp, *types: TensorType) -> None:
    """Raises TypeMismatch for an operand of integers."""
    for type in types:
        require(not type.is_integer, op, "float operands", type)


def axis_of(op: TensorOp, axis: int, rank: int) -> int:
    """``axis`` counted from the front; raises TypeMismatch where there is no such axis."""
    require(-rank <= axis < rank, op, f"an axis of rank {rank}", axis)
    return axis % rank


def axes_of(op: TensorOp, axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, in order; raises TypeMismatch for axes that there are not or that come twice."""
    counted = tuple(sorted(axis_of(op, axis, rank) for axis in axes))
    require(len(set(counted)) == len(counted), op, "different axes", tuple(axes))
    return counted


def at_positions(arrays: Sequence[Any], absent: Sequence[int], count: int) -> list[Any]:
    """``count`` operands by position, None for those that are absent or left out at the end."""
    present = iter(arrays)
    return [None if k in absent else next(present, None) for k in range(count)]


def wrapped(xp: Any, array: AnyArray, element: Element) -> AnyArray:
    """Integers of int64 modulo 2**bits, as values of ``element``; floats as they are."""
    if not isinstance(element, ElementType) or element.bits >= 64:
        return array
    return element.decode(xp.astype(array, xp.int64))


def unbounded(xp: Any, arrays: Sequence[AnyArray]) -> list[AnyArray]:
    """Operands in a type in which sums and products of narrower integers do not wrap: int64, or what they are in."""
    kept = (xp.uint64, xp.int64)
    return [
        a if xp.isdtype(a.dtype, "real floating") or a.dtype in kept else xp.astype(a, xp.int64)
        for a in arrays
    ]


def wide(xp: Any, array: AnyArray, element: Element) -> AnyArray:
    """Integers in int64, those of 64 unsigned bits as they are; floats as they are."""
    if not isinstance(element, ElementType) or element.bits == 64:
        return array
    return xp.astype(array, xp.int64)
