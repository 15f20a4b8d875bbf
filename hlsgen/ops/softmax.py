"""Softmax and LogSoftmax: floats on the host; Softmax between integers is ``quantised_softmax``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from hlsgen.ops.op import (
    Constants,
    IntegerForm,
    NodeBuilder,
    OnnxBinding,
    QuantisedOutput,
    QuantisedValue,
    TensorOp,
    require,
)
from hlsgen.ops.quantised_softmax import quantised_softmax
from hlsgen.ops.reason import Reason
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class Softmax(TensorOp):
    """exp(x) / sum(exp(x)) along ``axis``; before opset 13 (``flatten``) along all axes from ``axis`` on."""

    axis: int = -1
    flatten: bool = False

    place = "host"
    bindings: ClassVar[tuple[OnnxBinding, ...]] = (
        OnnxBinding(
            "Softmax",
            (1, 1),
            until=12,
            attributes={"axis": "axis"},
            fixed={"axis": 1, "flatten": True},
        ),
        OnnxBinding("Softmax", (1, 1), since=13, attributes={"axis": "axis"}),
        OnnxBinding(
            "QLinearSoftmax",
            (1, 1),
            "com.microsoft",
            attributes={"axis": "axis"},
            ignored={"opset": 13},
            integers=IntegerForm(((0, 1, 2),), result=(3, 4)),
        ),
    )

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.axis % len(inputs[0].shape) != 0

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        rank = len(inputs[0].shape)
        require(-rank <= self.axis < rank, self, f"an axis of rank {rank}", self.axis)
        return TensorType(inputs[0].shape, inputs[0].element)

    def _shifted(self, xp: Any, x: AnyArray) -> tuple[AnyArray, tuple[int, ...] | int]:
        axis = self.axis % x.ndim
        axes = tuple(range(axis, x.ndim)) if self.flatten else axis
        return x - xp.max(x, axis=axes, keepdims=True), axes

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        (x,) = inputs
        axis, rank = self.axis % len(x.type.shape), len(x.type.shape)
        axes = tuple(range(axis, rank)) if self.flatten else (axis,)
        return quantised_softmax(build, axes, x, output)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        shifted, axes = self._shifted(xp, arrays[0])
        powers = xp.exp(shifted)
        return powers / xp.sum(powers, axis=axes, keepdims=True)


@dataclass(frozen=True)
class LogSoftmax(Softmax):
    """log(softmax(x))."""

    bindings = (
        OnnxBinding(
            "LogSoftmax",
            (1, 1),
            until=12,
            attributes={"axis": "axis"},
            fixed={"axis": 1, "flatten": True},
        ),
        OnnxBinding("LogSoftmax", (1, 1), since=13, attributes={"axis": "axis"}),
    )

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        return Reason("the logarithm of a sum of powers has no integer form; Softmax has")

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        shifted, axes = self._shifted(xp, arrays[0])
        return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axes, keepdims=True))
