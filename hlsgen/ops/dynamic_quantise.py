"""DynamicQuantizeLinear: scale and zero point from the range of the operand itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.algebra.types import U8
from hlsgen.ops.host import HostOp
from hlsgen.ops.op import Constants, OnnxBinding, require
from hlsgen.ops.tensor_type import F32, AnyArray, TensorType


@dataclass(frozen=True)
class DynamicQuantizeLinear(HostOp):
    """To u8, so that the least and the greatest element, and 0, are within range. Results: integers, scale, zero point.

    No circuit is made of it: the range of a sample is known only after its last element.
    """

    result: int = 0

    bindings = (OnnxBinding("DynamicQuantizeLinear", (1, 1), since=11),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require(inputs[0].element == F32, self, "an operand of f32", inputs[0])
        shape = inputs[0].shape if self.result == 0 else ()
        return TensorType(shape, F32 if self.result == 1 else U8)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        low = xp.clip(xp.min(x), None, 0.0)
        scale = (xp.clip(xp.max(x), 0.0, None) - low) / 255.0
        if self.result == 1:
            return scale
        safe = xp.where(scale == 0, xp.ones_like(scale), scale)
        zero = xp.round(xp.clip(-low / safe, 0.0, 255.0))
        return zero if self.result == 2 else xp.clip(xp.round(x / safe) + zero, 0.0, 255.0)
