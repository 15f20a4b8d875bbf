"""Any function of integers at one place that scalar operators make."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hlsgen.algebra.expression import (
    Expression,
    Literal,
    Operand,
    evaluated,
    expression_text,
    expression_type,
    operand_names,
    parse_expression,
    substituted,
)
from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, TensorOp, broadcast, require
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class ElementFormula(TensorOp):
    """``expression`` of the operands r0, r1, ... at each place, with ONNX's broadcasting; some may be constant. Its text is that of dataflows."""

    expression: str
    element: ElementType

    place = "hardware"

    @classmethod
    def of(cls, expression: Expression, element: ElementType) -> ElementFormula:
        """The operator of an expression."""
        return cls(expression_text(expression), element)

    @cached_property
    def tree(self) -> Expression:
        """The expression."""
        return parse_expression(self.expression)

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return len({len(type.shape) for type in inputs}) == 1

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        integers = all(x.is_integer for x in inputs)
        require(integers, self, "integer operands", " and ".join(map(str, inputs)))
        known = {f"r{k}" for k in range(len(inputs))}
        names = operand_names(self.tree)
        require(names == known, self, f"a formula of {len(inputs)} operands", sorted(names))
        types = {
            f"r{k}": _own(x, c) for k, (x, c) in enumerate(zip(inputs, constants, strict=True))
        }
        whole = expression_type(self.tree, types)
        fits = self.element.minimum <= whole.minimum and whole.maximum <= self.element.maximum
        require(fits, self, f"a result that fits {self.element}", whole)
        return TensorType(broadcast(self, *(x.shape for x in inputs)), self.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        operands = {f"r{k}": xp.astype(array, xp.int64) for k, array in enumerate(arrays)}
        return evaluated(xp, self.tree, operands)

    def lower(self, build: Lowering) -> None:
        """An elementwise process. One operand alone is taken in whatever order it is; others are brought to the order of the result."""
        shape = build.output_type.shape
        fixed = {k: c for k in range(build.operands) if (c := build.known(k)) is not None}
        moving = [k for k in range(build.operands) if k not in fixed]
        position = None
        alone = len(moving) == 1 and build.type(moving[0]).shape == shape
        if alone and all(constant.size == 1 for constant in fixed.values()):
            operand = build.operand(moving[0])
            sources, position = [operand.channel], operand.position
        else:
            sources = build.broadcast(moving, shape)
        replaced: dict[str, Expression] = {f"r{k}": Operand(f"r{n}") for n, k in enumerate(moving)}
        parameters: list[np.ndarray] = []
        for k, constant in fixed.items():
            if constant.size == 1:
                replaced[f"r{k}"] = Literal(int(constant.reshape(-1)[0]))
                continue
            replaced[f"r{k}"] = Operand(f"r{len(sources) + len(parameters)}")
            parameters.append(np.broadcast_to(constant, shape))
        ordered = build.as_streamed(parameters)
        tree = substituted(self.tree, replaced)
        build.result(build.pointwise(sources, ordered, tree, self.element), position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        def case(text: str, element: ElementType, *types: TensorType, **fixed: Any) -> Example:
            constants = {int(name[1:]): np.array(value) for name, value in fixed.items()}
            return Example(ElementFormula(text, element), types, constants)

        x, y = TensorType((1, 3, 2, 5), S8), TensorType((1, 3, 2, 5), U8)
        row, flat = TensorType((1, 3, 1, 1), S8), TensorType((1, 5), S8)
        wide = ElementType(18, True)
        three = np.array([5, -7, 9]).reshape(1, 3, 1, 1)
        every = np.arange(30).reshape(1, 3, 2, 5) - 11
        return (
            case("Multiply(r0, Add(r0, 3))", wide, x),
            case("Subtract(r0, r1)", wide, x, y),
            case("Maximum(r0, r1)", wide, x, row),
            case("Multiply(r0, r1)", wide, x, row, r1=three),
            case("Multiply(r0, r1)", wide, x, x, r1=every),
            case("Clamp(ShiftRight(r0, bits=2), low=-3, high=9)", S8, flat),
        )


def _own(x: TensorType, constant: np.ndarray | None) -> ElementType:
    """The type of an operand; of a constant the narrowest that holds it."""
    if constant is None or not constant.size:
        return x.integer
    return ElementType.holding(int(constant.min()), int(constant.max()))
