"""What single statements and expressions of a kernel say of its variables, before anything is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hlsgen.algebra.types import ElementType
from hlsgen.loops.python.constants import integer_of
from hlsgen.loops.python.functions import names_of
from hlsgen.loops.python.guards import names_in
from hlsgen.loops.python.nest import assigned, base_of
from hlsgen.loops.python.ranges import ConstantValue
from hlsgen.loops.python.signature import Signature

Bounds = tuple[int | None, int | None]


@dataclass(frozen=True)
class Facts:
    """What is known of a kernel's names: ``constant`` gives values of expressions, ``elements`` types of arrays; ``word`` of all else."""

    constant: ConstantValue
    elements: Mapping[str, ElementType]
    word: ElementType

    def bounds(self, node: ast.expr) -> Bounds:
        """The least and the greatest value, each None where nothing is known."""
        value = self.constant(node)
        if value is not None:
            return value, value
        match node:
            case ast.Subscript() | ast.Name() if base_of(node) in self.elements:
                element = self.elements[str(base_of(node))]
                return element.minimum, element.maximum
            case ast.Call(func=ast.Name(id="min" | "max" as name), args=arguments):
                lows, highs = zip(*map(self.bounds, arguments), strict=True)
                known_lows = [n for n in lows if n is not None]
                known_highs = [n for n in highs if n is not None]
                if name == "min":
                    low = min(known_lows) if len(known_lows) == len(lows) else None
                    return low, min(known_highs, default=None)
                high = max(known_highs) if len(known_highs) == len(highs) else None
                return max(known_lows, default=None), high
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                (a, b), (c, d) = self.bounds(left), self.bounds(right)
                if isinstance(op, ast.Sub):
                    c, d = (None if d is None else -d), (None if c is None else -c)
                low = None if a is None or c is None else a + c
                return low, None if b is None or d is None else b + d
            case ast.BinOp(op=ast.BitAnd(), right=mask) if (self.constant(mask) or -1) >= 0:
                return 0, self.constant(mask)
        return None, None


def moved_by(statement: ast.stmt, name: str, constant: ConstantValue) -> int | None:
    """By how much a statement, which does nothing else, moves a variable: ``i += 2``, ``i = i - 1``; None where it is no such statement."""
    match statement:
        case ast.AugAssign(target=ast.Name(id=target), op=op, value=amount) if target == name:
            pass
        case ast.Assign(
            targets=[ast.Name(id=target)],
            value=ast.BinOp(left=ast.Name(id=source), op=op, right=amount),
        ) if target == source == name:
            pass
        case _:
            return None
    value = constant(amount)
    if not value or not isinstance(op, ast.Add | ast.Sub):
        return None
    return value if isinstance(op, ast.Add) else -value


def values_given(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Variables that a statement assigns, each with its value; of ``v >>= 1`` the value is ``v >> 1``."""
    match statement:
        case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
            yield name, ast.BinOp(ast.Name(name, ast.Load()), op, value)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            for target, value in zip(targets, values, strict=False):
                if isinstance(target, ast.Name):
                    yield target.id, value


def has_continue(statements: Sequence[ast.stmt]) -> bool:
    """Whether a ``continue`` of the loop around, not of one inside, is in statements."""
    return any(
        isinstance(statement, ast.Continue)
        or (isinstance(statement, ast.If) and has_continue([*statement.body, *statement.orelse]))
        for statement in statements
    )


def times_stored(nodes: Sequence[ast.AST], name: str) -> int:
    """How often a variable is assigned, as a counter of a loop too."""
    return sum(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
        for statement in nodes
        for node in ast.walk(statement)
    )


def constants_of(signature: Signature) -> ConstantValue:
    """Values of constant expressions wherever they stand in a kernel."""
    names = {**names_of(signature.function), **signature.constants}
    return lambda node: integer_of(node, names, signature.parameters)


def facts_of(signature: Signature, function: ast.FunctionDef) -> Facts:
    """What is known before anything is executed: a name that the kernel assigns is not the constant of that name outside."""
    constant = constants_of(signature)
    elements = {name: array.element for name, array in signature.parameters.items()}
    own = assigned(function.body) - elements.keys()

    def value(node: ast.expr) -> int | None:
        return None if own & frozenset(names_in([node])) else constant(node)

    return Facts(value, elements, signature.word)
