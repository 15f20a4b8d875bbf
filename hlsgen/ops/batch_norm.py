"""Batch normalisation in inference: a scale and an offset for each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.ops.op import Constants, OnnxBinding, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class BatchNormalization(TensorOp):
    """Operands x (N, C, ...), gain, offset, mean, variance (C,): (x - mean) / sqrt(variance + epsilon) * gain + offset."""

    epsilon: float = 1e-5

    bindings = (
        OnnxBinding(
            "BatchNormalization",
            (5, 5),
            since=7,
            attributes={"epsilon": "epsilon"},
            ignored={"momentum": None, "training_mode": 0},
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x = inputs[0]
        for parameter in inputs[1:]:
            require(parameter.shape == x.shape[1:2], self, f"parameters {x.shape[1:2]}", parameter)
        return TensorType(x.shape, x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x = arrays[0]
        shape = (1, -1, *(1,) * (x.ndim - 2))
        gain, offset, mean, variance = (xp.reshape(array, shape) for array in arrays[1:])
        return (x - mean) / xp.sqrt(variance + self.epsilon) * gain + offset
