"""Random operators of one quantised value: functions, reductions, normalisations, transposed convolutions, moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from support.random_operators import RandomOperators
from support.random_values import Integers

FUNCTIONS: dict[str, int] = {
    **dict.fromkeys(("Sigmoid", "Tanh", "LeakyRelu", "Elu", "Selu", "Softplus", "Softsign"), 7),
    **dict.fromkeys(("HardSigmoid", "Abs", "Neg", "Exp", "Floor", "Ceil", "Sqrt", "Log"), 7),
    **dict.fromkeys(("Erf", "Sign", "Sin", "Cos"), 9),
    **{"ThresholdedRelu": 10, "Round": 11, "Celu": 12, "HardSwish": 14, "Mish": 18, "Gelu": 20},
}
"""The opset from which each may be taken."""
REDUCTIONS = ("Mean", "Sum", "Max", "Min", "L1", "L2", "SumSquare")
BOUNDED = ("Sigmoid", "Tanh", "HardSigmoid", "Erf", "Sign", "Sin", "Cos", "Softsign")


class RandomFunctions(RandomOperators):
    """Each method takes integers to the integers behind an operator."""

    def sized(self, x: Integers) -> Integers:
        """``x`` with its shape, which operators leave open."""
        return x if x.shape else replace(x, shape=self.shape_of(x.name))

    def function(self, x: Integers) -> Integers:
        name = self.pick([name for name, since in FUNCTIONS.items() if since <= self.opset])
        real = self.real(x)
        if name in ("Sqrt", "Log"):  # nothing that is not a number
            real = self.node("Abs", real)
            real = self.node("Add", real, self.constant(np.float32(0.1)))
        value = self.node(name, real)
        if self.one_in(4):  # x * sigmoid(x) and its like
            value = self.node("Mul", self.real(x), value)
        spread = 1.0 if name in BOUNDED else x.scale * 128
        return self.integers(value, x.shape, min(float(spread), 200.0))

    def reduced(self, x: Integers) -> Integers:
        kind = self.pick(REDUCTIONS)
        x = x if len(x.shape) > 1 else self.flat(x)
        rank = len(x.shape)
        axes = sorted({self.whole(1, rank - 1) for _ in range(2)})
        axes = [a - rank if self.opset >= 11 and self.one_in(3) else a for a in axes]
        count = float(np.prod([x.shape[a] for a in axes]))
        keep = self.some(keepdims=self.pick([None, 1, 0])) if rank > len(axes) + 1 else {}
        since = 13 if kind == "Sum" else 18
        operands = [self.numbers(axes)] if self.opset >= since else []
        attributes: dict[str, Any] = keep | ({} if operands else {"axes": axes})
        value = self.node(f"Reduce{kind}", self.real(x), *operands, **attributes)
        spread = x.scale * 128
        spread *= {"Sum": count**0.5, "L1": count, "L2": count**0.5}.get(kind, 1.0)
        return self.integers(value, (), spread * spread * count if kind == "SumSquare" else spread)

    def norm(self, x: Integers) -> Integers:
        last = x.shape[-1]
        kinds = ["Softmax", *["LayerNormalization"][: self.opset >= 17]]
        kinds += ["InstanceNormalization"][: len(x.shape) > 2]
        match self.pick(kinds):
            case "Softmax":
                axis = len(x.shape) - 1
                value = self.node("Softmax", self.real(x), axis=axis)
                return self.integers(value, x.shape, 1.0)
            case "InstanceNormalization":
                gains = self.random.uniform(0.5, 1.5, (2, x.shape[1])).astype(np.float32)
                constants = map(self.constant, gains)
                value = self.node("InstanceNormalization", self.real(x), *constants)
            case _:
                gains = self.random.uniform(0.5, 1.5, (2, last)).astype(np.float32)
                constants = map(self.constant, gains[: self.whole(1, 2)])
                value = self.node("LayerNormalization", self.real(x), *constants, axis=-1)
        return self.integers(value, x.shape, 3.0)

    def transposed(self, x: Integers) -> Integers:
        x = self.spatial(x)
        space = len(x.shape) - 2
        kernel = [self.whole(1, 3) for _ in range(space)]
        groups = self.pick([n for n in range(1, x.shape[1] + 1) if x.shape[1] % n == 0])
        outputs = self.whole(1, 2)
        shape = (x.shape[1], outputs, *kernel)
        weights, scales = self.filters(shape, 1) if groups == 1 else self.one_scale(shape)
        strides = [self.whole(1, 2) for _ in range(space)]
        attributes: dict[str, Any] = {"strides": strides, "group": groups}
        if self.one_in(2):
            attributes["pads"] = [self.whole(0, (k - 1) // 2) for k in (*kernel, *kernel)]
        bias = [self.addend((groups * outputs,), np.float32(x.scale) * scales)]
        operands = bias if groups == 1 and self.one_in(2) else []
        value = self.node("ConvTranspose", self.real(x), weights, *operands, **attributes)
        spread = float(x.scale * scales.mean() * 5000 * np.prod(shape[1:]) ** 0.5)
        return self.integers(self.activated(value, spread), (), spread)

    def one_scale(self, shape: tuple[int, ...]) -> tuple[str, np.ndarray]:
        """Dequantised s8 weights of one scale."""
        scale = np.float32(self.random.uniform(0.002, 0.01))
        integers = self.constant(self.random.integers(-127, 128, shape).astype(np.int8))
        zero = self.constant(np.int8(0))
        return self.node("DequantizeLinear", integers, self.constant(scale), zero), scale[None]

    def moved(self, x: Integers) -> Integers:
        """Elements copied, interleaved or picked; with the scale of the operand or another."""
        x = self.spatial(x)
        space, plane = len(x.shape) - 2, x.shape[2:]
        value = self.real(x)
        kinds = ["Tile", "Gather"]
        kinds += ["DepthToSpace"][: space == 2 and x.shape[1] % 4 == 0 and self.opset >= 11]
        kinds += ["SpaceToDepth"][: space == 2 and not any(n % 2 for n in plane)]
        match self.pick(kinds):
            case "Tile":
                axis = self.whole(1, space + 1)
                counts = [2 if k == axis else 1 for k in range(space + 2)]
                value = self.node("Tile", value, self.numbers(counts))
            case "Gather":
                axis = self.whole(1, space + 1)
                extent = x.shape[axis]
                low = -extent if self.opset >= 11 else 0
                places = [self.whole(low, extent - 1) for _ in range(self.whole(1, 4))]
                value = self.node("Gather", value, self.numbers(places), axis=axis)
            case "DepthToSpace":
                value = self.node(
                    "DepthToSpace", value, blocksize=2, **self.some(mode=self.pick([None, "CRD"]))
                )
            case _:
                value = self.node("SpaceToDepth", value, blocksize=2)
        if self.one_in(2):
            operands = self.parameters(x.scale, x.zero, x.element)
            return replace(x, name=self.node("QuantizeLinear", value, *operands), shape=())
        return self.integers(value, (), x.scale * 128)

    def sloped(self, x: Integers) -> Integers:
        """PRelu, or a choice by place between the value and a constant."""
        x = x if len(x.shape) > 1 else self.spatial(x)
        if self.opset < 9 or self.one_in(2):
            shape = (x.shape[1], *(1,) * (len(x.shape) - 2))
            slopes = self.random.uniform(-0.2, 0.6, shape).astype(np.float32)
            value = self.node("PRelu", self.real(x), self.constant(slopes))
        else:
            mask = self.constant(self.random.integers(0, 2, x.shape).astype(bool))
            other = self.constant(np.float32(self.random.normal() * x.scale * 50))
            value = self.node("Where", mask, self.real(x), other)
        return self.integers(value, x.shape, x.scale * 128)
