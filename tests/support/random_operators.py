"""Random small models of one or a few quantised operators with unusual but legal attributes, deterministic for a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import onnx

from support.quantised_models import ELEMENTS
from support.random_values import Integers, RandomValues


class RandomOperators(RandomValues):
    """Each method named after an operator takes integers to the integers behind it."""

    def conv(self, x: Integers) -> Integers:
        x = self.spatial(x)
        groups = self.pick([n for n in range(1, x.shape[1] + 1) if x.shape[1] % n == 0])
        attributes = self.window(x)
        kernel = attributes["kernel_shape"]
        shape = (groups * self.whole(1, 3), x.shape[1] // groups, *kernel)
        if self.one_in(3):
            del attributes["kernel_shape"]
        if groups > 1:
            attributes["group"] = groups
        operands = [self.real(x)]
        weights, scales = self.filters(shape, 0)
        operands.append(weights)
        if not self.one_in(3):
            operands.append(self.addend((shape[0],), np.float32(x.scale) * scales))
        elif self.one_in(2):
            operands.append("")
        value = self.node("Conv", *operands, **attributes)
        spread = float(x.scale * scales.mean() * 5000 * np.prod(shape[1:]) ** 0.5)
        if self.one_in(4):
            value = self.normalised(value, shape[0])
        return self.integers(self.activated(value, spread), (), spread)

    def normalised(self, value: str, channels: int) -> str:
        rows = self.random.uniform(0.5, 1.5, (4, channels)).astype(np.float32)
        constants = [self.constant(row) for row in rows]
        return self.node("BatchNormalization", value, *constants, epsilon=1e-3)

    def gemm(self, x: Integers) -> Integers:
        x = self.flat(x)
        outputs, across = self.whole(1, 6), self.one_in(2)
        shape = (outputs, x.shape[1]) if across else (x.shape[1], outputs)
        weights, scales = self.filters(shape, 0 if across else 1)
        attributes = self.some(
            transB=1 if across else self.pick([None, 0]),
            transA=self.pick([None, None, 0]),
            alpha=self.pick([None, None, None, 1.0, 1.0, 0.5]),
            beta=self.pick([None, None, None, 1.0, 1.0, 0.25]),
        )
        operands = [self.real(x), weights]
        if self.opset < 11 or not self.one_in(3):
            extents = self.pick([(outputs,), (outputs,), (1, outputs), (1,), ()])
            steps = np.float32(x.scale) * scales
            steps = steps if extents == (outputs,) else np.float32(steps.mean())
            operands.append(self.addend(extents, steps))
        value = self.node("Gemm", *operands, **attributes)
        spread = float(x.scale * scales.mean() * 5000 * x.shape[1] ** 0.5)
        return self.integers(self.activated(value, spread), (), spread)

    def matmul(self, x: Integers) -> Integers:
        if self.one_in(2):
            x = self.flat(x)
        outputs = self.whole(1, 6)
        shape = (x.shape[-1], outputs)
        if self.one_in(4):
            shape = (1, *shape)
        weights, scales = self.filters(shape, len(shape) - 1)
        value = self.node("MatMul", self.real(x), weights)
        if self.one_in(2):
            reals = self.random.normal(size=self.pick([(outputs,), (1, outputs), ()])) * x.scale
            operands = [value, self.constant(reals.astype(np.float32))]
            value = self.node("Add", *(operands if self.one_in(2) else operands[::-1]))
        spread = float(x.scale * scales.mean() * 5000 * x.shape[-1] ** 0.5)
        return self.integers(self.activated(value, spread), (), spread)

    def maximum(self, x: Integers) -> Integers:
        x = self.spatial(x)
        attributes = self.window(x, dilations=self.opset >= 10)
        if self.opset >= 10 and self.one_in(3):
            attributes["ceil_mode"] = 1
        if self.one_in(4):
            attributes["storage_order"] = self.pick([0, 1])
        if self.opset >= 12 and self.one_in(2):
            name = self.node("MaxPool", x.name, **attributes)
            return replace(x, name=name, shape=())
        value = self.node("MaxPool", self.real(x), **attributes)
        return self.integers(self.activated(value, x.scale * 128), (), x.scale * 128)

    def average(self, x: Integers) -> Integers:
        x = self.spatial(x)
        attributes = self.window(x, dilations=self.opset >= 19, extent=7)
        if self.opset >= 10 and self.one_in(3):
            attributes["ceil_mode"] = 1
        if self.one_in(2):
            attributes["count_include_pad"] = self.pick([0, 1])
        value = self.node("AveragePool", self.real(x), **attributes)
        return self.integers(self.activated(value, x.scale * 64), (), x.scale * 64)

    def mean(self, x: Integers) -> Integers:
        rank = len(x.shape)
        if self.one_in(3):
            value = self.node("GlobalAveragePool", self.real(self.spatial(x)))
            return self.integers(value, (), x.scale * 64)
        axes = self.pick([[2], [-1], [2, 3], [-1, -2], [1], [-1, 2], list(range(rank)), None])
        axes = (
            None
            if axes is None
            else sorted({a % rank - rank * (a < 0) for a in axes if -rank <= a < rank})
        )
        if axes is not None and len({a % rank for a in axes}) != max(len(axes), 1):
            axes = [rank - 1]
        attributes = self.some(keepdims=self.pick([None, 0, 1]))
        operands = [self.real(x)]
        if self.opset >= 18:
            if axes is not None:
                operands.append(self.numbers(axes))
            elif self.one_in(2):
                operands.append(self.pick(["", self.numbers([])]))
            attributes |= self.some(noop_with_empty_axes=self.pick([None, 0, 1]))
        elif axes is not None:
            attributes["axes"] = axes
        value = self.node("ReduceMean", *operands, **attributes)
        return self.integers(self.activated(value, x.scale * 64), (), x.scale * 64)

    def add(self, x: Integers) -> Integers:
        spread = x.scale * 256
        match self.pick(["branch", "branch", "self", "constant", "row", "number"]):
            case "self":
                value = self.real(x)
                operands = [value, value]
            case "constant" | "row" | "number" as kind:
                extents = {"constant": x.shape, "row": x.shape[-1:], "number": ()}[kind]
                reals = self.constant(
                    (self.random.normal(size=extents) * x.scale * 40).astype(np.float32)
                )
                operands = [self.real(x), reals]
            case _:
                other = self.integers(self.node("Relu", self.real(x)), x.shape, x.scale * 128)
                operands = [self.real(x), self.real(other)]
        value = self.node(self.pick(["Add", "Add", "Add", "Mul"]), *operands[:: self.pick([1, -1])])
        return self.integers(self.activated(value, spread), (), spread)

    def table(self, x: Integers) -> Integers:
        """Functions of one element, two Quantize in a row, and bounds on integers."""
        spread = x.scale * 128
        choice = self.pick(["real", "again", "integer Relu", "integer Clip", "Dropout", "Cast"])
        if choice == "integer Relu" and self.opset >= 14 and x.element == "s8":
            return replace(x, name=self.node("Relu", x.name), shape=())
        if choice == "integer Clip" and self.opset >= 12:
            kind, low, high = ELEMENTS[x.element]
            bounds = sorted(self.whole(low, high) for _ in range(2))
            operands = [self.constant(np.array(b, kind)) if self.one_in(2) else "" for b in bounds]
            return replace(x, name=self.node("Clip", x.name, *operands), shape=())
        if choice == "again":
            return self.integers(self.real(x), x.shape, spread)
        if choice == "Dropout":
            return self.integers(self.node("Dropout", self.real(x)), x.shape, spread)
        if choice == "Cast":
            return self.integers(self.node("Cast", x.name, to=1), x.shape, 128.0)
        return self.integers(self.activated(self.real(x), spread), x.shape, spread)

    def move(self, x: Integers) -> Integers:
        """Reshape, Flatten, Squeeze, Unsqueeze and Transpose, on integers or between Dequantize and Quantize."""
        inner = self.one_in(2)
        value, rank, size = self.real(x) if inner else x.name, len(x.shape), int(np.prod(x.shape))
        ones = [k for k in range(1, rank) if x.shape[k] == 1]
        match self.pick(["Reshape", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"]):
            case "Squeeze":
                axes = [self.pick([k, k - rank]) for k in ones] or None
                value = self.axes(
                    "Squeeze", value, axes if axes is None or self.one_in(2) else axes[:1]
                )
            case "Unsqueeze":
                value = self.axes("Unsqueeze", value, [self.pick([1, rank, -1, -rank])])
            case "Transpose":
                order = self.pick([[0, *map(int, 1 + self.random.permutation(rank - 1))], None])
                value = self.node("Transpose", value, **self.some(perm=order))
            case "Flatten":
                axis = self.pick(
                    [None, 1, 1, 0, rank, *([-rank + 1, -1] if self.opset >= 11 else [])]
                )
                value = self.node("Flatten", value, **self.some(axis=axis))
            case _:
                extents = self.pick(
                    [
                        [1, -1],
                        [0, -1],
                        [1, size],
                        [-1, size],
                        [0, 0, -1][: rank + 1],
                        [1, -1, 1, 1],
                        [-1],
                        [1, 1, 1, -1, 1],
                    ]
                )
                allow = self.pick([None, 0, 1]) if self.opset >= 14 and 0 not in extents else None
                value = self.node(
                    "Reshape", value, self.numbers(extents), **self.some(allowzero=allow)
                )
        return (
            self.integers(value, (), x.scale * 128) if inner else replace(x, name=value, shape=())
        )

    def qlinear(self, x: Integers) -> Integers:
        """Operators whose operands carry their scales and zero points."""
        kinds = (self.qconv, self.qconv, self.qproduct, self.qadd, self.qpool, self.qmean)
        return self.pick((*kinds, self.counts))(x)

    def own(self, x: Integers) -> tuple[str, str, str]:
        return x.name, *self.parameters(x.scale, x.zero, x.element)

    def result(self, element: str, spread: float) -> tuple[Integers, tuple[str, str]]:
        """What an operator gives, but for its name, and the parameters that say so."""
        scale, zero = float(np.float32(spread / 100)), self.whole(*ELEMENTS[element][1:])
        return Integers("", (), scale, zero, element), self.parameters(scale, zero, element)

    def contributed(self, operator: str, *operands: str, **attributes: Any) -> str:
        return self.node(operator, *operands, domain="com.microsoft", **attributes)

    def some_bias(self, count: int) -> list[str]:
        bias = self.random.integers(-2000, 2000, count).astype(np.int32)
        return [self.constant(bias)] if self.one_in(2) else []

    def qconv(self, x: Integers) -> Integers:
        x = self.spatial(x)
        attributes = self.window(x)
        groups = self.pick([n for n in range(1, x.shape[1] + 1) if x.shape[1] % n == 0])
        shape = (groups * self.whole(1, 3), x.shape[1] // groups, *attributes["kernel_shape"])
        weights = self.quantised_weights(shape, shape[0])
        result, last = self.result(x.element, x.scale * 25 * np.prod(shape[1:]) ** 0.5)
        operands = [*self.own(x), *weights, *last, *self.some_bias(shape[0])]
        return replace(result, name=self.node("QLinearConv", *operands, group=groups, **attributes))

    def qproduct(self, x: Integers) -> Integers:
        x, count = self.flat(x), self.whole(1, 5)
        weights = self.quantised_weights((x.shape[1], count), count)
        result, last = self.result(x.element, x.scale * 25 * x.shape[1] ** 0.5)
        if self.one_in(2):
            name = self.node("QLinearMatMul", *self.own(x), *weights, *last)
        else:
            (bias,) = self.some_bias(count) or [""]
            attributes = self.some(alpha=self.pick([None, 1.0, 0.5]))
            name = self.contributed("QGemm", *self.own(x), *weights, bias, *last, **attributes)
        return replace(result, name=name)

    def qadd(self, x: Integers) -> Integers:
        result, last = self.result(x.element, x.scale * 200)
        other = self.table(x)
        name = self.contributed("QLinearAdd", *self.own(x), *self.own(other), *last)
        return replace(result, name=name)

    def qpool(self, x: Integers) -> Integers:
        x = self.spatial(x)
        result, last = self.result(x.element, x.scale * 64)
        attributes = self.window(x, dilations=False, extent=7)
        attributes |= self.some(
            count_include_pad=self.pick([None, 0, 1]), ceil_mode=self.pick([None, 0, 1])
        )
        name = self.contributed("QLinearAveragePool", *self.own(x), *last, **attributes)
        return replace(result, name=name)

    def qmean(self, x: Integers) -> Integers:
        x = self.spatial(x)
        result, last = self.result(x.element, x.scale * 64)
        attributes = self.some(channels_last=self.pick([None, 0]))
        name = self.contributed("QLinearGlobalAveragePool", *self.own(x), *last, **attributes)
        return replace(result, name=name)

    def counts(self, x: Integers) -> Integers:
        """ConvInteger or MatMulInteger, its sums cast to reals."""
        zeros = [self.constant(np.array(x.zero, ELEMENTS[x.element][0]))] if self.one_in(2) else []
        kind, low, high = ELEMENTS[self.pick(["s8", "u8"])]
        if self.one_in(2):
            x = self.spatial(x)
            attributes = self.window(x)
            shape = (self.whole(1, 3), x.shape[1], *attributes["kernel_shape"])
        else:
            x = self.flat(x) if self.one_in(2) else x
            attributes, shape = {}, (x.shape[-1], self.whole(1, 5))
        if zeros and self.one_in(2):
            count = shape[0] if attributes else shape[1]
            several = self.random.integers(low, high + 1, count).astype(kind)
            zeros.append(self.constant(several if self.one_in(2) else several[0]))
        weights = self.constant(self.random.integers(low, high + 1, shape).astype(kind))
        operator = "ConvInteger" if attributes else "MatMulInteger"
        sums = self.node(operator, x.name, weights, *zeros, **attributes)
        if self.one_in(3):
            return Integers(sums, (), 1.0, 0, "s32")
        value = self.node("Cast", sums, to=1)
        factors = self.random.uniform(0.01, 0.02, self.pick([(), (1,)])).astype(np.float32)
        value = self.node("Mul", value, self.constant(factors))
        return self.integers(self.activated(value, 60.0), (), 60.0)

    def soft(self, x: Integers) -> str:
        attributes = self.some(axis=self.pick([None, 1, -1, len(x.shape) - 1]))
        return self.node(self.pick(["Softmax", "LogSoftmax"]), self.real(x), **attributes)


KINDS: dict[str, Callable[[RandomOperators, Integers], Integers]] = {
    "conv": RandomOperators.conv,
    "gemm": RandomOperators.gemm,
    "matmul": RandomOperators.matmul,
    "maximum": RandomOperators.maximum,
    "average": RandomOperators.average,
    "mean": RandomOperators.mean,
    "add": RandomOperators.add,
    "table": RandomOperators.table,
    "move": RandomOperators.move,
    "qlinear": RandomOperators.qlinear,
}


def random_model(kind: str, seed: int) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A model with one operator of a kind, or with two or three of any where ``kind`` is "chain"; samples for it."""
    kinds = [kind]
    build = RandomOperators(seed * 131 + sorted([*KINDS, "chain"]).index(kind))
    if kind == "chain":
        kinds = [build.pick(list(KINDS)) for _ in range(build.whole(2, 4))]
    value = build.input
    for name in kinds:
        if value.element == "s32":  # sums, which only an output can be
            break
        value = KINDS[name](build, value)
        if value.shape == ():
            value = replace(value, shape=build.shape_of(value.name))
    output = value.name
    if value.element != "s32" and build.one_in(4):
        output = build.soft(value) if build.one_in(2) else build.real(value)
    return build.finish(output), build.samples(3)
