"""Float functions of one element that are made of straight lines, in the float32 steps of ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.ops.activation import ElementwiseOp
from hlsgen.ops.op import IntegerForm, OnnxBinding
from hlsgen.ops.tensor_type import AnyArray


@dataclass(frozen=True)
class LeakyRelu(ElementwiseOp):
    """x, or slope * x below zero."""

    slope: float = 0.01

    bindings = (
        OnnxBinding("LeakyRelu", (1, 1), attributes={"alpha": "slope"}),
        OnnxBinding(
            "QLinearLeakyRelu",
            (1, 1),
            "com.microsoft",
            attributes={"alpha": "slope"},
            integers=IntegerForm(((0, 1, 2),), result=(3, 4)),
        ),
    )

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.where(arrays[0] >= 0, arrays[0], self.slope * arrays[0])


@dataclass(frozen=True)
class ThresholdedRelu(ElementwiseOp):
    """x where it is above ``threshold``, else 0."""

    threshold: float = 1.0

    bindings = (
        OnnxBinding("ThresholdedRelu", (1, 1), since=10, attributes={"alpha": "threshold"}),
    )

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.where(arrays[0] > self.threshold, arrays[0], xp.zeros_like(arrays[0]))


@dataclass(frozen=True)
class HardSigmoid(ElementwiseOp):
    """min(max(slope * x + offset, 0), 1)."""

    slope: float = 0.2
    offset: float = 0.5

    monotone = True
    bindings = (
        OnnxBinding("HardSigmoid", (1, 1), attributes={"alpha": "slope", "beta": "offset"}),
    )

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.clip(self.slope * arrays[0] + self.offset, 0.0, 1.0)


@dataclass(frozen=True)
class HardSwish(ElementwiseOp):
    """x * min(max(x / 6 + 1 / 2, 0), 1)."""

    bindings = (OnnxBinding("HardSwish", (1, 1), since=14),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] * xp.clip(arrays[0] * (1.0 / 6.0) + 0.5, 0.0, 1.0)


@dataclass(frozen=True)
class Softsign(ElementwiseOp):
    """x / (1 + |x|)."""

    monotone = True
    bindings = (OnnxBinding("Softsign", (1, 1)),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] / (1 + xp.abs(arrays[0]))


@dataclass(frozen=True)
class Shrink(ElementwiseOp):
    """x + bias below -threshold, x - bias above threshold, 0 between them."""

    threshold: float = 0.5
    bias: float = 0.0

    bindings = (
        OnnxBinding("Shrink", (1, 1), since=9, attributes={"lambd": "threshold", "bias": "bias"}),
    )

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        inner = xp.where(x > self.threshold, x - self.bias, xp.zeros_like(x))
        return xp.where(x < -self.threshold, x + self.bias, inner)
