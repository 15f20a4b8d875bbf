"""Operators whose result's extent depends on the operands' values: what is left of a tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.ops.host import BOOL, S64, HostOp, axis_of
from hlsgen.ops.op import Constants, OnnxBinding, require
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class NonZero(HostOp):
    """The places of all elements that are not 0, in row-major order: (axes, count)."""

    asks_values = True
    bindings = (OnnxBinding("NonZero", (1, 1), since=9),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = constants
        require(x is not None, self, "an operand that is known before", "a computed one")
        assert x is not None
        return TensorType((len(inputs[0].shape), int(np.count_nonzero(x))), S64)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.stack(xp.nonzero(arrays[0]), axis=0)


@dataclass(frozen=True)
class Compress(HostOp):
    """The slices along ``axis`` (None: the elements in row-major order) at which the second operand holds."""

    axis: int | None = None

    asks_values = True
    bindings = (OnnxBinding("Compress", (2, 2), since=9, attributes={"axis": "axis"}),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, condition = inputs
        require(condition.element == BOOL, self, "a condition of truth values", condition)
        truths = constants[1]
        require(truths is not None, self, "a condition that is known before", "a computed one")
        assert truths is not None
        count = int(np.count_nonzero(truths))
        if self.axis is None:
            return TensorType((count,), x.element)
        axis = axis_of(self, self.axis, len(x.shape))
        return TensorType((*x.shape[:axis], count, *x.shape[axis + 1 :]), x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, condition = arrays
        (places,) = xp.nonzero(condition)
        if self.axis is None:
            return xp.take(xp.reshape(x, (-1,)), places, axis=0)
        return xp.take(x, places, axis=self.axis)
