"""Expressions: trees of scalar operators over named operands and integer constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hlsgen.algebra.scalar import ScalarOp
from hlsgen.algebra.types import ElementType


@dataclass(frozen=True)
class Operand:
    """A value by name: ``acc``, or ``r<k>``, the k-th read of a process."""

    name: str


@dataclass(frozen=True)
class Literal:
    """An integer constant."""

    value: int


@dataclass(frozen=True)
class Call:
    """A scalar operator applied to ``arguments``."""

    op: ScalarOp
    arguments: tuple[Expression, ...]


Expression: TypeAlias = Operand | Literal | Call


def operand_names(expression: Expression) -> set[str]:
    """The operands ("acc", "r0", ...) that an expression mentions."""
    match expression:
        case Operand(name):
            return {name}
        case Literal():
            return set()
        case Call(_, arguments):
            return set().union(*(operand_names(argument) for argument in arguments))


def expression_type(expression: Expression, operands: Mapping[str, ElementType]) -> ElementType:
    """The narrowest type that the operators' rules allow for the value; ``operands``: the types of its operands."""
    match expression:
        case Operand(name):
            return operands[name]
        case Literal(value):
            return ElementType.holding(value, value)
        case Call(op, arguments):
            return op.result(*(expression_type(argument, operands) for argument in arguments))
