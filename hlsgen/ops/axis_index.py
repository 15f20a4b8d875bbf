"""Where the greatest or least integer along an axis is: what ArgMax and ArgMin become."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from hlsgen.algebra import scalar
from hlsgen.algebra.expression import Call, Expression, Literal, Operand, expression_type
from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.host import S64
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, TensorType
from hlsgen.ops.window import Window


@dataclass(frozen=True)
class AxisIndex(TensorOp):
    """The place of the greatest integer along ``axis`` (of the ``least``): the first, or the ``last`` of equal ones.

    The result is ONNX's, of 64 bits; a circuit gives as many as the places need.
    """

    axis: int
    keep: bool = True
    last: bool = False
    least: bool = False

    place = "hardware"

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.axis != 0

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        fits = 0 < self.axis < len(x.shape) and x.shape[self.axis] > 0
        require(fits, self, "an axis behind that of samples, with elements", (self.axis, x))
        shape = list(x.shape)
        shape[self.axis : self.axis + 1] = [1] if self.keep else []
        return TensorType(tuple(shape), S64)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x = xp.astype(arrays[0], xp.int64)
        x = -x if self.least else x
        if not self.last:
            return xp.argmax(x, axis=self.axis, keepdims=self.keep)
        best = xp.argmax(xp.flip(x, axis=self.axis), axis=self.axis, keepdims=self.keep)
        return x.shape[self.axis] - 1 - best

    def lower(self, build: Lowering) -> None:
        """The greatest of x and a place together, x in the upper bits: a copy, a sum, a maximum and the lower bits."""
        type, operand = build.type(0), build.operand(0)
        count = type.shape[self.axis]
        bits = max(1, (count - 1).bit_length())
        order = np.moveaxis(operand.position, self.axis, 0).reshape(-1)
        kept = prod(type.shape) // count
        channel = build.gathered(operand.channel, order, (1, count, kept))
        places = np.arange(count) if self.last else np.arange(count)[::-1]
        scaled = Call(
            scalar.Multiply(), (Operand("r0"), Literal((-1 if self.least else 1) << bits))
        )
        together = Call(scalar.Add(), (scaled, Operand("r1")))
        place_type = ElementType.holding(0, max(count - 1, 1))
        key = expression_type(together, {"r0": type.integer, "r1": place_type})
        channel = build.pointwise([channel], [places.reshape(1, count, 1)], together, key)
        window = Window((1, count), (1, count), (0, 0, 0, 0), (1, 1))
        channel = build.window_maximum(channel, window, (1, 1))
        upper = Call(
            scalar.Multiply(), (Call(scalar.ShiftRight(bits), (Operand("r0"),)), Literal(1 << bits))
        )
        place: Expression = Call(scalar.Subtract(), (Operand("r0"), upper))
        if not self.last:
            place = Call(scalar.Subtract(), (Literal(count - 1), place))
        bounded = Call(scalar.Clamp(0, count - 1), (place,))
        index = build.pointwise([channel], [], bounded, place_type)
        build.result(index, np.arange(kept).reshape(build.output_type.shape))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        cases = (
            (AxisIndex(1), (1, 10), S8),
            (AxisIndex(1, False, True), (1, 7, 3, 2), U8),
            (AxisIndex(2, True, False, True), (1, 3, 4, 2), S8),
            (AxisIndex(3, False, True, True), (1, 2, 3, 5), U8),
            (AxisIndex(2, False), (1, 2, 8), U8),
            (AxisIndex(1), (1, 1), S8),
        )
        return tuple(Example(op, (TensorType(shape, e),), {}) for op, shape, e in cases)
