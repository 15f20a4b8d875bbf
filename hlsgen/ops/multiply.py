"""Multiplication of floats; a constant factor after a product with weights is folded into the weights' scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.ops.host import one_element, unbounded
from hlsgen.ops.op import Constants, OnnxBinding, TensorOp, broadcast, require_one_sample
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class Mul(TensorOp):
    """a * b, with ONNX's broadcasting."""

    pointwise = True
    bindings = (OnnxBinding("Mul", (2, 2), since=7),)

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return len(inputs[0].shape) == len(inputs[1].shape)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        a, b = inputs
        element = one_element(self, inputs)
        shape = broadcast(self, a.shape, b.shape)
        require_one_sample(self, inputs, constants, shape)
        return TensorType(shape, element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = unbounded(xp, arrays)
        return a * b
