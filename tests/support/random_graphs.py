"""Random quantised networks: branches, residuals, joins of two values, groups, odd shapes, 1-D and 2-D; deterministic for a seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx

from support.random_functions import RandomFunctions
from support.random_operators import KINDS
from support.random_values import Integers

MOST_ELEMENTS = 600
"""Of a value that more is made of."""


class RandomGraphs(RandomFunctions):
    """Operators of one value besides those of ``RandomFunctions``, and of two."""

    def resized(self, x: Integers) -> Integers:
        """Twice as large, cut, padded, or a part along an axis; with the scale of the operand or another."""
        x = self.spatial(x)
        space = len(x.shape) - 2
        match self.pick(["Resize", "Slice", "Pad", "Split"]):
            case "Resize" if self.opset >= 11:
                scales = self.constant(np.array([1, 1, *[2] * space], np.float32))
                how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
                empty = self.constant(np.zeros(0, np.float32))
                value = self.node("Resize", self.real(x), empty, scales, mode="nearest", **how)
            case "Pad" if self.opset >= 11:
                pads = [0, 0, *(self.whole(0, 2) for _ in range(space))]
                value = self.node("Pad", self.real(x), self.numbers([*pads, *pads[::-1]]))
            case "Split" if self.opset >= 13 and x.shape[1] % 2 == 0:
                half = x.shape[1] // 2
                value = self.node("Slice", self.real(x), *map(self.numbers, ([half], [99], [1])))
            case _:
                axis = self.pick(range(1, len(x.shape)))
                start = self.whole(0, x.shape[axis] - 1)
                ends = map(self.numbers, ([start], [1 << 20], [axis]))
                value = self.node("Slice", self.real(x), *ends)
        spread = x.scale * 128
        if self.one_in(2):
            operands = self.parameters(x.scale, x.zero, x.element)
            return replace(x, name=self.node("QuantizeLinear", value, *operands), shape=())
        return self.integers(value, (), spread)

    def excited(self, x: Integers) -> Integers:
        """Channels weighed by what their means say."""
        x = self.spatial(x)
        channels = x.shape[1]
        mean = self.integers(self.node("GlobalAveragePool", self.real(x)), (), x.scale * 64)
        weights, scales = self.filters((channels, channels, *(1,) * (len(x.shape) - 2)), 0)
        spread = float(mean.scale * scales.mean() * 5000 * channels**0.5)
        gates = self.integers(self.node("Conv", self.real(mean), weights), (), spread)
        gates = self.integers(self.node("Sigmoid", self.real(gates)), (), 1.0)
        return self.integers(self.node("Mul", self.real(x), self.real(gates)), x.shape, spread)

    def joined(self, a: Integers, b: Integers) -> Integers:
        """Two values of one shape combined; others flattened and put together."""
        spread = max(a.scale, b.scale) * 128
        if a.shape == b.shape and not self.one_in(4):
            operator = self.pick(["Add", "Add", "Add", "Sub", "Mul", "Max", "Min", "Div"])
            spread *= 64 * min(a.scale, b.scale) if operator == "Mul" else 2
            value = self.node(operator, self.real(a), self.real(b))
            return self.integers(self.activated(value, spread), a.shape, spread)
        axis = next((k for k in range(1, len(a.shape)) if _differ(a, b, k)), None)
        if axis is None:
            a, b, axis = self.flat(a), self.flat(b), 1
        value = self.node("Concat", self.real(a), self.real(b), axis=axis)
        return self.integers(value, (), spread)


def _differ(a: Integers, b: Integers, axis: int) -> bool:
    """Whether two shapes are the same but perhaps for one axis."""
    others = [[n for k, n in enumerate(x.shape) if k != axis] for x in (a, b)]
    return len(a.shape) == len(b.shape) and others[0] == others[1]


SINGLE: dict[str, Any] = {
    **{name: kind for name, kind in KINDS.items() if name != "qlinear"},
    "function": RandomGraphs.function,
    "reduced": RandomGraphs.reduced,
    "norm": RandomGraphs.norm,
    "transposed": RandomGraphs.transposed,
    "moved": RandomGraphs.moved,
    "sloped": RandomGraphs.sloped,
    "resized": RandomGraphs.resized,
    "excited": RandomGraphs.excited,
}


def random_graph(seed: int) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A network of 4 to 9 operators and joins of what they give, and samples for it."""
    build = RandomGraphs(seed * 977 + 5, rank=[3, 4, 4, 2][seed % 4])
    values, read = [build.input], set()
    for _ in range(build.whole(4, 9)):
        a, b = (values[-1 - min(build.whole(0, 3), len(values) - 1)] for _ in range(2))
        if a is not b and build.one_in(2):
            value = build.joined(a, b)
            read |= {a.name, b.name}
        else:
            value = SINGLE[build.pick(list(SINGLE))](build, a)
            read.add(a.name)
        value = build.sized(value)
        usable = value.shape and value.element != "s32"
        if usable and np.prod(value.shape) <= MOST_ELEMENTS:
            values.append(value)
    ends = [value for value in values if value.name not in read] or values[-1:]
    last = ends[0]
    for other in ends[1:4]:
        last = build.sized(build.joined(last, other))
    return build.finish(build.real(last) if build.one_in(4) else last.name), build.samples(3)
