"""Functions of wide sums that change ever more rarely the further from one integer: roundings of sums to floats of few bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.algebra import scalar
from hlsgen.algebra.expression import Call, Expression, Operand
from hlsgen.algebra.expression import Literal as Number
from hlsgen.algebra.logarithmic_steps import Cell, LogarithmicSteps, looked_up
from hlsgen.algebra.types import ElementType
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, NodeBuilder, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class LogarithmicFunction(TensorOp):
    """LogarithmicSteps of x times a factor, which is one, or one per channel (C,).

    Operands: x, factors, cells (number, 3) of both sides: threshold, below, above; the first ``positive`` are those of the positive side.
    """

    origin: int
    base: int
    bits: int
    positive: int
    element: ElementType

    place = "hardware"

    @classmethod
    def add(
        cls,
        build: NodeBuilder,
        value: str,
        factors: np.ndarray,
        steps: LogarithmicSteps,
        element: ElementType,
    ) -> str:
        """The value of ``steps`` of a value times its factors."""
        cells = np.array([*steps.positive, *steps.negative], np.int64)
        names = [build.integers(f"{value}_term", factors), build.integers("cells", cells)]
        op = cls(steps.origin, steps.base, steps.bits, len(steps.positive), element)
        return build.node(op, [value, *names])

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, factors, cells = inputs
        require(x.is_integer, self, "an integer operand", x)
        channels = x.shape[1] if len(x.shape) > 1 else 1
        require(factors.shape in ((1,), (channels,)), self, f"1 or {channels} factors", factors)
        require(cells.shape[0] >= self.positive, self, f"{self.positive} cells", cells)
        return TensorType(x.shape, self.element)

    def steps(self, cells: np.ndarray) -> LogarithmicSteps:
        """The scalar operator that this one applies, of its cells."""
        rows: list[Cell] = [(int(t), int(b), int(a)) for t, b, a in cells]
        sides = tuple(rows[: self.positive]), tuple(rows[self.positive :])
        return LogarithmicSteps(self.origin, self.base, self.bits, *sides)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, factors, cells = (xp.astype(array, xp.int64) for array in arrays)
        if factors.shape[0] > 1:
            factors = xp.reshape(factors, (1, -1, *(1,) * (x.ndim - 2)))
        away = x * factors - self.origin
        distance = xp.abs(away)
        above = looked_up(xp, distance, cells[: self.positive, :], self.base, self.bits)
        below = -above
        if cells.shape[0] > self.positive:
            below = looked_up(xp, distance, cells[self.positive :, :], self.base, self.bits)
        result = xp.where(away < 0, below, above)
        return xp.astype(result, xp.int64 if self.element.bits > 32 else xp.int32)

    def lower(self, build: Lowering) -> None:
        """An elementwise process; factors per channel are read from a store."""
        factors = build.constant(1)
        x: Expression = Operand("r0")
        parameters = [factors] if factors.size > 1 else []
        if factors.size > 1 or factors.flat[0] != 1:
            factor = Operand("r1") if factors.size > 1 else Number(int(factors.flat[0]))
            x = Call(scalar.Multiply(), (x, factor))
        expression = Call(self.steps(build.constant(2)), (x,))
        build.result(build.pointwise([build.channel(0)], parameters, expression, self.element))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        element = ElementType(19, True)
        starts = [*range(0, 64, 4), *(k << e for e in range(3, 14) for k in range(8, 16))]
        half = np.array([(start + 1, 9 * k, 9 * k + 9) for k, start in enumerate(starts)])
        sides = np.concatenate([half, half[:10] * [1, -1, -1]])
        x = TensorType((1, 3, 4, 5), ElementType(18, True))

        def case(factors: list[int], origin: int, cells: np.ndarray) -> Example:
            op = LogarithmicFunction(origin, 5, 3, len(half), element)
            types = [
                TensorType(array.shape, ElementType(20, True))
                for array in (np.array(factors), cells)
            ]
            return Example(op, (x, *types), {1: np.array(factors), 2: cells})

        return case([1], 0, half), case([3], -77, sides), case([7, 3, 9], 5, half)
