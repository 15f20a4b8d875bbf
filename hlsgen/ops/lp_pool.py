"""Norms of windows: LpPool and GlobalLpPool, which calibration makes of averages of windows and of sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.ops.host import HostOp, require_float
from hlsgen.ops.op import Constants, OnnxBinding, require
from hlsgen.ops.pool import WINDOW_ATTRIBUTES, Pool
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class LpPool(Pool):
    """(the sum of |x| ** order over every window) ** (1 / order); padding contributes nothing. On the host where it stands at the end."""

    order: int = 2

    place = "host"
    bindings = (OnnxBinding("LpPool", (1, 1), attributes={**WINDOW_ATTRIBUTES, "p": "order"}),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        require_float(self, x)
        require(self.order >= 1, self, "a norm of order 1 or more", self.order)
        return TensorType(self.result_shape(x.shape), x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return self._sum(xp, xp.abs(arrays[0]) ** self.order, 0) ** (1 / self.order)


@dataclass(frozen=True)
class GlobalLpPool(HostOp):
    """(the sum of |x| ** order over space) ** (1 / order), for each channel. On the host where it stands at the end."""

    order: int = 2

    bindings = (OnnxBinding("GlobalLpPool", (1, 1), attributes={"p": "order"}),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        require_float(self, x)
        require(len(x.shape) > 2, self, "an operand (N, C, *space)", x)
        require(self.order >= 1, self, "a norm of order 1 or more", self.order)
        return TensorType((*x.shape[:2], *(1,) * (len(x.shape) - 2)), x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        space = tuple(range(2, x.ndim))
        total = xp.sum(xp.abs(x) ** self.order, axis=space, keepdims=True)
        return total ** (1 / self.order)
