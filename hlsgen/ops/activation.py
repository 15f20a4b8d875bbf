"""Element-wise functions of one operand: float activations, and the integer operators they become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, OnnxBinding, TensorOp, require
from hlsgen.ops.step_function import RoundedBy
from hlsgen.ops.tensor_type import AnyArray, TensorType


class ElementwiseOp(TensorOp):
    """A float function of one operand; between Dequantize and Quantize it is a table."""

    pointwise = True
    elementwise = True

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require(not inputs[0].is_integer, self, "a float operand", inputs[0])
        return TensorType(inputs[0].shape, inputs[0].element)


@dataclass(frozen=True)
class Identity(ElementwiseOp):
    """The operand itself."""

    bindings = (OnnxBinding("Identity", (1, 1)),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        return inputs[0]

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0]

    def bounds(self, quantise: Callable[[float], int]) -> tuple[int | None, int | None]:
        return None, None


@dataclass(frozen=True)
class Relu(ElementwiseOp):
    """max(x, 0)."""

    monotone = True
    bindings = (OnnxBinding("Relu", (1, 1)),)

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        return _clamp(inputs[0], 0, None) if inputs[0].is_integer else self

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.clip(arrays[0], 0.0, None)

    def bounds(self, quantise: Callable[[float], int]) -> tuple[int | None, int | None]:
        return quantise(0.0), None


@dataclass(frozen=True)
class Clip(ElementwiseOp):
    """min(max(x, low), high); None where there is no bound."""

    low: float | int | None = None
    high: float | int | None = None

    monotone = True
    bindings = (
        OnnxBinding("Clip", (1, 1), until=10, attributes={"min": "low", "max": "high"}),
        OnnxBinding("Clip", (1, 1), since=11, inputs={"low": 1, "high": 2}),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        low, high = (
            None if b is None or abs(b) == float("inf") else b for b in (self.low, self.high)
        )
        return _clamp(inputs[0], low, high) if inputs[0].is_integer else Clip(low, high)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.clip(arrays[0], self.low, self.high)

    def bounds(self, quantise: Callable[[float], int]) -> tuple[int | None, int | None]:
        return (
            None if self.low is None else quantise(self.low),
            None if self.high is None else quantise(self.high),
        )


@dataclass(frozen=True)
class Clamp(TensorOp):
    """min(max(x, low), high) on integers."""

    low: int
    high: int

    place = "hardware"

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require(self.low <= self.high, self, "low <= high", (self.low, self.high))
        return TensorType(inputs[0].shape, inputs[0].integer)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.clip(xp.astype(arrays[0], xp.int32), self.low, self.high)

    def lower(self, build: Lowering) -> None:
        """An elementwise process."""
        from hlsgen.algebra import scalar

        operand = build.operand(0)
        op = scalar.Clamp(self.low, self.high)
        element = build.output_type.integer
        channel = build.elementwise((operand.channel,), op, element)
        build.result(channel, operand.position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        return (Example(Clamp(-3, 100), (TensorType((1, 2, 2, 3), S8),), {}),)


def _clamp(x: TensorType, low: float | None, high: float | None) -> TensorOp:
    """A clamp of integers whose bounds are those of the type where they are not given."""
    element = x.integer
    least, most = element.minimum, element.maximum
    return Clamp(
        least if low is None else min(max(int(low), least), most),
        most if high is None else min(max(int(high), least), most),
    )


@dataclass(frozen=True)
class Lookup(TensorOp):
    """values[x - minimum of the operand's element type]: any function of one narrow integer, exactly."""

    values: tuple[int, ...]
    element: ElementType
    kernel: RoundedBy = "floats"
    """Whose rounding it has where ONNX Runtime's kernels differ, that of the float operators or of its integer kernel."""

    place = "hardware"

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        require(x.is_integer and x.integer.bits <= 8, self, "an operand of at most 8 bits", x)
        entries = x.integer.span
        require(len(self.values) == entries, self, f"{entries} values", len(self.values))
        inside = (
            self.element.minimum <= min(self.values) <= max(self.values) <= self.element.maximum
        )
        require(inside, self, f"values of {self.element}", (min(self.values), max(self.values)))
        return TensorType(x.shape, self.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        signed = x.dtype == xp.int8
        table = xp.asarray(np.array(self.values, np.int32), device=getattr(x, "device", None))
        index = xp.astype(x, xp.int64) + (len(self.values) // 2 if signed else 0)
        return xp.reshape(xp.take(table, xp.reshape(index, (-1,)), axis=0), x.shape)

    def lower(self, build: Lowering) -> None:
        """An elementwise process with a table by the operand's low byte."""
        from hlsgen.algebra import scalar

        operand = build.operand(0)
        table = [0] * 256
        for entry, value in enumerate(self.values):
            table[(build.type(0).integer.minimum + entry) & 255] = value
        op = scalar.Table(tuple(table))
        channel = build.elementwise((operand.channel,), op, self.element)
        build.result(channel, operand.position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        random = np.random.default_rng(5)
        values = tuple(int(v) for v in random.integers(-128, 128, 256))
        return (
            Example(Lookup(values, S8), (TensorType((1, 2, 2, 3), S8),), {}),
            Example(Lookup(values, S8), (TensorType((1, 5), U8),), {}),
        )
