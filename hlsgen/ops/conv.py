"""Convolution: ONNX Conv on floats, exact accumulators on integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.accumulate import (
    accumulator_type,
    integer_bias,
    integer_weights,
    requantised_sums,
    unless_weighted,
)
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
from hlsgen.ops.reason import Reason
from hlsgen.ops.tensor_type import AnyArray, TensorType
from hlsgen.ops.window import Window, require_map, window_of

_ATTRIBUTES = {
    "kernel_shape": "kernel",
    "strides": "strides",
    "pads": "pads",
    "dilations": "dilations",
    "group": "groups",
    "auto_pad": "auto_pad",
}


@dataclass(frozen=True)
class Conv(TensorOp):
    """Operands: x (N, C, *space), w (M, C/groups, *kernel), optional bias (M,).

    On integers the result is sum((x - input_zero) * w) + bias, exactly; padding contributes nothing, as if x were input_zero there.
    Weights and bias are constants then; weight zero points have been subtracted from w.
    """

    kernel: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    pads: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    groups: int = 1
    auto_pad: str = "NOTSET"
    input_zero: int = 0

    place = "hardware"
    accumulates = True
    weighted = True
    bindings = (
        OnnxBinding("Conv", (2, 3), attributes=_ATTRIBUTES),
        OnnxBinding(
            "QLinearConv",
            (2, 3),
            since=10,
            attributes=_ATTRIBUTES,
            integers=IntegerForm(((0, 1, 2), (3, 4, 5)), result=(6, 7), bias=8),
        ),
        OnnxBinding(
            "ConvInteger",
            (2, 2),
            since=10,
            attributes=_ATTRIBUTES,
            integers=IntegerForm(((0, None, 2), (1, None, 3)), result=None),
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> Conv:
        x, w = inputs[:2]
        require_map(self.name, x)
        require(len(w.shape) == len(x.shape), self, f"weights of rank {len(x.shape)}", w)
        kernel = w.shape[2:]
        require(self.kernel in ((), kernel), self, f"kernel_shape {kernel}", self.kernel)
        window = window_of(
            kernel, self.strides, self.pads, self.dilations, self.auto_pad, x.shape[2:]
        )
        return replace(
            self,
            kernel=kernel,
            strides=window.strides,
            pads=window.pads,
            dilations=window.dilations,
            auto_pad="NOTSET",
        )

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.strides, self.pads, self.dilations)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, w, *biases = inputs
        channels = w.shape[1] * self.groups
        require(x.shape[1] == channels, self, f"{channels} input channels", x.shape[1])
        require(w.shape[0] % self.groups == 0, self, f"a multiple of {self.groups} outputs", w)
        for bias in biases:
            require(bias.shape == (w.shape[0],), self, f"bias of {w.shape[0]}", bias)
        shape = (x.shape[0], w.shape[0], *self.window.extents(x.shape[2:]))
        self.window.check_size(x.shape, shape, w.shape[1])
        if not x.is_integer:
            return TensorType(shape, x.element)
        return TensorType(shape, accumulator_type(self, x.integer, self.input_zero, constants))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, w, *biases = arrays
        exact = x.dtype if xp.isdtype(x.dtype, "real floating") else xp.float64
        x = xp.astype(x, exact) - self.input_zero
        w = xp.astype(w, exact)
        samples, groups = x.shape[0], self.groups
        outputs, inner = w.shape[0] // groups, w.shape[1]
        extents = self.window.extents(tuple(x.shape[2:]))
        padded = self.window.padded(xp, x, 0, extents)
        total: Any = 0
        for index, tap in self.window.taps(padded, extents):
            data = xp.reshape(tap, (samples, groups, inner, -1))
            weights = xp.reshape(w[(slice(None), slice(None), *index)], (groups, outputs, inner))
            # one input channel per group (depthwise): a product by element, far cheaper than tiny matrix products
            total = total + (weights * data if inner == 1 else xp.matmul(weights, data))
        total = xp.reshape(total, (samples, groups * outputs, *extents))
        for bias in biases:
            total = total + xp.reshape(xp.astype(bias, exact), (1, -1, *(1,) * len(extents)))
        return total

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        x, w, *biases = inputs
        if failed := unless_weighted(x, w, axis=0):
            return failed
        weights = integer_weights(w, axis=0)
        bias = integer_bias(x, w, biases[0] if biases else None, weights.shape[0])
        if isinstance(bias, Reason):
            return bias
        op = replace(self, input_zero=x.quantisation.zero_point[0])
        bias = bias.for_outputs(len(weights))
        return requantised_sums(build, op, x.name, weights, bias, x, w, output)

    def lower(self, build: Lowering) -> None:
        """One multiply-accumulate process."""
        weights = build.constant(1)
        bias = build.constant(2) if build.operands == 3 else np.zeros(len(weights), int)
        outputs, inner = weights.shape[:2]
        kernel = (1, *self.window.kernel)[-2:]
        planar = weights.reshape(self.groups, outputs // self.groups, inner, *kernel)
        extents = self.window.extents(build.type(0).shape[2:])
        build.result(
            build.convolve(
                build.channel(0),
                planar.transpose(0, 1, 3, 4, 2),
                self.window,
                extents,
                self.input_zero,
                bias,
            )
        )

    @staticmethod
    def examples() -> tuple[Example, ...]:
        def case(
            op: Conv, shape: tuple[int, ...], w: tuple[int, ...], element: ElementType = S8
        ) -> Example:
            random = np.random.default_rng(sum(w))
            weights = random.integers(-127, 128, w)
            bias = random.integers(-1000, 1000, w[0])
            x, kernel = TensorType(shape, element), TensorType(w, S8)
            op = op.normalised((x, kernel))
            return Example(
                op, (x, kernel, TensorType((w[0],), ElementType(32, True))), {1: weights, 2: bias}
            )

        return (
            case(Conv(), (1, 3, 5, 6), (4, 3, 3, 3)),
            case(Conv(pads=(1, 1, 1, 1), input_zero=-7), (1, 2, 5, 5), (3, 2, 3, 3)),
            case(Conv(strides=(2, 2), auto_pad="SAME_UPPER"), (1, 2, 6, 7), (5, 2, 3, 3), U8),
            case(Conv(groups=4, pads=(1, 0, 1, 2), input_zero=3), (1, 4, 5, 4), (4, 1, 3, 3), U8),
            case(Conv(groups=2, strides=(2, 1)), (1, 4, 4, 5), (6, 2, 2, 1)),
            case(Conv(dilations=(2, 1), input_zero=128), (1, 1, 7, 4), (2, 1, 3, 2), U8),
            case(Conv(strides=(2,), pads=(2, 1)), (1, 3, 9), (4, 3, 4)),
            case(Conv(), (1, 8, 1, 1), (3, 8, 1, 1)),
        )
