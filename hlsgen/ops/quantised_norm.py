"""Normalisations of 8-bit integers: exact sums and sums of squares, a square root in fixed point, and one quotient for each element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod, sqrt
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
    broadcast,
    require,
)
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.tensor_type import AnyArray, TensorType

FINEST = 14
"""Bits of the root behind its point, at most."""
LARGEST_SUM, LARGEST_PARAMETER = 2.0**40, 2.0**14
"""Of epsilon in steps of n squared times a variance, and of gain and offset in steps of the result: beyond, nothing is left of a model."""
NEAR = 1 / 16
"""By so much of a step of the result at most the fixed point may move it, if finer bits allow."""


@dataclass(frozen=True)
class QuantisedNorm(TensorOp):
    """clamp(floor((u * gain + (d * offset >> bits)) / d + 1/2), low, high) over runs of n elements along ``axes``.

    u = n * (x - zero) and v = n * sum((x - zero)**2); of a ``centred`` one, zero is 0, u = n * x - sum(x) and v = n * sum(x**2) - sum(x)**2.
    d = floor(sqrt(4**bits * v + epsilon)). Gain and offset are integers in steps of 2**-bits of a step of the result; ``epsilon`` likewise.
    """

    axes: tuple[int, ...]
    centred: bool
    zero: int
    bits: int
    epsilon: int
    low: int
    high: int
    element: ElementType

    place = "hardware"

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, *parameters = inputs
        narrow = x.is_integer and x.integer.bits <= 8
        require(narrow, self, "integers of at most 8 bits", x)
        for parameter in parameters:
            whole = broadcast(self, parameter.shape, x.shape)
            require(whole == x.shape, self, f"parameters that broadcast to {x}", parameter)
        return TensorType(x.shape, self.element)

    def count(self, shape: tuple[int, ...]) -> int:
        """Elements of a run."""
        return prod(shape[axis] for axis in self.axes)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, gain, offset = (xp.astype(array, xp.int64) for array in arrays)
        x = x - self.zero
        count = self.count(x.shape)
        squares = count * xp.sum(x * x, axis=self.axes, keepdims=True)
        total = xp.sum(x, axis=self.axes, keepdims=True) if self.centred else 0
        root = self.root.evaluate(xp, squares - total * total)
        numerator = (count * x - total) * gain + ((root * offset) >> self.bits)
        return scalar.Divide(self.low, self.high).evaluate(xp, numerator, root)

    @property
    def root(self) -> scalar.SquareRoot:
        """The root of a run's v."""
        return scalar.SquareRoot(self.bits, self.epsilon)

    def lower(self, build: Lowering) -> None:
        """Sums and squares of every run, their root, and the quotients: the run stays in buffers meanwhile."""
        channel, length, position = build.runs(self.axes)
        squares = build.run_squares(channel, length, self.zero)
        count = Literal(length)
        v: Expression = Call(scalar.Multiply(), (Operand("r0"), count))
        statistics = [squares]
        if self.centred:
            statistics.append(build.run_sum(channel, length))
            square = Call(scalar.Multiply(), (Operand("r1"), Operand("r1")))
            v = Call(scalar.Subtract(), (v, square))
        u: Expression = Operand("r0")
        if self.zero:
            u = Call(scalar.Subtract(), (u, Literal(self.zero)))
        u = Call(scalar.Multiply(), (u, count))
        if self.centred:
            u = Call(scalar.Subtract(), (u, Operand("r2")))
        largest = length * length * max(abs(end) for end in self._ends(build.type(0))) ** 2
        most = self.root.result(ElementType.holding(0, largest))
        v = Call(scalar.Clamp(0, largest), (v,))  # never less or more: that narrows its type
        roots = build.pointwise(statistics, (), Call(self.root, (v,)), most)
        sources = [channel, roots, *statistics[1:]]
        gain, offset, parameters = self._parameters(build, position, length, len(sources))
        shift = scalar.ShiftRight(self.bits)
        scaled = Call(scalar.Multiply(), (u, gain))
        raised = Call(shift, (Call(scalar.Multiply(), (Operand("r1"), offset)),))
        whole = Call(scalar.Add(), (scaled, raised))
        result = Call(scalar.Divide(self.low, self.high), (whole, Operand("r1")))
        build.result(
            build.run_pointwise(sources, length, result, self.element, parameters), position
        )

    def _ends(self, x: TensorType) -> tuple[int, int]:
        return x.integer.minimum - self.zero, x.integer.maximum - self.zero

    def _parameters(
        self, build: Lowering, position: np.ndarray, length: int, first: int
    ) -> tuple[Expression, Expression, np.ndarray | None]:
        """Gain and offset as expressions, and those that are not one number (number, runs, length), which are operands from ``first`` on."""
        expressions: list[Expression] = []
        varying: list[np.ndarray] = []
        for number in (1, 2):
            values = build.constant(number)
            if np.all(values == values.reshape(-1)[0]):
                expressions.append(Literal(int(values.reshape(-1)[0])))
                continue
            streamed = np.empty(position.size, np.int64)
            streamed[position.reshape(-1)] = np.broadcast_to(values, position.shape).reshape(-1)
            expressions.append(Operand(f"r{first + len(varying)}"))
            varying.append(streamed.reshape(-1, length))
        return expressions[0], expressions[1], np.stack(varying) if varying else None

    @staticmethod
    def examples() -> tuple[Example, ...]:
        random = np.random.default_rng(8)

        def case(
            shape: tuple[int, ...],
            axes: tuple[int, ...],
            element: ElementType,
            own: tuple[int, ...],
            centred: bool = True,
        ) -> Example:
            gain = random.integers(-(20 << 10), 40 << 10, own)
            offset = random.integers(-(20 << 10), 20 << 10, own)
            wide = ElementType(17, True)
            zero = 0 if centred else 7
            op = QuantisedNorm(
                axes, centred, zero, 10, 5 << 20, element.minimum, element.maximum, element
            )
            types = TensorType(shape, element), TensorType(own, wide), TensorType(own, wide)
            return Example(op, types, {1: gain, 2: offset})

        return (
            case((1, 3, 8), (2,), U8, (8,)),
            case((1, 3, 5), (2,), S8, (1,), False),
            case((1, 4, 3, 2), (2, 3), S8, (4, 1, 1)),
            case((1, 2, 6), (2,), U8, (1, 2, 6)),
            case((1, 7), (1,), S8, (7,)),
        )


def reals(value: QuantisedValue) -> np.ndarray | None:
    """The reals of a constant operand quantised per tensor, or not at all; None for others."""
    if value.constant is None or not value.quantisation.per_tensor:
        return None
    if not value.type.is_integer:
        return value.constant
    zero, scale = value.quantisation.zero_point[0], value.quantisation.scales()[0]
    return (value.constant.astype(np.float32) - zero) * scale


def quantised_norm(
    build: NodeBuilder,
    x: QuantisedValue,
    axes: tuple[int, ...],
    centred: bool,
    epsilon: float,
    parameters: Sequence[np.ndarray | None],
    output: QuantisedOutput,
) -> str | Reason:
    """A normalisation between Dequantize and Quantize, by fixed point with a bound: less than half a step next to the real result.

    ``parameters``: gain and offset as reals that broadcast to x.
    """
    failed = unless_of_eight_bits(x, axes, output) or unless(
        (epsilon > 0, f"epsilon is {epsilon:g}"),
        (all(p is not None for p in parameters), "its gain or offset is not constant"),
    )
    if failed is not None:
        return failed
    step, result = float(x.quantisation.scale[0]), float(output.scale)
    gain, offset = (np.asarray(p, np.float64) / result for p in parameters if p is not None)
    offset = offset + output.zero_point
    count = prod(x.type.shape[axis] for axis in axes)
    added = epsilon * (count / step) ** 2
    largest = max(float(np.abs(values).max(initial=0)) for values in (gain, offset))
    if not (added < LARGEST_SUM and largest < LARGEST_PARAMETER):  # or not a number
        return Reason(f"its epsilon is {added:.3g} steps of its sums, or its gain is {largest:.3g}")
    bits = 8
    ends = np.array([[output.low], [output.high]])
    reach = float(np.abs(ends - offset.reshape(-1)).max()) + 1
    while (error := _error(count, added, reach, bits)) > NEAR and bits < FINEST:
        bits += 1
    if error >= 0.5:
        return Reason(f"in fixed point it would be {error:.2g} steps of its result off")
    zero = 0 if centred else x.quantisation.zero_point[0]
    widest = max(abs(x.type.integer.minimum - zero), abs(x.type.integer.maximum - zero))
    if ((count * widest) ** 2 + added) * 4**bits >= 2**62:
        return Reason(f"the squares of {count} elements leave 62 bits")
    fixed = max(1, round(added * 4**bits))
    op = QuantisedNorm(axes, centred, zero, bits, fixed, output.low, output.high, output.element)
    operands = [x.name]
    for name, values in (("gain", gain), ("offset", offset)):
        integers = np.rint(np.ldexp(values, bits)).astype(np.int64)
        operands.append(build.integers(f"{x.name}_{name}", integers))
    return build.node(op, operands)


def _error(count: int, added: float, reach: float, bits: int) -> float:
    """The most by which gain, offset, epsilon and root, rounded, move a result at most ``reach`` from its offset.

    The least v but 0 is count - 1, and 1 where nothing is taken off; u**2 is at most count * v.
    """
    least = max(1.0, count - 1.0) + added
    root = sqrt(least) * 2.0**bits
    relative = 1 / root + 0.5 / (least * 4.0**bits)
    return relative * reach + (sqrt(count) * 0.5 + 0.5 + 1 / root) / 2**bits
