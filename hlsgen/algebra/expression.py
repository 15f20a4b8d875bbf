"""Expressions: trees of scalar operators over named operands and integer constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hlsgen.algebra.scalar import ScalarOp


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
