"""Float arithmetic of several operands besides sum and product, element by element with ONNX's broadcasting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from hlsgen.ops.op import Constants, OnnxBinding, TensorOp, broadcast, require, require_one_sample
from hlsgen.ops.tensor_type import F32, AnyArray, TensorType


class Pointwise(TensorOp):
    """A float function of the elements of its operands at one place."""

    pointwise = True

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return len({len(type.shape) for type in inputs}) == 1

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        reals = not any(type.is_integer for type in inputs)
        require(reals, self, "float operands", " and ".join(map(str, inputs)))
        shape = broadcast(self, *(type.shape for type in inputs))
        require_one_sample(self, inputs, constants, shape)
        return TensorType(shape, F32)


@dataclass(frozen=True)
class Sub(Pointwise):
    """a - b."""

    bindings = (OnnxBinding("Sub", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] - arrays[1]


@dataclass(frozen=True)
class Div(Pointwise):
    """a / b."""

    bindings = (OnnxBinding("Div", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] / arrays[1]


@dataclass(frozen=True)
class Pow(Pointwise):
    """a to the power of b, by float64 rounded once; squares and cubes by products, as ONNX Runtime computes them."""

    bindings = (OnnxBinding("Pow", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = arrays
        power = xp.astype(xp.pow(xp.astype(a, xp.float64), xp.astype(b, xp.float64)), xp.float32)
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
        result = arrays[0]
        for array in arrays[1:]:
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
