"""Operators that give the same elements, in the same order, another shape."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from hlsgen.algebra.types import S8
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, OnnxBinding, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class Reshape(TensorOp):
    """The elements of the operand in row-major order, as ``shape``; -1 and 0 as in ONNX until normalised."""

    shape: tuple[int, ...]
    allow_zero: bool = False

    place = "hardware"
    moves_data = True
    bindings = (
        OnnxBinding(
            "Reshape", (1, 1), since=5, attributes={"allowzero": "allow_zero"}, inputs={"shape": 1}
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        old = inputs[0].shape
        shape = list(self.shape)
        if not self.allow_zero:
            zeros = [k for k, extent in enumerate(shape) if extent == 0]
            require(all(k < len(old) for k in zeros), self, f"rank {len(old)}", shape)
            shape = [old[k] if k in zeros else extent for k, extent in enumerate(shape)]
        if -1 in shape:
            known = -prod(shape)
            fits = shape.count(-1) == 1 and known > 0 and prod(old) % known == 0
            require(fits, self, f"a shape of {prod(old)} elements", self.shape)
            shape[shape.index(-1)] = prod(old) // known
        return Reshape(tuple(shape))

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return bool(inputs[0].shape and self.shape) and inputs[0].shape[0] == self.shape[0] == 1

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        same = prod(self.shape) == x.size
        require(same, self, f"a shape of {x.size} elements", self.shape)
        return TensorType(self.shape, x.element, x.quantisation)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        # the first extent is left open for samples
        shape = self.shape if 0 in self.shape else (-1, *self.shape[1:])
        return xp.reshape(arrays[0], shape if self.shape else ())

    def lower(self, build: Lowering) -> None:
        """No hardware: the same stream, seen in another order."""
        operand = build.placed_operand(0)
        position = np.asarray(self.evaluate(np, operand.position))
        build.result(operand.channel, position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        return (
            Example(Reshape((1, 12)), (TensorType((1, 3, 2, 2), S8),), {}),
            Example(Reshape((1, 2, 6)), (TensorType((1, 12), S8),), {}),
        )


@dataclass(frozen=True)
class Flatten(TensorOp):
    """Axes before ``axis`` become one, the others become one; normalised to Reshape."""

    axis: int = 1

    bindings = (OnnxBinding("Flatten", (1, 1), attributes={"axis": "axis"}),)

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        shape = inputs[0].shape
        axis = self.axis + len(shape) if self.axis < 0 else self.axis
        require(0 <= axis <= len(shape), self, f"an axis of rank {len(shape)}", self.axis)
        return Reshape((prod(shape[:axis]), prod(shape[axis:])))


@dataclass(frozen=True)
class Squeeze(TensorOp):
    """Removes axes of extent 1 (all of them where ``axes`` is empty); normalised to Reshape."""

    axes: tuple[int, ...] = ()

    bindings = (
        OnnxBinding("Squeeze", (1, 1), until=12, attributes={"axes": "axes"}),
        OnnxBinding("Squeeze", (1, 1), since=13, inputs={"axes": 1}),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        shape = inputs[0].shape
        ones = tuple(k for k, extent in enumerate(shape) if extent == 1)
        axes = tuple(a + len(shape) if a < 0 else a for a in self.axes) or ones
        require(set(axes) <= set(ones), self, f"axes of extent 1 of {list(shape)}", self.axes)
        return Reshape(tuple(extent for k, extent in enumerate(shape) if k not in axes))


@dataclass(frozen=True)
class Unsqueeze(TensorOp):
    """Inserts axes of extent 1 at ``axes`` of the result; normalised to Reshape."""

    axes: tuple[int, ...] = ()

    bindings = (
        OnnxBinding("Unsqueeze", (1, 1), until=12, attributes={"axes": "axes"}),
        OnnxBinding("Unsqueeze", (1, 1), since=13, inputs={"axes": 1}),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        rank = len(inputs[0].shape) + len(self.axes)
        axes = {a + rank if a < 0 else a for a in self.axes}
        fits = len(axes) == len(self.axes) and all(0 <= a < rank for a in axes)
        require(fits, self, f"different axes of rank {rank}", self.axes)
        extents = iter(inputs[0].shape)
        return Reshape(tuple(1 if k in axes else next(extents) for k in range(rank)))
