"""Accumulators to narrow integers: the float32 rule of ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, QuantisedOutput, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, TensorType
from hlsgen.requantise import FloatStep, FloatSteps, Mean, Rounding


@dataclass(frozen=True)
class Requantise(TensorOp):
    """y = clamp(RNE(f32(f32(acc) * scale)) + zero_point, low, high): numbers.md 3.1, measured against ONNX Runtime.

    ``scale``: float32 values, one, or one per index of axis 1 (the channels of (N, C, ...) and of (N, C)).
    """

    scale: tuple[float, ...]
    zero_point: int
    low: int
    high: int
    element: ElementType

    place = "hardware"

    def __post_init__(self) -> None:
        finite = all(0 < s < float("inf") for s in self.scale)
        require(finite, self, "positive finite scales", self.scale)
        inside = self.element.minimum <= self.low <= self.high <= self.element.maximum
        require(inside, self, f"bounds within {self.element}", (self.low, self.high))

    @classmethod
    def to(cls, output: QuantisedOutput, scale: tuple[float, ...]) -> Requantise:
        """To a quantised output; equal scales of all channels become one."""
        scale = scale[:1] if len(set(scale)) == 1 else scale
        return cls(scale, output.zero_point, output.low, output.high, output.element)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        require(x.is_integer, self, "integer accumulators", x)
        channels = x.shape[1] if len(x.shape) > 1 else 1
        require(len(self.scale) in (1, channels), self, f"1 or {channels} scales", len(self.scale))
        return TensorType(x.shape, self.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        scale = xp.asarray(np.array(self.scale, np.float32), device=getattr(x, "device", None))
        if len(self.scale) > 1:
            scale = xp.reshape(scale, (1, -1, *(1,) * (x.ndim - 2)))
        product = xp.astype(x, xp.float32) * scale
        # bounds first: every bound is an integer, so rounding keeps them, and nothing overflows
        low, high = float(self.low - self.zero_point), float(self.high - self.zero_point)
        return xp.astype(xp.round(xp.clip(product, low, high)), xp.int32) + self.zero_point

    def rounding(self, low: np.ndarray, high: np.ndarray) -> Rounding:
        """The rule for accumulators between ``low`` and ``high``, channel by channel."""
        scale = np.array(self.scale, np.float32)
        return Rounding(scale, self.zero_point, self.low, self.high, low, high)

    def lower(self, build: Lowering) -> None:
        """An elementwise process: for operands that are not sums of a process which could finish them itself."""
        build.result(build.rescale(build.channel(0), self))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        wide = ElementType(20, True)
        return (
            Example(
                Requantise((0.0009,), -3, -128, 127, S8), (TensorType((1, 2, 3, 3), wide),), {}
            ),
            Example(
                Requantise((0.001, 0.25, 0.0123), 0, 0, 255, U8),
                (TensorType((1, 3, 2, 2), wide),),
                {},
            ),
            Example(Requantise((0.5,), 10, 10, 100, S8), (TensorType((1, 7), wide),), {}),
            Example(
                Requantise((1.3e-6, 1.9e-7), 3, -128, 127, S8),
                (TensorType((1, 2, 2, 3), ElementType(31, True)),),
                {},
            ),
        )


@dataclass(frozen=True)
class RequantiseMean(Requantise):
    """The rounded mean of a sum of ``count`` integers, by the float32 steps of ``requantise.Mean``: for pools that ONNX Runtime
    computes on floats.

    ``step`` and ``result_step``: the scales before and after; ``scale`` is their quotient over ``count``. With ``averaged`` False it is
    the sum itself that is rounded.
    """

    step: float
    count: int
    result_step: float
    zero_first: bool
    averaged: bool = True

    @classmethod
    def of(
        cls,
        step: float,
        count: int,
        output: QuantisedOutput,
        zero_first: bool,
        averaged: bool = True,
    ) -> RequantiseMean:
        """Of sums in steps of ``step`` to a quantised output."""
        mean = Mean(step, count, output.scale, output.zero_point, zero_first, averaged)
        bounds = output.zero_point, output.low, output.high, output.element
        return cls((float(mean.factor),), *bounds, step, count, output.scale, zero_first, averaged)

    @property
    def mean(self) -> Mean:
        return Mean(
            self.step,
            self.count,
            self.result_step,
            self.zero_point,
            self.zero_first,
            self.averaged,
        )

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        rounded = self.mean.results(xp, xp.astype(x, xp.float32))
        return xp.astype(xp.clip(rounded, float(self.low), float(self.high)), xp.int32)

    def rounding(self, low: np.ndarray, high: np.ndarray) -> Rounding:
        return replace(super().rounding(low, high), mean=self.mean)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        sums = TensorType((1, 2, 3, 3), ElementType(11, True))
        outputs = (
            QuantisedOutput(0.0371, 77, 0, 255, U8),
            QuantisedOutput(0.0742, 131, 3, 255, U8),
            QuantisedOutput(0.0371, -3, -128, 127, S8),
            QuantisedOutput(0.0512, 3, -128, 127, S8),
        )
        return tuple(
            Example(RequantiseMean.of(0.0371, count, output, zero_first), (sums,), {})
            for output in outputs
            for count, zero_first in ((4, True), (6, True), (4, False))
        )


@dataclass(frozen=True)
class RequantiseSteps(Requantise):
    """Integers through float32 steps by channel (``requantise.FloatSteps``); ``scale`` is about their product, and positive."""

    input_zero: int
    steps: tuple[FloatStep, ...]
    result_step: float

    @classmethod
    def of(
        cls, input_zero: int, steps: tuple[FloatStep, ...], output: QuantisedOutput
    ) -> RequantiseSteps:
        """To a quantised output."""
        slopes = FloatSteps(input_zero, steps, output.scale, output.zero_point).slopes
        scale = tuple(float(slope) for slope in slopes)
        count = max(len(values) for _, values in steps)
        scale = scale * count if len(scale) == 1 else scale
        bounds = output.zero_point, output.low, output.high, output.element
        return cls(scale, *bounds, input_zero, steps, output.scale)

    @property
    def rule(self) -> FloatSteps:
        return FloatSteps(self.input_zero, self.steps, self.result_step, self.zero_point)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        wide = xp.astype(x, xp.int64)
        rounded = self.rule.results(xp, wide, (1, -1, *(1,) * (x.ndim - 2)))
        return xp.astype(xp.clip(rounded, float(self.low), float(self.high)), xp.int32)

    def rounding(self, low: np.ndarray, high: np.ndarray) -> Rounding:
        return replace(super().rounding(low, high), steps=self.rule)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        bytes_ = TensorType((1, 3, 2, 5), U8)
        steps: tuple[FloatStep, ...] = (
            ("multiply", (0.0371,)),
            ("multiply", (0.9, 1.2345, 0.0)),
            ("add", (0.3, -0.71, 0.2)),
        )
        output = QuantisedOutput(0.0512, 3, -128, 127, S8)
        return (
            Example(RequantiseSteps.of(117, steps, output), (bytes_,), {}),
            Example(RequantiseSteps.of(-3, steps[:1], output), (TensorType((1, 4), S8),), {}),
        )
