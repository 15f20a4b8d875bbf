"""Softmax of 8-bit integers: tables of powers, exact sums of them, and quotients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.algebra import scalar
from hlsgen.algebra.expression import Call, Expression, Literal, Operand
from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.axes import unless_of_eight_bits
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import (
    Constants,
    Example,
    NodeBuilder,
    QuantisedOutput,
    QuantisedValue,
    TensorOp,
    require,
)
from hlsgen.ops.reason import Reason
from hlsgen.ops.tensor_type import AnyArray, TensorType

POWER_BITS = 24
"""The power of 0 is 2**24: sums of up to 2**16 powers, each rounded to half a unit, then move no quotient of 8 bits by more than 2**-9
where they have 256 elements."""


@dataclass(frozen=True)
class QuantisedSoftmax(TensorOp):
    """clamp(floor(units * p / sum(p) + 1/2) + zero_point, low, high) with p = exp((x - max(x)) * step), over ``axes``.

    All in integers: p and units * p are rounded to multiples of 2**-24 by table. ``units``: steps of the result in 1; ONNX Runtime's integer
    kernel takes the whole ones, which may be all (``whole_units``; onnxruntime contrib_ops/cpu/quantization/qlinear_softmax.cc).
    """

    axes: tuple[int, ...]
    step: float
    units: float
    whole_units: bool
    zero_point: int
    low: int
    high: int
    element: ElementType

    place = "hardware"

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        narrow = x.is_integer and x.integer.bits <= 8
        require(narrow, self, "integers of at most 8 bits", x)
        inside = all(0 < axis < len(x.shape) for axis in self.axes)
        require(inside and bool(self.axes), self, f"axes of {x} behind the first", self.axes)
        return TensorType(x.shape, self.element)

    def table(self, factor: float) -> np.ndarray:
        """``factor`` * exp(-d * step) for every distance d below the greatest, in steps of 2**-24."""
        powers = np.exp(-np.arange(256) * np.float64(self.step))
        return np.rint(np.ldexp(factor * powers, POWER_BITS)).astype(np.int64)

    @property
    def bounds_above_zero(self) -> tuple[int, int]:
        """The bounds of the result less its zero point, of which it is never below 0."""
        least = max(0, self.low - self.zero_point)
        return least, max(least, self.high - self.zero_point)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x = xp.astype(arrays[0], xp.int64)
        distance = xp.max(x, axis=self.axes, keepdims=True) - x
        flat = xp.reshape(distance, (-1,))
        powers, scaled = (
            xp.reshape(xp.take(xp.asarray(self.table(f)), flat, axis=0), x.shape)
            for f in (1.0, self.units)
        )
        total = xp.sum(powers, axis=self.axes, keepdims=True)
        low, high = self.bounds_above_zero
        rounded = xp.clip((2 * scaled + total) // (2 * total), low, high)
        return xp.clip(rounded + self.zero_point, self.low, self.high)

    def lower(self, build: Lowering) -> None:
        """The greatest of every run, the sum of its powers, and the quotients: three passes over a run that stays in buffers."""
        channel, length, position = build.runs(self.axes)
        greatest = build.run_maximum(channel, length)
        distance = Call(scalar.Subtract(), (Operand("r1"), Operand("r0")))

        def power(factor: float) -> Expression:
            return Call(scalar.Table(tuple(self.table(factor).tolist())), (distance,))

        top = int(self.table(1.0)[0])
        powers = build.run_pointwise(
            (channel, greatest), length, power(1.0), ElementType.holding(0, top)
        )
        total = build.run_sum(powers, length)
        divide = scalar.Divide(*self.bounds_above_zero)
        result: Expression = Call(divide, (power(self.units), Operand("r2")))
        if self.zero_point:
            raised = Call(scalar.Add(), (result, Literal(self.zero_point)))
            result = Call(scalar.Clamp(self.low, self.high), (raised,))
        channel = build.run_pointwise((channel, greatest, total), length, result, self.element)
        build.result(channel, position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        def case(shape: tuple[int, ...], axes: tuple[int, ...], element: ElementType) -> Example:
            zero = element.minimum
            bounds = zero, element.minimum, element.maximum, element
            return Example(
                QuantisedSoftmax(axes, 0.043, 256.0, True, *bounds),
                (TensorType(shape, element),),
                {},
            )

        return (
            case((1, 3, 6), (2,), U8),
            case((1, 2, 3, 5), (3,), S8),
            case((1, 4, 3, 2), (1,), U8),
            case((1, 9), (1,), S8),
            Example(
                QuantisedSoftmax((1, 2), 0.2, 333.0, False, 3, 5, 200, U8),
                (TensorType((1, 2, 4), U8),),
                {},
            ),
        )


def quantised_softmax(
    build: NodeBuilder, axes: tuple[int, ...], x: QuantisedValue, output: QuantisedOutput
) -> str | Reason:
    """The integers of a Softmax between Dequantize and Quantize, by ONNX Runtime's integer kernel up to the rounding of float sums."""
    failed = unless_of_eight_bits(x, axes, output)
    if failed is not None:
        return failed
    exact = np.float32(1) / np.float32(output.scale)
    units = float(np.floor(exact))
    if units < 1:
        return Reason(f"a step of its result, {output.scale:g}, is more than 1")
    bounds = output.zero_point, output.low, output.high, output.element
    step = float(x.quantisation.scale[0])
    return build.node(QuantisedSoftmax(axes, step, units, bool(units == exact), *bounds), [x.name])
