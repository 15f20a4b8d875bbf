"""Arithmetic of several operands besides the sum and product of two, element by element with ONNX's broadcasting.

Between Dequantize and Quantize it is on reals; integers of one type are added and so on modulo 2**bits, on the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from hlsgen.ops.host import one_element, unbounded
from hlsgen.ops.op import Constants, OnnxBinding, TensorOp, broadcast, require_one_sample
from hlsgen.ops.tensor_type import AnyArray, Element, TensorType


class Pointwise(TensorOp):
    """A function of the elements of its operands at one place."""

    pointwise = True

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return len({len(type.shape) for type in inputs}) == 1

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        element = self.element(inputs)
        shape = broadcast(self, *(type.shape for type in inputs))
        require_one_sample(self, inputs, constants, shape)
        return TensorType(shape, element)

    def element(self, inputs: tuple[TensorType, ...]) -> Element:
        """The result's element type; raises TypeMismatch for operands that do not fit."""
        return one_element(self, inputs)


@dataclass(frozen=True)
class Sub(Pointwise):
    """a - b."""

    bindings = (OnnxBinding("Sub", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = unbounded(xp, arrays)
        return a - b


@dataclass(frozen=True)
class Div(Pointwise):
    """a / b."""

    bindings = (OnnxBinding("Div", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = arrays
        if xp.isdtype(a.dtype, "real floating"):
            return a / b
        a, b = unbounded(xp, arrays)  # integers are divided towards 0
        quotient = xp.floor_divide(xp.abs(a), xp.abs(b))
        return (
            xp.where((a < 0) == (b < 0), quotient, -quotient) if a.dtype == xp.int64 else quotient
        )


@dataclass(frozen=True)
class Pow(Pointwise):
    """a to the power of b, by float64 rounded once; squares and cubes by products, as ONNX Runtime computes them."""

    bindings = (OnnxBinding("Pow", (2, 2), since=7),)

    def element(self, inputs: tuple[TensorType, ...]) -> Element:
        return inputs[0].element

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = arrays
        if not xp.isdtype(a.dtype, "real floating"):
            return xp.trunc(xp.pow(xp.astype(a, xp.float64), xp.astype(b, xp.float64)))
        power = xp.astype(xp.pow(xp.astype(a, xp.float64), xp.astype(b, xp.float64)), a.dtype)
        return xp.where(b == 2, a * a, xp.where(b == 3, a * a * a, power))


@dataclass(frozen=True)
class PRelu(Pointwise):
    """a, or slope * a below zero; operands a, slope."""

    bindings = (OnnxBinding("PRelu", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, slope = arrays
        return xp.where(a >= 0, a, slope * a)


class FromLeft(Pointwise):
    """The first operand combined with each of the others in turn."""

    named: ClassVar[str]

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        result, *others = unbounded(xp, arrays)
        for array in others:
            result = getattr(xp, self.named)(result, array)
        return result


@dataclass(frozen=True)
class Min(FromLeft):
    """The least operand."""

    named = "minimum"
    bindings = (OnnxBinding("Min", (1, 32), since=8),)


@dataclass(frozen=True)
class Max(FromLeft):
    """The greatest operand."""

    named = "maximum"
    bindings = (OnnxBinding("Max", (1, 32), since=8),)


@dataclass(frozen=True)
class Sum(FromLeft):
    """The sum of all operands, the first two first."""

    named = "add"
    bindings = (OnnxBinding("Sum", (1, 32), since=8),)


@dataclass(frozen=True)
class MeanOf(FromLeft):
    """The sum of all operands, the first two first, over their number."""

    named = "add"
    bindings = (OnnxBinding("Mean", (1, 32), since=8),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return super().evaluate(xp, *arrays) / len(arrays)


@dataclass(frozen=True)
class Mod(Pointwise):
    """The remainder of a / b with the sign of b, or with ``truncated`` (fmod) of a."""

    truncated: bool = False

    bindings = (OnnxBinding("Mod", (2, 2), since=10, attributes={"fmod": "truncated"}),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = unbounded(xp, arrays)
        if not self.truncated:
            return xp.remainder(a, b)
        rest = xp.remainder(xp.abs(a), xp.abs(b)) if a.dtype != xp.uint64 else xp.remainder(a, b)
        return xp.where(a < 0, -rest, rest)


@dataclass(frozen=True)
class SwiGLU(Pointwise):
    """a * sigmoid(slope * a) * b."""

    slope: float = 1.0

    bindings = (OnnxBinding("SwiGLU", (2, 2), since=28, attributes={"alpha": "slope"}),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = arrays
        return a / (1 + xp.exp(-self.slope * a)) * b
