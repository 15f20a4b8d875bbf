"""Transpose: the axes in another order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hlsgen.algebra.types import S8
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, OnnxBinding, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class Transpose(TensorOp):
    """Axis k of the result is axis ``permutation[k]`` of the operand; empty means reversed, until normalised."""

    permutation: tuple[int, ...] = ()

    place = "hardware"
    moves_data = True
    bindings = (OnnxBinding("Transpose", (1, 1), attributes={"perm": "permutation"}),)

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        rank = len(inputs[0].shape)
        order = self.permutation or tuple(reversed(range(rank)))
        require(sorted(order) == list(range(rank)), self, f"a permutation of {rank} axes", order)
        return Transpose(order)

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.permutation[:1] == (0,)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        require(len(x.shape) == len(self.permutation), self, f"rank {len(self.permutation)}", x)
        quantisation = x.quantisation
        if quantisation is not None and quantisation.axis is not None:
            axis = self.permutation.index(quantisation.axis % len(x.shape))
            quantisation = replace(quantisation, axis=axis)
        return TensorType(tuple(x.shape[k] for k in self.permutation), x.element, quantisation)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.permute_dims(arrays[0], self.permutation)

    def lower(self, build: Lowering) -> None:
        """No hardware: the same stream, seen in another order."""
        operand = build.placed_operand(0)
        position = np.asarray(self.evaluate(np, operand.position))
        build.result(operand.channel, position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        return (
            Example(Transpose((0, 2, 3, 1)), (TensorType((1, 3, 2, 4), S8),), {}),
            Example(Transpose((0, 3, 1, 2)), (TensorType((1, 3, 2, 4), S8),), {}),
            Example(Transpose((0, 2, 1)), (TensorType((1, 3, 5), S8),), {}),
        )
