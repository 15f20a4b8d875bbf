"""Bounds by channel, on integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.algebra import scalar
from hlsgen.algebra.expression import Call, Operand
from hlsgen.algebra.types import S8, U8
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class ClampChannels(TensorOp):
    """min(max(x, low), high), with a low and a high bound for each index of axis 1."""

    low: tuple[int, ...]
    high: tuple[int, ...]

    place = "hardware"

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        channels = x.shape[1] if len(x.shape) > 1 else 0
        counts = (len(self.low), len(self.high))
        require(counts == (channels, channels), self, f"{channels} low and high bounds", counts)
        inside = all(
            x.integer.minimum <= low <= high <= x.integer.maximum
            for low, high in zip(self.low, self.high, strict=True)
        )
        require(inside, self, f"low <= high, of {x.integer}", (self.low[:4], self.high[:4]))
        return TensorType(x.shape, x.integer)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        low, high = (
            xp.reshape(
                xp.asarray(np.array(ends, np.int32), device=getattr(x, "device", None)),
                (1, -1, *(1,) * (x.ndim - 2)),
            )
            for ends in (self.low, self.high)
        )
        return xp.minimum(xp.maximum(xp.astype(x, xp.int32), low), high)

    def lower(self, build: Lowering) -> None:
        """An elementwise process; the bounds are read from stores."""
        ends = [np.array(self.low, np.int64), np.array(self.high, np.int64)]
        above = Call(scalar.Maximum(), (Operand("r0"), Operand("r1")))
        both = Call(scalar.Minimum(), (above, Operand("r2")))
        element = build.output_type.integer
        build.result(build.pointwise([build.channel(0)], ends, both, element))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        return (
            Example(ClampChannels((-3, -128, 7), (100, 5, 7)), (TensorType((1, 3, 2, 4), S8),), {}),
            Example(ClampChannels((0, 9), (255, 200)), (TensorType((1, 2), U8),), {}),
        )
