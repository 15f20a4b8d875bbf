"""Compareds, logic and choice: operators whose results or operands are truth values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.ops.host import BOOL, HostOp, one_element, require_float
from hlsgen.ops.op import Constants, OnnxBinding, broadcast, require, require_one_sample
from hlsgen.ops.tensor_type import AnyArray, TensorType


class Compared(HostOp):
    """Two operands of one element type, with ONNX's broadcasting; the result is u1."""

    pointwise = True

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        one_element(self, inputs)
        shape = broadcast(self, *(type.shape for type in inputs))
        require_one_sample(self, inputs, constants, shape)
        return TensorType(shape, BOOL)


@dataclass(frozen=True)
class Equal(Compared):
    """a == b; NaN equals nothing."""

    bindings = (OnnxBinding("Equal", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] == arrays[1]


@dataclass(frozen=True)
class Greater(Compared):
    """a > b."""

    bindings = (OnnxBinding("Greater", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] > arrays[1]


@dataclass(frozen=True)
class GreaterOrEqual(Compared):
    """a >= b."""

    bindings = (OnnxBinding("GreaterOrEqual", (2, 2), since=12),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] >= arrays[1]


@dataclass(frozen=True)
class Less(Compared):
    """a < b."""

    bindings = (OnnxBinding("Less", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] < arrays[1]


@dataclass(frozen=True)
class LessOrEqual(Compared):
    """a <= b."""

    bindings = (OnnxBinding("LessOrEqual", (2, 2), since=12),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] <= arrays[1]


class Logic(Compared):
    """Truth values to truth values."""

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        for type in inputs:
            require(type.element == BOOL, self, "truth values", type)
        return super().infer(inputs, constants)


@dataclass(frozen=True)
class And(Logic):
    """a and b."""

    bindings = (OnnxBinding("And", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] & arrays[1]


@dataclass(frozen=True)
class Or(Logic):
    """a or b."""

    bindings = (OnnxBinding("Or", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] | arrays[1]


@dataclass(frozen=True)
class Xor(Logic):
    """Either a or b."""

    bindings = (OnnxBinding("Xor", (2, 2), since=7),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] ^ arrays[1]


@dataclass(frozen=True)
class Not(Logic):
    """1 - a."""

    bindings = (OnnxBinding("Not", (1, 1)),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return arrays[0] ^ 1


@dataclass(frozen=True)
class IsNaN(HostOp):
    """Whether an element is NaN."""

    pointwise = True
    bindings = (OnnxBinding("IsNaN", (1, 1), since=9),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require_float(self, *inputs)
        return TensorType(inputs[0].shape, BOOL)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.isnan(arrays[0])


@dataclass(frozen=True)
class IsInf(HostOp):
    """Whether an element is infinite, of the signs that count."""

    positive: bool = True
    negative: bool = True

    pointwise = True
    bindings = (
        OnnxBinding(
            "IsInf",
            (1, 1),
            since=10,
            attributes={"detect_positive": "positive", "detect_negative": "negative"},
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require_float(self, *inputs)
        return TensorType(inputs[0].shape, BOOL)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        counted = (x > 0) & bool(self.positive) | (x < 0) & bool(self.negative)
        return xp.isinf(x) & counted


@dataclass(frozen=True)
class Where(HostOp):
    """a where the condition holds, else b; the three broadcast."""

    pointwise = True
    bindings = (OnnxBinding("Where", (3, 3), since=9),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        condition, *values = inputs
        require(condition.element == BOOL, self, "a condition of truth values", condition)
        element = one_element(self, values)
        shape = broadcast(self, *(type.shape for type in inputs))
        require_one_sample(self, inputs, constants, shape)
        return TensorType(shape, element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.where(arrays[0] != 0, arrays[1], arrays[2])
