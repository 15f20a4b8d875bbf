"""Channels to places: what a transposed convolution computes side by side, brought in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from hlsgen.algebra.types import S8
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class Interleave(TensorOp):
    """Of (N, prod(strides) * C, *places), channel (r, c) of place q is channel c of place q * strides + r, as far as ``space`` reaches;
    channel (c, r) with ``channels_first``."""

    strides: tuple[int, ...]
    space: tuple[int, ...]
    channels_first: bool = False

    place = "hardware"
    moves_data = True

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        count = prod(self.strides)
        require(x.shape[1] % count == 0, self, f"a multiple of {count} channels", x)
        reach = tuple(n * s for n, s in zip(x.shape[2:], self.strides, strict=True))
        fits = all(n <= m for n, m in zip(self.space, reach, strict=True))
        require(fits, self, f"at most {list(reach)} places", list(self.space))
        return TensorType((x.shape[0], x.shape[1] // count, *self.space), x.element, x.quantisation)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        rank, channels = len(self.strides), x.shape[1] // prod(self.strides)
        first = 1 if self.channels_first else 0
        sizes = (channels, *self.strides) if first else (*self.strides, channels)
        apart = xp.reshape(x, (x.shape[0], *sizes, *x.shape[2:]))
        pairs = [axis for k in range(rank) for axis in (rank + 2 + k, 1 + first + k)]
        turned = xp.permute_dims(apart, (0, 1 if first else rank + 1, *pairs))
        whole = tuple(n * s for n, s in zip(x.shape[2:], self.strides, strict=True))
        joined = xp.reshape(turned, (x.shape[0], channels, *whole))
        return joined[(slice(None), slice(None), *(slice(n) for n in self.space))]

    def lower(self, build: Lowering) -> None:
        """Rows first, then the places of each row; what is left out at the end of rows is cut off by another copy."""
        type, source = build.type(0), build.operand(0)
        whole = tuple(n * s for n, s in zip(type.shape[2:], self.strides, strict=True))
        channels, across = type.shape[1] // prod(self.strides), self.strides[-1]
        position = replace(self, space=whole).evaluate(np, source.position)
        order = np.moveaxis(position, 1, -1).reshape(-1)
        height, width = (1, *whole)[-2:]
        rows, columns = (1, *self.space)[-2:]
        channel = source.channel
        if len(whole) == 2 and self.strides[0] > 1:
            shape = (height, width // across, across * channels)
            channel, order = build.gathered(channel, order, shape), np.arange(order.size)
        order = order[: rows * width * channels]
        channel = build.gathered(channel, order, (rows, width, channels))
        if columns < width:
            cut = np.arange(order.size).reshape(rows, width, channels)[:, :columns]
            channel = build.gathered(channel, cut.reshape(-1), (rows, columns, channels))
        build.result(channel)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        cases = (
            (Interleave((2, 2), (6, 8)), (1, 12, 3, 4)),
            (Interleave((2, 3), (5, 7)), (1, 12, 3, 3)),
            (Interleave((2,), (7,)), (1, 6, 4)),
            (Interleave((2, 2), (6, 8), True), (1, 12, 3, 4)),
            (Interleave((3, 1), (8, 4), True), (1, 6, 3, 4)),
            (Interleave((1, 2), (3, 7), True), (1, 6, 3, 4)),
        )
        return tuple(Example(op, (TensorType(shape, S8),), {}) for op, shape in cases)
