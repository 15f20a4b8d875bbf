"""Reductions over any axes: sums, means and extremes of floats, and the exact integer operators that they become."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.ops.activation import Lookup
from hlsgen.ops.axes import AxisMaximum, AxisSum, kept_shape, resolved_axes
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
from hlsgen.ops.pool import WindowSum, integer_mean
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.requantise import RequantiseMean
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.tensor_type import AnyArray, Quantisation, TensorType

_LARGEST_POWER_SUM = 1 << 24


def _bindings(op_type: str, since: int) -> tuple[OnnxBinding, ...]:
    """Before opset ``since`` the axes are an attribute, then an input."""
    return (
        OnnxBinding(
            op_type, (1, 1), until=since - 1, attributes={"axes": "axes", "keepdims": "keep"}
        ),
        OnnxBinding(
            op_type,
            (1, 1),
            since=since,
            attributes={"keepdims": "keep", "noop_with_empty_axes": "none_if_empty"},
            inputs={"axes": 1},
        ),
    )


@dataclass(frozen=True)
class FloatReduction(TensorOp):
    """What reductions share: ``axes`` (all if empty, or none with ``none_if_empty``); ``keep`` keeps them with extent 1;
    ``spatial``: over the axes behind the channels, of global pools."""

    axes: tuple[int, ...] = ()
    keep: bool = True
    none_if_empty: bool = False
    spatial: bool = False
    of_some: ClassVar[bool] = False
    """Whether no elements have no result."""
    function: ClassVar[str]
    """The reduction of the array API."""

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        rank = len(inputs[0].shape)
        if self.spatial:
            return replace(self, axes=tuple(range(2, rank)))
        if not self.axes and self.none_if_empty:
            return self
        return replace(self, axes=resolved_axes(self, self.axes, rank))

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return 0 not in self.axes

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return self.reduced(getattr(xp, self.function), arrays[0])

    def reduced(self, function: Callable[..., Any], array: AnyArray) -> AnyArray:
        """A reduction of the array API over the axes."""
        return function(array, axis=self.axes, keepdims=self.keep)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        empty = self.of_some and any(x.shape[axis] == 0 for axis in self.axes)
        require(not empty, self, "at least one element along each reduced axis", x)
        return TensorType(kept_shape(x.shape, self.axes, self.keep), x.element)


class ExactReduction(FloatReduction):
    """What the reductions with an integer form share: ``exact`` is that form of an operand that has one."""

    narrow: ClassVar[bool] = False
    """Whether the operand's integers are looked up, and so have 8 bits at most."""

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        (x,) = inputs
        return unless(
            (x.quantisation.per_tensor, "the input is quantised per channel"),
            (self.keep or 0 not in self.axes, "it drops axis 0, along which samples lie"),
            (not self.narrow or x.type.integer.bits <= 8, "the input is not quantised to 8 bits"),
        ) or self.exact(build, x, output)

    @abstractmethod
    def exact(self, build: NodeBuilder, x: QuantisedValue, output: QuantisedOutput) -> str | Reason:
        """The integers of the result, quantised as ``output`` says."""


@dataclass(frozen=True)
class ReduceMean(ExactReduction):
    """The mean. GlobalAveragePool is this over space."""

    function: ClassVar[str] = "mean"
    bindings = (
        *_bindings("ReduceMean", 18),
        OnnxBinding("GlobalAveragePool", (1, 1), fixed={"spatial": True}),
        OnnxBinding(
            "QLinearGlobalAveragePool",
            (1, 1),
            "com.microsoft",
            fixed={"spatial": True},
            ignored={"channels_last": 0},
            integers=IntegerForm(((0, 1, 2),), result=(3, 4)),
        ),
    )

    def exact(self, build: NodeBuilder, x: QuantisedValue, output: QuantisedOutput) -> str | Reason:
        space = x.type.shape[2:]
        if len(space) not in (1, 2) or min(self.axes, default=0) < 2:
            return _sum(build, x, self, output, averaged=True)
        kernel = tuple(n if k + 2 in self.axes else 1 for k, n in enumerate(space))
        rank = len(kernel)
        zero = x.quantisation.zero_point[0]
        op = WindowSum(kernel, kernel, (0,) * 2 * rank, (1,) * rank, input_zero=zero)
        total, count = build.node(op, [x.name]), prod(kernel)
        fused = self.spatial and output.adjacent and x.type.element == output.element
        if fused:
            result = build.node(integer_mean(x, output, count), [total])
        else:
            mean = RequantiseMean.of(x.quantisation.scale[0], count, output, zero_first=False)
            result = build.node(mean, [total])
        if self.keep:
            return result
        return build.node(Reshape(kept_shape(x.type.shape, self.axes, False)), [result])


@dataclass(frozen=True)
class ReduceSum(ExactReduction):
    """The sum."""

    function: ClassVar[str] = "sum"
    bindings = _bindings("ReduceSum", 13)

    def exact(self, build: NodeBuilder, x: QuantisedValue, output: QuantisedOutput) -> str | Reason:
        return _sum(build, x, self, output, averaged=False)


@dataclass(frozen=True)
class ReduceL1(ExactReduction):
    """The sum of magnitudes."""

    bindings = _bindings("ReduceL1", 18)
    narrow: ClassVar[bool] = True
    power: ClassVar[int] = 1

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return self.reduced(xp.sum, xp.abs(arrays[0]) ** self.power)

    def exact(self, build: NodeBuilder, x: QuantisedValue, output: QuantisedOutput) -> str | Reason:
        count = prod(x.type.shape[axis] for axis in self.axes)
        if (largest := count * 255**self.power) > _LARGEST_POWER_SUM:
            return Reason(f"the sum of {count} powers reaches {largest:,}, more than float32 holds")
        magnitudes = powers(build, x, self.power)
        return _sum(build, magnitudes, self, output, averaged=False)


@dataclass(frozen=True)
class ReduceSumSquare(ReduceL1):
    """The sum of squares."""

    bindings = _bindings("ReduceSumSquare", 18)
    power: ClassVar[int] = 2


@dataclass(frozen=True)
class ReduceMax(ExactReduction):
    """The greatest element. GlobalMaxPool is this over space."""

    function: ClassVar[str] = "max"
    bindings = (
        *_bindings("ReduceMax", 18),
        OnnxBinding("GlobalMaxPool", (1, 1), fixed={"spatial": True}),
    )
    narrow: ClassVar[bool] = True
    of_some: ClassVar[bool] = True

    def exact(self, build: NodeBuilder, x: QuantisedValue, output: QuantisedOutput) -> str | Reason:
        best = build.node(AxisMaximum(self.axes, self.keep), [x.name])
        return rescaled(build, best, x, output)


@dataclass(frozen=True)
class ReduceMin(ExactReduction):
    """The least element."""

    function: ClassVar[str] = "min"
    bindings = _bindings("ReduceMin", 18)
    narrow: ClassVar[bool] = True
    of_some: ClassVar[bool] = True

    def exact(self, build: NodeBuilder, x: QuantisedValue, output: QuantisedOutput) -> str | Reason:
        element = x.type.integer
        turned = tuple(range(element.maximum, element.minimum - 1, -1))
        mirrored = build.node(Lookup(turned, element), [x.name])
        best = build.node(AxisMaximum(self.axes, self.keep), [mirrored])
        return rescaled(build, best, x, output, turned)


@dataclass(frozen=True)
class ReduceL2(FloatReduction):
    """The root of the sum of squares; on the host where it stands at the end."""

    bindings = _bindings("ReduceL2", 18)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.sqrt(self.reduced(xp.sum, arrays[0] * arrays[0]))


@dataclass(frozen=True)
class ReduceProd(FloatReduction):
    """The product; on the host where it stands at the end."""

    function: ClassVar[str] = "prod"
    bindings = _bindings("ReduceProd", 18)


@dataclass(frozen=True)
class ReduceLogSum(FloatReduction):
    """The logarithm of the sum; on the host where it stands at the end."""

    bindings = _bindings("ReduceLogSum", 18)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.log(self.reduced(xp.sum, arrays[0]))


@dataclass(frozen=True)
class ReduceLogSumExp(FloatReduction):
    """The logarithm of the sum of exponentials, less the greatest operand first; on the host where it stands at the end."""

    bindings = _bindings("ReduceLogSumExp", 18)
    of_some: ClassVar[bool] = True

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        top = xp.max(x, axis=self.axes, keepdims=True)
        rest = xp.log(xp.sum(xp.exp(x - top), axis=self.axes, keepdims=True)) + top
        return rest if self.keep else xp.squeeze(rest, axis=self.axes)


def _sum(
    build: NodeBuilder,
    x: QuantisedValue,
    op: FloatReduction,
    output: QuantisedOutput,
    averaged: bool,
) -> str:
    """The exact sum, rounded by the float32 steps of ONNX Runtime."""
    zero = x.quantisation.zero_point[0]
    total = build.node(AxisSum(op.axes, op.keep, zero), [x.name])
    count = prod(x.type.shape[axis] for axis in op.axes)
    scale = x.quantisation.scale[0]
    mean = RequantiseMean.of(scale, count, output, zero_first=False, averaged=averaged)
    return build.node(mean, [total])


def powers(build: NodeBuilder, x: QuantisedValue, power: int) -> QuantisedValue:
    """|x| or x * x of a narrow operand, as integers in steps of the scale or its square; by a table."""
    zero = x.quantisation.zero_point[0]
    element = x.type.integer
    values = [abs(v - zero) ** power for v in range(element.minimum, element.maximum + 1)]
    wide = ElementType.holding(0, max(values))
    name = build.node(Lookup(tuple(values), wide), [x.name])
    scale = float(np.float32(x.quantisation.scale[0]) ** power)
    return QuantisedValue(name, TensorType(x.type.shape, wide), Quantisation((scale,), (0,)), None)


def rescaled(
    build: NodeBuilder,
    value: str,
    x: QuantisedValue,
    output: QuantisedOutput,
    order: Sequence[int] | None = None,
) -> str:
    """Integers like those of ``x``, dequantised and quantised again: a table where that changes any. ``order``: which integers they stand
    for, from the least of the type on (those themselves if not given)."""
    element = x.type.integer
    integers = np.arange(element.minimum, element.maximum + 1) if order is None else np.array(order)
    reals = (integers - x.quantisation.zero_point[0]).astype(np.float32) * x.quantisation.scales()
    steps = np.rint(reals / np.float32(output.scale)) + output.zero_point
    table = tuple(int(v) for v in np.clip(steps, output.low, output.high))
    if element == output.element and table == tuple(range(element.minimum, element.maximum + 1)):
        return value
    return build.node(Lookup(table, output.element), [value])
