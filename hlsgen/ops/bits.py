"""Operators on the bits of integers, and the same bits seen as another type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hlsgen.algebra.types import ElementType
from hlsgen.ops.host import HostOp, one_element, wide, wrapped
from hlsgen.ops.op import Constants, OnnxBinding, broadcast, require, require_one_sample
from hlsgen.ops.tensor_type import AnyArray, TensorType


class BitsOp(HostOp):
    """Integer operands of one type, with ONNX's broadcasting."""

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        element = one_element(self, inputs)
        require(isinstance(element, ElementType), self, "integer operands", element)
        shape = broadcast(self, *(type.shape for type in inputs))
        require_one_sample(self, inputs, constants, shape)
        return TensorType(shape, element)


@dataclass(frozen=True)
class BitwiseAnd(BitsOp):
    """a and b, bit by bit."""

    bindings = (OnnxBinding("BitwiseAnd", (2, 2), since=18),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] & arrays[1]


@dataclass(frozen=True)
class BitwiseOr(BitsOp):
    """a or b, bit by bit."""

    bindings = (OnnxBinding("BitwiseOr", (2, 2), since=18),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] | arrays[1]


@dataclass(frozen=True)
class BitwiseXor(BitsOp):
    """Either a or b, bit by bit."""

    bindings = (OnnxBinding("BitwiseXor", (2, 2), since=18),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] ^ arrays[1]


@dataclass(frozen=True)
class BitwiseNot(BitsOp):
    """Every bit inverted; ``element`` is the operand's type, once normalised."""

    element: ElementType | None = None

    bindings = (OnnxBinding("BitwiseNot", (1, 1), since=18),)

    def normalised(self, inputs: tuple[TensorType, ...]) -> BitwiseNot:
        require(inputs[0].is_integer, self, "an integer operand", inputs[0])
        return BitwiseNot(inputs[0].integer)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        assert self.element is not None, "normalised before"
        return wrapped(xp, ~wide(xp, arrays[0], self.element), self.element)


@dataclass(frozen=True)
class BitShift(BitsOp):
    """a shifted by b bits, of which those that leave the type are lost; negative shifts and those of its width and more move every bit out."""

    direction: Literal["LEFT", "RIGHT"]
    element: ElementType | None = None

    bindings = (OnnxBinding("BitShift", (2, 2), since=11, attributes={"direction": "direction"}),)

    def normalised(self, inputs: tuple[TensorType, ...]) -> BitShift:
        require(inputs[0].is_integer, self, "integer operands", inputs[0])
        return BitShift(self.direction, inputs[0].integer)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        assert self.element is not None, "normalised before"
        bits = self.element.bits
        x, shift = (wide(xp, array, self.element) for array in arrays)
        inside = (shift >= 0) & (shift < bits)
        amount = xp.where(inside, shift, xp.full_like(shift, bits - 1))
        if self.direction == "RIGHT":
            moved = x >> amount
            return moved if self.element.signed else xp.where(inside, moved, xp.zeros_like(moved))
        moved = wrapped(xp, x << amount, self.element)
        return xp.where(inside, moved, xp.zeros_like(moved))
