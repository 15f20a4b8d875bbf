"""Pools: maxima of windows, averages of windows, and the integer sums that averages become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lcm, prod
from typing import Any

import numpy as np

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import (
    Constants,
    Example,
    IntegerForm,
    NodeBuilder,
    OnnxBinding,
    QuantisedOutput,
    QuantisedValue,
    TensorOp,
    require,
)
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.requantise import Requantise, RequantiseMean
from hlsgen.ops.step_function import StepFunction, Term
from hlsgen.ops.tensor_type import AnyArray, TensorType
from hlsgen.ops.window import Window, window_of
from hlsgen.requantise import Mean
from hlsgen.requantise.mean_cells import mean_steps

WINDOW_ATTRIBUTES = {
    "kernel_shape": "kernel",
    "strides": "strides",
    "pads": "pads",
    "dilations": "dilations",
    "auto_pad": "auto_pad",
    "ceil_mode": "ceil",
}
"""Attributes of ONNX that all windows have -> fields of ``Pool``."""

_AVERAGE_ATTRIBUTES = {**WINDOW_ATTRIBUTES, "count_include_pad": "count_pads"}


@dataclass(frozen=True)
class Pool(TensorOp):
    """What pools share: a window over (N, C, *space), each channel by itself."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...] = ()
    pads: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    auto_pad: str = "NOTSET"
    ceil: bool = False

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        shape = inputs[0].shape
        require(len(shape) == len(self.kernel) + 2, self, f"rank {len(self.kernel) + 2}", inputs[0])
        self._refuse_negative_pads(shape[2:])
        window = window_of(
            self.kernel, self.strides, self.pads, self.dilations, self.auto_pad, shape[2:]
        )
        return replace(
            self,
            strides=window.strides,
            pads=window.pads,
            dilations=window.dilations,
            auto_pad="NOTSET",
        )

    def _refuse_negative_pads(self, space: tuple[int, ...]) -> None:
        """Raises TypeMismatch where auto_pad would leave elements out: ONNX Runtime refuses most such pools and misreads the others."""
        strides = self.strides or (1,) * len(space)
        if self.auto_pad.startswith("SAME") and len(strides) == len(self.kernel):
            pads = [
                (n - 1) // s * s + k - n
                for n, s, k in zip(space, strides, self.kernel, strict=True)
            ]
            expected = f"an auto_pad {self.auto_pad} that pads"
            require(min(pads, default=0) >= 0, self, expected, f"pads of {pads} in all")

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.strides, self.pads, self.dilations)

    def extents(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial extents of the result for an operand of ``shape`` (N, C, *space)."""
        return self.window.extents(tuple(shape[2:]), self.ceil)

    def result_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The result's shape for an operand of ``shape``; raises TypeMismatch where there is none or its size is beyond all limits."""
        result = (*shape[:2], *self.extents(shape))
        self.window.check_size(shape, result, 1)
        return result

    def _sum(self, xp: Any, x: AnyArray, value: float) -> AnyArray:
        extents = self.extents(x.shape)
        padded = self.window.padded(xp, x, value, extents)
        return sum(tap for _, tap in self.window.taps(padded, extents))


@dataclass(frozen=True)
class MaxPool(Pool):
    """The greatest element of every window; padding never wins. The same on floats and integers."""

    place = "hardware"
    moves_data = True
    selects = True
    bindings = (
        OnnxBinding(
            "MaxPool", (1, 1), attributes=WINDOW_ATTRIBUTES, ignored={"storage_order": None}
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        return TensorType(self.result_shape(x.shape), x.element, x.quantisation)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        least = float("-inf") if xp.isdtype(x.dtype, "real floating") else xp.iinfo(x.dtype).min
        extents = self.extents(x.shape)
        padded = self.window.padded(xp, x, least, extents)
        taps = self.window.taps(padded, extents)
        _, best = next(taps)
        for _, tap in taps:
            best = xp.maximum(best, tap)
        return best

    def lower(self, build: Lowering) -> None:
        """A process that takes maxima, channel by channel; padding reads the least integer."""
        extents = self.extents(build.type(0).shape)
        build.result(build.window_maximum(build.channel(0), self.window, extents))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        cases = (
            (MaxPool((2, 2), strides=(2, 2)), (1, 3, 6, 4), S8),
            (MaxPool((3, 3), strides=(2, 2), pads=(1, 1, 1, 1)), (1, 2, 7, 7), S8),
            (MaxPool((3,), strides=(2,), pads=(0, 1)), (1, 2, 9), U8),
            (MaxPool((2, 2), strides=(2, 2), ceil=True), (1, 2, 5, 5), S8),
        )
        return tuple(_example(op, shape, element) for op, shape, element in cases)


@dataclass(frozen=True)
class AveragePool(Pool):
    """The mean of every window; ``count_pads`` says whether padding counts as elements of value 0.

    Quantised, it is ONNX Runtime's function of the exact sum: in integers where the window is the whole input, else by the float32
    steps of ``RequantiseMean``. There it adds floats, whose rounding decides halves: ``frontend.declared`` says which sums those are, and
    ``frontend.mean_scales`` keeps them away.
    """

    count_pads: bool = False

    bindings = (
        OnnxBinding("AveragePool", (1, 1), attributes=_AVERAGE_ATTRIBUTES),
        OnnxBinding(
            "QLinearAveragePool",
            (1, 1),
            "com.microsoft",
            attributes=_AVERAGE_ATTRIBUTES,
            ignored={"channels_last": 0},
            integers=IntegerForm(((0, 1, 2),), result=(3, 4)),
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        return TensorType(self.result_shape(x.shape), x.element)

    def counts(self, shape: tuple[int, ...]) -> np.ndarray:
        """How many elements each window's sum is divided by: (1, 1, *extents)."""
        rank, axes = len(self.kernel), []
        for k, extent in enumerate(self.extents(shape)):
            before, after = (self.pads[k], self.pads[k + rank]) if self.count_pads else (0, 0)
            first = np.arange(extent) * self.strides[k] - self.pads[k]
            least = -(
                (first + before) // self.dilations[k]
            )  # taps of lower index lie before the elements
            most = (shape[k + 2] + after - 1 - first) // self.dilations[k]
            inside = np.minimum(most, self.kernel[k] - 1) - np.maximum(least, 0) + 1
            axes.append(np.maximum(inside, 0).reshape(-1, *(1,) * (rank - 1 - k)))
        return np.array(prod(axes), np.float32)[None, None]

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        counts = self.counts((1, 1, *x.shape[2:]))
        return self._sum(xp, x, 0) / xp.asarray(counts, device=getattr(x, "device", None))

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        (x,) = inputs
        counts = self.counts((1, 1, *x.type.shape[2:])).astype(np.int64)
        failed = unless(
            (x.quantisation.per_tensor, "the input is quantised per channel"),
            (counts.min() > 0, "a window lies in the padding alone"),
            (
                not self.count_pads or counts.min() == counts.max(),
                "windows reach beyond padding that counts, where ONNX Runtime's kernels divide by different numbers",
            ),
        )
        if failed is not None:
            return failed
        zero, count = x.quantisation.zero_point[0], int(counts.max())
        op = WindowSum(
            self.kernel, self.strides, self.pads, self.dilations, ceil=self.ceil, input_zero=zero
        )
        # ONNX Runtime's integer kernel has no dilations
        fused = output.adjacent and x.type.element == output.element and max(self.dilations) == 1
        if counts.min() < count:
            return _means(build, x, output, (op, counts), fused)
        total = build.node(op, [x.name])
        if fused and self.kernel == x.type.shape[2:] and not any(self.pads):
            return build.node(integer_mean(x, output, count), [total])
        mean = RequantiseMean.of(x.quantisation.scale[0], count, output, zero_first=fused)
        return build.node(mean, [total])


@dataclass(frozen=True)
class WindowSum(Pool):
    """The sum of (x - input_zero) over every window, exactly; padding contributes nothing."""

    input_zero: int = 0

    place = "hardware"
    accumulates = True

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        count = prod(self.kernel)
        low, high = x.integer.minimum - self.input_zero, x.integer.maximum - self.input_zero
        element = ElementType.holding(min(low * count, -1), max(high * count, 0))
        return TensorType(self.result_shape(x.shape), element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return self._sum(xp, xp.astype(arrays[0], xp.int32) - self.input_zero, 0)

    def lower(self, build: Lowering) -> None:
        """A process that adds, channel by channel."""
        extents = self.extents(build.type(0).shape)
        build.result(build.sum_windows(build.channel(0), self.window, extents, self.input_zero))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        cases = (
            (WindowSum((2, 2), strides=(2, 2), input_zero=-5), (1, 3, 4, 6), S8),
            (WindowSum((4, 5), strides=(4, 5), input_zero=3), (1, 4, 4, 5), U8),
            (WindowSum((3,), strides=(1,), pads=(1, 1), input_zero=7), (1, 2, 6), S8),
        )
        return tuple(_example(op, shape, element) for op, shape, element in cases)


def integer_mean(x: QuantisedValue, output: QuantisedOutput, count: int) -> Requantise:
    """Sum to mean as ONNX Runtime's global average pool on integers: S = f32(sx / f32(sy * count))."""
    divisor = np.float32(output.scale) * np.float32(count)
    return Requantise.to(output, (float(x.quantisation.scales()[0] / divisor),))


def _means(
    build: NodeBuilder,
    x: QuantisedValue,
    output: QuantisedOutput,
    sums: tuple[WindowSum, np.ndarray],
    fused: bool,
) -> str | Reason:
    """Means of windows of different counts: every sum times what brings it to a common denominator, by place, and one function of it."""
    op, counts = sums
    different = np.unique(counts).tolist()
    common, zero, element = lcm(*different), x.quantisation.zero_point[0], x.type.integer
    step = x.quantisation.scale[0]
    mean = Mean(step, common, output.scale, output.zero_point, fused)
    bounds = element.minimum - zero, element.maximum - zero, output.low, output.high
    steps = mean_steps(mean, different, bounds)
    if steps is None:
        return Reason(
            f"means of {', '.join(map(str, different))} elements change at too many places"
        )
    terms: list[tuple[str, Term, np.ndarray]] = [
        (build.node(op, [x.name]), "factor", common // counts)
    ]
    return StepFunction.add(build, "sum", terms, steps, output.element, mean=mean)


def _example(op: Pool, shape: tuple[int, ...], element: ElementType) -> Example:
    type = TensorType(shape, element)
    return Example(op.normalised((type,)), (type,), {})
