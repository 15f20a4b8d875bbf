"""Resize by linear interpolation: on integers a convolution for each phase of the places, brought in order, over its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm, prod
from typing import Any

import numpy as np

from hlsgen.ops.conv import Conv
from hlsgen.ops.interleave import Interleave
from hlsgen.ops.op import (
    Constants,
    NodeBuilder,
    QuantisedOutput,
    QuantisedValue,
    TensorOp,
    require,
)
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.step_function import StepFunction
from hlsgen.ops.tensor_type import AnyArray, TensorType
from hlsgen.requantise.cells import find_changes, find_steps

_LARGEST_WEIGHT = 1 << 12
_LARGEST_KERNEL = 9
_LARGEST_SUM = 1 << 46
"""Of weights over a whole window, in steps of the finest of them."""


@dataclass(frozen=True)
class Line:
    """``count`` places along an axis of ``extent`` elements: place i is at (first + i * step) / unit, beyond the ends as at them.

    A place between two elements is their mean, weighted by its distance from the other one. What lies outside of the operand has no weight,
    which is the same for places less than one element away.
    """

    extent: int
    count: int
    first: int
    step: int
    unit: int

    @classmethod
    def of(cls, extent: int, count: int, first: Fraction, step: Fraction) -> Line:
        """A line with places at ``first + i * step``."""
        unit = lcm(first.denominator, step.denominator)
        return cls(extent, count, int(first * unit), int(step * unit), unit)

    @property
    def phases(self) -> int:
        """After how many places the weights repeat, or all places if they are fewer."""
        return min(self.unit // np.gcd(self.step, self.unit), self.count)

    @property
    def stride(self) -> int:
        """Elements from a place to the next of its phase."""
        return max(self.step // int(np.gcd(self.step, self.unit)), 1)

    def taps(self, place: int) -> list[tuple[int, int]]:
        """(element, weight) of a place, elements outside of the operand among them."""
        low, above = divmod(self.first + place * self.step, self.unit)
        return [(low, self.unit - above), *([(low + 1, above)] if above else [])]

    def weights(self) -> np.ndarray:
        """The weights of all elements that a place takes, together; int64 (count,)."""
        inside = (
            sum(w for at, w in self.taps(i) if 0 <= at < self.extent) for i in range(self.count)
        )
        return np.array(list(inside), np.int64)

    def kernels(self) -> tuple[np.ndarray, int, int]:
        """Weights (phases, kernel) of a convolution by ``stride``, and its padding before and after."""
        taps = [self.taps(phase) for phase in range(self.phases)]
        first = min(0, *(at for phase in taps for at, _ in phase))
        last = max(at for phase in taps for at, _ in phase)
        kernels = np.zeros((self.phases, last - first + 1), np.int64)
        for phase, chosen in enumerate(taps):
            for at, weight in chosen:
                kernels[phase, at - first] = weight
        reach = (ceil(self.count / self.phases) - 1) * self.stride + last
        return kernels, -first, max(0, reach - (self.extent - 1))


@dataclass(frozen=True)
class ResizeLinear(TensorOp):
    """Along each of ``axes`` the line (extent, count, first, step, unit) of places; the others stay."""

    axes: tuple[int, ...]
    places: tuple[tuple[int, int, int, int, int], ...]

    @property
    def lines(self) -> dict[int, Line]:
        """The line of each axis."""
        return {axis: Line(*line) for axis, line in zip(self.axes, self.places, strict=True)}

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return 0 not in self.axes

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        shape = list(inputs[0].shape)
        for axis, line in self.lines.items():
            require(shape[axis] == line.extent, self, f"{line.extent} elements", shape[axis])
            shape[axis] = line.count
        return TensorType(tuple(shape), inputs[0].element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        device = getattr(x, "device", None)
        for axis, line in self.lines.items():
            at = line.first + line.step * np.arange(line.count)
            at = np.clip(at, 0, (line.extent - 1) * line.unit)
            low = at // line.unit
            shape = [1] * x.ndim
            shape[axis] = -1
            part = xp.reshape(
                xp.asarray(((at % line.unit) / line.unit).astype(np.float32), device=device),
                tuple(shape),
            )
            high = np.minimum(low + 1, line.extent - 1)
            below, above = (
                xp.take(x, xp.asarray(n, device=device), axis=axis) for n in (low, high)
            )
            x = below * (1 - part) + above * part
        return x

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        (x,) = inputs
        lines, rank = self.lines, len(x.type.shape)
        sums = [line.weights() for line in lines.values()]
        common = [lcm(*map(int, np.unique(weights))) for weights in sums]
        failed = unless(
            (x.quantisation.per_tensor, "the input is quantised per channel"),
            (
                min(self.axes) >= 2 and rank in (3, 4),
                f"it interpolates along axes {self.axes} of {x.type}",
            ),
            (
                max(line.unit for line in lines.values()) <= _LARGEST_WEIGHT,
                f"its scales repeat after more than {_LARGEST_WEIGHT} places",
            ),
            (
                prod(common) * 512 < _LARGEST_SUM,
                "its weights have no common denominator that is small enough",
            ),
        )
        if failed is not None:
            return failed
        value, zero = x.name, x.quantisation.zero_point[0]
        for axes in _together(lines):
            value, zero = self._convolved(build, value, x.type.shape, axes, zero), 0
        factors = np.ones((1,) * rank, np.int64)
        for axis, weights, whole in zip(lines, sums, common, strict=True):
            shape = [1] * rank
            shape[axis] = -1
            factors = factors * (whole // weights).reshape(shape)
        return self._rounded(build, value, factors, (x, output, prod(common)))

    def _convolved(
        self,
        build: NodeBuilder,
        value: str,
        shape: tuple[int, ...],
        axes: Sequence[int],
        zero: int,
    ) -> str:
        """The weighted sums along some axes; the axes before them are resized already."""
        lines, space = self.lines, range(2, len(shape))
        extents = [lines[a].count if a in lines and a <= axes[-1] else shape[a] for a in space]
        kernels, begins, ends, strides, phases = [], [], [], [], []
        for axis in space:
            weights, before, after = (
                lines[axis].kernels() if axis in axes else (np.ones((1, 1), np.int64), 0, 0)
            )
            kernels.append(weights)
            begins.append(before)
            ends.append(after)
            strides.append(lines[axis].stride if axis in axes else 1)
            phases.append(len(weights))
        taps = kernels[0]
        if len(kernels) == 2:
            taps = np.einsum("ak,bl->abkl", *kernels)
        kernel = taps.shape[len(phases) :]
        channels = shape[1]
        weights = np.tile(
            taps.reshape(prod(phases), 1, *kernel), (channels, *(1,) * (1 + len(phases)))
        )
        op = Conv(
            kernel, tuple(strides), (*begins, *ends), (1,) * len(phases), channels, input_zero=zero
        )
        bias = build.integers(f"{value}_bias", np.zeros(len(weights), np.int64))
        result = build.node(op, [value, build.integers(f"{value}_weights", weights), bias])
        return build.node(Interleave(tuple(phases), tuple(extents), True), [result])

    def _rounded(
        self,
        build: NodeBuilder,
        value: str,
        factors: np.ndarray,
        between: tuple[QuantisedValue, QuantisedOutput, int],
    ) -> str | Reason:
        """The sums over their weights, from the scale before to the one behind."""
        x, output, whole = between
        ratio = float(np.float32(x.quantisation.scale[0])) / float(np.float32(output.scale))
        ends = (x.type.integer.minimum, x.type.integer.maximum)
        low, high = sorted(whole * (end - x.quantisation.zero_point[0]) for end in ends)

        def function(sums: np.ndarray) -> np.ndarray:
            rounded = np.rint(sums / whole * ratio) + output.zero_point
            return np.clip(rounded, output.low, output.high).astype(np.int64)

        points = find_changes(function, min(low, 0), max(high, 0))
        steps = find_steps(points, function(points))
        if steps is None:
            return Reason("its result changes at too many places")
        return StepFunction.add(build, "sum", [(value, "factor", factors)], steps, output.element)


def _together(lines: dict[int, Line]) -> list[list[int]]:
    """Axes whose sums one convolution makes: all where its window is small, else one after the other."""
    sizes = [line.kernels()[0].shape for line in lines.values()]
    small = all(line.stride == 1 for line in lines.values())
    if small and prod(kernel for _, kernel in sizes) <= _LARGEST_KERNEL:
        return [list(lines)]
    return [[axis] for axis in lines]
