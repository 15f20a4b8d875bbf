"""Multiplication of floats; a constant factor after a product with weights is folded into the weights' scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.ops.op import Constants, OnnxBinding, TensorOp, broadcast, require, require_one_sample
from hlsgen.ops.tensor_type import F32, AnyArray, TensorType


@dataclass(frozen=True)
class Mul(TensorOp):
    """a * b, with ONNX's broadcasting."""

    pointwise = True
    bindings = (OnnxBinding("Mul", (2, 2), since=7),)

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return len(inputs[0].shape) == len(inputs[1].shape)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        a, b = inputs
        require(not a.is_integer and not b.is_integer, self, "float operands", f"{a} and {b}")
        shape = broadcast(self, a.shape, b.shape)
        require_one_sample(self, inputs, constants, shape)
        return TensorType(shape, F32)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] * arrays[1]
