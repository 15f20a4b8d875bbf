"""Dropout, which does nothing in inference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.ops.activation import Identity
from hlsgen.ops.host import BOOL
from hlsgen.ops.op import Constants, OnnxBinding, TensorOp, require
from hlsgen.ops.shapes import FromTypes
from hlsgen.ops.tensor_type import TensorType


@dataclass(frozen=True)
class Dropout(FromTypes):
    """In inference the operand itself, normalised to Identity; the second result says that every element is kept."""

    ratio: float | tuple[float, ...] = 0.5
    training: bool | tuple[bool, ...] = False
    result: int = 0

    bindings = (
        OnnxBinding("Dropout", (1, 1), until=11, attributes={"ratio": "ratio"}),
        OnnxBinding(
            "Dropout", (1, 1), since=12, inputs={"ratio": 1, "training": 2}, ignored={"seed": None}
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        random = self.training not in (False, (False,), ()) and self.ratio not in (0, (0,))
        require(not random, self, "inference (training_mode false)", "training_mode true")
        return self if self.result else Identity()

    def from_types(self, inputs: tuple[TensorType, ...]) -> np.ndarray:
        return np.ones(inputs[0].shape, np.bool_)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        return TensorType(inputs[0].shape, BOOL)
