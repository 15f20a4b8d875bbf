"""Exact integer reductions over axes, in whatever order the operand streams by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import (
    Constants,
    Example,
    QuantisedOutput,
    QuantisedValue,
    TensorOp,
    require,
)
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.tensor_type import AnyArray, TensorType
from hlsgen.ops.window import Window


def resolved_axes(op: TensorOp, axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """``axes`` (all if empty) of an operand of ``rank``, from 0 on and in order; raises TypeMismatch for others."""
    axes = axes or tuple(range(rank))
    require(all(-rank <= a < rank for a in axes), op, f"axes of rank {rank}", axes)
    return tuple(sorted({a % rank for a in axes}))


def kept_shape(shape: tuple[int, ...], axes: tuple[int, ...], keep: bool) -> tuple[int, ...]:
    """The shape after a reduction over ``axes``."""
    kept = [1 if k in axes else n for k, n in enumerate(shape)]
    return tuple(n for k, n in enumerate(kept) if keep or k not in axes)


def unless_of_eight_bits(
    x: QuantisedValue, axes: tuple[int, ...], output: QuantisedOutput
) -> Reason | None:
    """A reason where an operator along axes of ``x`` is not one of 8-bit integers, from one quantisation to another."""
    return unless(
        (x.type.is_integer and x.type.integer.bits <= 8, f"its operand {x.type} is not of 8 bits"),
        (x.quantisation.per_tensor, "its operand is quantised per channel"),
        (
            output.element.bits <= 8,
            f"its result is quantised to {output.element}, more than 8 bits",
        ),
        (0 not in axes, "it works along the batch"),
        (x.constant is None, "its operand is constant"),
        (
            all(0 < s < np.inf for s in (*x.quantisation.scale, output.scale)),
            f"its scales are {x.quantisation.scale[0]:g} and {output.scale:g}",
        ),
    )


@dataclass(frozen=True)
class AxisReduction(TensorOp):
    """What both share: ``axes`` from 0 on; ``keep`` keeps them with extent 1."""

    axes: tuple[int, ...]
    keep: bool = True

    place = "hardware"

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return 0 not in self.axes

    def _shape(self, x: TensorType) -> tuple[int, ...]:
        return kept_shape(x.shape, self.axes, self.keep)


@dataclass(frozen=True)
class AxisSum(AxisReduction):
    """The sum of (x - input_zero), exactly."""

    input_zero: int = 0

    accumulates = True

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        count = prod(x.shape[axis] for axis in self.axes)
        low, high = x.integer.minimum - self.input_zero, x.integer.maximum - self.input_zero
        return TensorType(
            self._shape(x), ElementType.holding(min(low * count, -1), max(high * count, 0))
        )

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        wide = xp.astype(arrays[0], xp.int64) - self.input_zero
        return xp.sum(wide, axis=self.axes, keepdims=self.keep)

    def lower(self, build: Lowering) -> None:
        """Sums of a window per channel; a product with ones where channels are added up."""
        channel, dimensions, position = _arranged(build, self.axes, self.keep)
        window, size = _window(build, channel, dimensions)
        if 2 in dimensions:
            ones = np.ones((1, 1, *window.kernel, build.channel_shape(channel)[2]), np.int64)
            bias = np.zeros(1, np.int64)
            result = build.convolve(channel, ones, window, size, self.input_zero, bias)
        else:
            result = build.sum_windows(channel, window, size, self.input_zero)
        build.result(result, position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        cases = (
            (AxisSum((1, 2), False, 3), (1, 4, 3, 5), U8),
            (AxisSum((2,), True, -7), (1, 3, 4, 2), S8),
            (AxisSum((1,), True, -128), (1, 6, 3, 2), S8),
            (AxisSum((1, 2, 3), True, 5), (1, 3, 2, 4), S8),
            (AxisSum((1,), False), (1, 9), S8),
            (AxisSum((1, 3), False, 2), (1, 2, 3, 4, 2), S8),
        )
        return tuple(Example(op, (TensorType(shape, e),), {}) for op, shape, e in cases)


@dataclass(frozen=True)
class AxisMaximum(AxisReduction):
    """The greatest element."""

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        return TensorType(self._shape(x), x.element, x.quantisation)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.max(arrays[0], axis=self.axes, keepdims=self.keep)

    def lower(self, build: Lowering) -> None:
        """The greatest of a window per channel; channels among the axes become places of the window first."""
        channel, dimensions, position = _arranged(build, self.axes, self.keep, whole=False)
        window, size = _window(build, channel, dimensions)
        build.result(build.window_maximum(channel, window, size), position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        cases = (
            (AxisMaximum((1, 2), False), (1, 4, 3, 5), U8),
            (AxisMaximum((3,), True), (1, 3, 4, 2), S8),
            (AxisMaximum((1,), True), (1, 6, 3, 2), S8),
            (AxisMaximum((1,), True), (1, 9), S8),
        )
        return tuple(Example(op, (TensorType(shape, e),), {}) for op, shape, e in cases)


def _arranged(
    build: Lowering, axes: tuple[int, ...], keep: bool, whole: bool = True
) -> tuple[str, tuple[int, ...], np.ndarray]:
    """A channel of the operand whose dimensions given are what is reduced, and where each result then stands in the stream.

    The channel is the operand's own where the elements that are reduced together fill dimensions of it (with ``whole`` False: not the
    innermost); else a copy (1, reduced, kept).
    """
    operand, type = build.operand(0), build.type(0)
    kept = kept_shape(type.shape, axes, keep)
    group = np.broadcast_to(
        np.arange(prod(kept)).reshape(kept_shape(type.shape, axes, True)), type.shape
    )
    shape = build.channel_shape(operand.channel)
    streamed = np.empty(type.size, np.int64)
    streamed[operand.position.reshape(-1)] = group.reshape(-1)
    dimensions = _filled(streamed.reshape(shape), 3 if whole else 2, prod(kept))
    channel = operand.channel
    if dimensions is None:
        together = np.argsort(group.reshape(-1), kind="stable").reshape(prod(kept), -1).T
        order = operand.position.reshape(-1)[together.reshape(-1)]
        channel = build.gathered(operand.channel, order, (1, len(together), prod(kept)))
        streamed, dimensions = np.arange(prod(kept)), (1,)
    else:
        streamed = streamed.reshape(shape)[
            tuple(slice(1) if k in dimensions else slice(None) for k in range(3))
        ]
    position = np.empty(prod(kept), np.int64)
    position[streamed.reshape(-1)] = np.arange(prod(kept))
    return channel, dimensions, position.reshape(kept)


def _filled(groups: np.ndarray, usable: int, count: int) -> tuple[int, ...] | None:
    """The dimensions along which all elements are of one group, if nothing else is: ``groups`` (height, width, channels), of ``count``
    groups; of the first ``usable`` dimensions."""
    for number in range(usable + 1):
        for dimensions in combinations(range(usable), number):
            first = groups[tuple(slice(1) if k in dimensions else slice(None) for k in range(3))]
            if first.size == count and np.array_equal(np.broadcast_to(first, groups.shape), groups):
                return dimensions
    return None


def _window(
    build: Lowering, channel: str, dimensions: tuple[int, ...]
) -> tuple[Window, tuple[int, int]]:
    """The window that covers ``dimensions`` of a channel, and how many of it there are."""
    height, width, _ = build.channel_shape(channel)
    kernel = (height if 0 in dimensions else 1, width if 1 in dimensions else 1)
    return Window(kernel, kernel, (0, 0, 0, 0), (1, 1)), (height // kernel[0], width // kernel[1])
