"""Normalisations: a mean and a deviation over some axes, then a gain and an offset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from hlsgen.ops.host import HostOp, axes_of, axis_of, require_float
from hlsgen.ops.op import (
    Constants,
    NodeBuilder,
    OnnxBinding,
    QuantisedOutput,
    QuantisedValue,
    broadcast,
    require,
)
from hlsgen.ops.quantised_norm import quantised_norm, reals
from hlsgen.ops.reason import Reason
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.tensor_type import F32, AnyArray, TensorType


def _standard(
    xp: Any, x: AnyArray, axes: tuple[int, ...], epsilon: float
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """(x - mean) / sqrt(variance + epsilon) over ``axes``, the mean, and 1 / sqrt(variance + epsilon)."""
    mean = xp.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    variance = xp.mean(centred * centred, axis=axes, keepdims=True)
    rate = 1 / xp.sqrt(variance + epsilon)
    return centred * rate, mean, rate


@dataclass(frozen=True)
class LayerNormalization(HostOp):
    """Operands x, gain and perhaps offset: standardised over all axes from ``axis`` on. Results: y, mean, 1 / deviation."""

    axis: int = -1
    epsilon: float = 1e-5
    result: int = 0

    bindings = (
        OnnxBinding(
            "LayerNormalization",
            (2, 3),
            attributes={"axis": "axis", "epsilon": "epsilon"},
            ignored={"stash_type": 1},
        ),
    )

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.axis % len(inputs[0].shape) != 0

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, *parameters = inputs
        require_float(self, *inputs)
        axis = axis_of(self, self.axis, len(x.shape))
        for parameter in parameters:
            whole = broadcast(self, parameter.shape, x.shape[axis:])
            require(whole == x.shape[axis:], self, f"parameters for {x.shape[axis:]}", parameter)
        if self.result == 0:
            return TensorType(x.shape, x.element)
        return TensorType((*x.shape[:axis], *(1,) * (len(x.shape) - axis)), F32)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, gain, *offset = arrays
        axes = tuple(range(self.axis % x.ndim, x.ndim))
        results = _standard(xp, x, axes, self.epsilon)
        if self.result != 0:
            return results[self.result]
        y = results[0] * gain
        return y + offset[0] if offset else y

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        x, *parameters = inputs
        if self.result != 0:
            return Reason("its means and deviations have no integer form")
        axes = tuple(range(self.axis % len(x.type.shape), len(x.type.shape)))
        values = [*map(reals, parameters), np.zeros(1)][:2]
        return quantised_norm(build, x, axes, True, self.epsilon, values, output)


@dataclass(frozen=True)
class RMSNormalization(HostOp):
    """Operands x and gain: x / sqrt(mean(x * x) + epsilon) * gain over all axes from ``axis`` on."""

    axis: int = -1
    epsilon: float = 1e-5

    bindings = (
        OnnxBinding(
            "RMSNormalization",
            (2, 2),
            since=23,
            attributes={"axis": "axis", "epsilon": "epsilon"},
            ignored={"stash_type": 1},
        ),
    )

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.axis % len(inputs[0].shape) != 0

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, gain = inputs
        require_float(self, *inputs)
        axis = axis_of(self, self.axis, len(x.shape))
        whole = broadcast(self, gain.shape, x.shape[axis:])
        require(whole == x.shape[axis:], self, f"a gain for {x.shape[axis:]}", gain)
        return TensorType(x.shape, x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, gain = arrays
        axes = tuple(range(self.axis % x.ndim, x.ndim))
        return x / xp.sqrt(xp.mean(x * x, axis=axes, keepdims=True) + self.epsilon) * gain

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        x, gain = inputs
        axes = tuple(range(self.axis % len(x.type.shape), len(x.type.shape)))
        values = [reals(gain), np.zeros(1)]
        return quantised_norm(build, x, axes, False, self.epsilon, values, output)


@dataclass(frozen=True)
class GroupNormalization(HostOp):
    """Operands x (N, C, ...), gain and offset: standardised over each of ``groups`` groups of channels.

    Gain and offset are one a channel, or before opset 21 (``of_groups``) one a group. InstanceNormalization is that with as many groups as
    channels (``groups`` 0).
    """

    groups: int = 0
    epsilon: float = 1e-5
    of_groups: bool = False

    bindings = (
        OnnxBinding("InstanceNormalization", (3, 3), since=6, attributes={"epsilon": "epsilon"}),
        OnnxBinding(
            "GroupNormalization",
            (3, 3),
            since=18,
            until=20,
            attributes={"epsilon": "epsilon", "num_groups": "groups"},
            fixed={"of_groups": True},
        ),
        OnnxBinding(
            "GroupNormalization",
            (3, 3),
            since=21,
            attributes={"epsilon": "epsilon", "num_groups": "groups"},
            ignored={"stash_type": 1},
        ),
    )

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return True

    def normalised(self, inputs: tuple[TensorType, ...]) -> GroupNormalization:
        require(len(inputs[0].shape) >= 2, self, "an operand (N, C, ...)", inputs[0])
        return self if self.groups else replace(self, groups=inputs[0].shape[1])

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, *parameters = inputs
        require_float(self, *inputs)
        fits = self.groups >= 1 and x.shape[1] % self.groups == 0
        require(fits, self, f"groups that divide {x.shape[1]} channels", self.groups)
        expected = (self.groups if self.of_groups else x.shape[1],)
        for parameter in parameters:
            require(parameter.shape == expected, self, f"parameters {expected}", parameter)
        return TensorType(x.shape, x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, *parameters = arrays
        split = xp.reshape(x, (x.shape[0], self.groups, -1))
        y, _, _ = _standard(xp, split, (2,), self.epsilon)
        size = x.shape[1] // self.groups
        if self.of_groups:
            parameters = [xp.repeat(p, size) for p in parameters]
        gain, offset = (xp.reshape(p, (1, -1, *(1,) * (x.ndim - 2))) for p in parameters)
        return xp.reshape(y, x.shape) * gain + offset

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        x, *parameters = inputs
        shape = x.type.shape
        split = (1, self.groups, shape[1] // self.groups, prod(shape[2:]))
        values = [value for value in map(reals, parameters) if value is not None]
        if len(values) < 2:
            return Reason("its gain or offset is not constant")
        own = (1, self.groups, 1 if self.of_groups else split[2], 1)
        of_channels = [value.reshape(own) for value in values]
        groups = replace(
            x, name=build.node(Reshape(split), [x.name]), type=replace(x.type, shape=split)
        )
        value = quantised_norm(build, groups, (2, 3), True, self.epsilon, of_channels, output)
        return value if isinstance(value, Reason) else build.node(Reshape(shape), [value])


@dataclass(frozen=True)
class MeanVarianceNormalization(HostOp):
    """(x - mean) / deviation over ``axes``, with 1e-9 added to the deviation."""

    axes: tuple[int, ...] = (0, 2, 3)

    bindings = (
        OnnxBinding("MeanVarianceNormalization", (1, 1), since=9, attributes={"axes": "axes"}),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require_float(self, *inputs)
        axes_of(self, self.axes, len(inputs[0].shape))
        return TensorType(inputs[0].shape, inputs[0].element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        centred = x - xp.mean(x, axis=self.axes, keepdims=True)
        variance = xp.mean(centred * centred, axis=self.axes, keepdims=True)
        return centred / (xp.sqrt(variance) + 1e-9)


@dataclass(frozen=True)
class LpNormalization(HostOp):
    """x divided by its norm of order 1 or 2 along ``axis``; 0 where the norm is 0."""

    axis: int = -1
    order: int = 2

    bindings = (OnnxBinding("LpNormalization", (1, 1), attributes={"axis": "axis", "p": "order"}),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require_float(self, *inputs)
        axis_of(self, self.axis, len(inputs[0].shape))
        require(self.order in (1, 2), self, "a norm of order 1 or 2", self.order)
        return TensorType(inputs[0].shape, inputs[0].element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        size = xp.abs(x) if self.order == 1 else x * x
        norm = xp.sum(size, axis=self.axis, keepdims=True)
        norm = norm if self.order == 1 else xp.sqrt(norm)
        return xp.where(norm == 0, xp.zeros_like(x), x / xp.where(norm == 0, norm + 1, norm))


@dataclass(frozen=True)
class LRN(HostOp):
    """x / (bias + alpha / size * the sum of squares over ``size`` neighbouring channels) ** beta (local response normalisation)."""

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    bias: float = 1.0

    bindings = (
        OnnxBinding(
            "LRN",
            (1, 1),
            attributes={"size": "size", "alpha": "alpha", "beta": "beta", "bias": "bias"},
        ),
    )

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return True

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require_float(self, *inputs)
        require(len(inputs[0].shape) >= 2, self, "an operand (N, C, ...)", inputs[0])
        require(self.size >= 1, self, "a size of at least 1", self.size)
        return TensorType(inputs[0].shape, inputs[0].element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        channels = x.shape[1]
        flat = xp.reshape(x * x, (x.shape[0], channels, prod(x.shape[2:])))
        before, after = (self.size - 1) // 2, self.size // 2
        sums = [
            xp.sum(flat[:, max(0, c - before) : c + after + 1, :], axis=1) for c in range(channels)
        ]
        squares = xp.reshape(xp.stack(sums, axis=1), x.shape)
        return x / (self.bias + self.alpha / self.size * squares) ** self.beta
