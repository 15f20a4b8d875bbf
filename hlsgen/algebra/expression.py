"""Expressions: trees of scalar operators over named operands and integer constants."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from hlsgen.algebra.scalar import SCALAR_OPS, ScalarOp
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


def evaluated(xp: Any, expression: Expression, operands: Mapping[str, Any]) -> Any:
    """The value, in an array namespace, of an expression whose operands ("acc", "r0", ...) have these values; literals are Python integers."""
    match expression:
        case Operand(name):
            return operands[name]
        case Literal(value):
            return value
        case Call(op, arguments):
            return op.evaluate(xp, *(evaluated(xp, part, operands) for part in arguments))


def substituted(expression: Expression, replaced: Mapping[str, Expression]) -> Expression:
    """The expression with operands replaced by name; others stay."""
    match expression:
        case Operand(name):
            return replaced.get(name, expression)
        case Literal():
            return expression
        case Call(op, arguments):
            return Call(op, tuple(substituted(part, replaced) for part in arguments))


def expression_text(expression: Expression) -> str:
    """E.g. ``Add(acc, Multiply(r0, r1))``; the operator's constants follow its operands as ``name=value``."""
    match expression:
        case Operand(name):
            return name
        case Literal(value):
            return str(value)
        case Call(op, arguments):
            parts = [expression_text(argument) for argument in arguments]
            parts += [f"{name}={value}" for name, value in op.parameters]
            return f"{op.name}({', '.join(parts)})"


def parse_expression(text: str) -> Expression:
    """The expression whose text form is ``text``; raises ValueError, KeyError, SyntaxError, TypeError or TypeMismatch for other texts."""
    return read_expression(ast.parse(text.strip(), mode="eval").body)


def read_expression(node: ast.expr) -> Expression:
    """The same for a text that is parsed already."""
    match node:
        case ast.Name(id=name) if re.fullmatch(r"acc|r\d+", name):
            return Operand(name)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            parameters = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in keywords}
            return Call(
                _OPS[name](**parameters), tuple(read_expression(argument) for argument in arguments)
            )
    value = ast.literal_eval(node)
    if not isinstance(value, int):
        raise ValueError(f"no operand: {ast.unparse(node)}")
    return Literal(value)


_OPS = {op.__name__: op for op in SCALAR_OPS}
