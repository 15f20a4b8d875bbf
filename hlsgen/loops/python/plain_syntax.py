"""Shorter forms of Python in those that are read: annotated assignments, powers, membership in constants, lists by comprehension."""

from __future__ import annotations

import ast
import copy
from typing import Any

from hlsgen.loops.python.guards import names_in
from hlsgen.loops.python.ranges import ConstantValue, located

MOST_FACTORS = 16
"""The greatest exponent: a power is that many products less one."""


def in_plain_syntax(function: ast.FunctionDef, constant: ConstantValue) -> ast.FunctionDef:
    """The function in longer forms, wherever it has one of these; ``constant`` gives values of expressions."""
    plain = _Plain(set(names_in([function])), constant).visit(copy.deepcopy(function))
    assert isinstance(plain, ast.FunctionDef)
    return ast.fix_missing_locations(plain)


class _Plain(ast.NodeTransformer):
    def __init__(self, names: set[str], constant: ConstantValue) -> None:
        self.names, self.constant = names, constant

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """``total: int = 0`` is ``total = 0``."""
        if node.value is None:
            return located(ast.Pass(), node)
        return self.visit(located(ast.Assign([node.target], node.value), node))

    def visit_Assign(self, node: ast.Assign) -> Any:
        """``s = [f(k) for k in range(8)]`` is a list whose items are assigned in a loop."""
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.ListComp(
                    elt=value,
                    generators=[
                        ast.comprehension(
                            target=ast.Name(id=counter),
                            iter=ast.Call(func=ast.Name(id="range"), args=[count]),
                            ifs=[],
                        )
                    ],
                ),
            ) if self.constant(count) and name not in names_in([value]):
                own = self._unused(counter)
                named = _Renamed(counter, own).visit(copy.deepcopy(value))
                zeros = ast.BinOp(ast.List([ast.Constant(0)], ast.Load()), ast.Mult(), count)
                place = ast.Subscript(
                    ast.Name(name, ast.Load()), ast.Name(own, ast.Load()), ast.Store()
                )
                body: list[ast.stmt] = [located(ast.Assign([place], self.visit(named)), node)]
                over = ast.Call(ast.Name("range", ast.Load()), [count], [])
                loop = ast.For(ast.Name(own, ast.Store()), over, body, [])
                return [
                    located(ast.Assign(node.targets, zeros), node),
                    located(loop, node),
                ]
        return self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """``x ** 3`` is ``x * x * x``."""
        self.generic_visit(node)
        exponent = self.constant(node.right) if isinstance(node.op, ast.Pow) else None
        if exponent is None or not 1 <= exponent <= MOST_FACTORS or self.constant(node) is not None:
            return node
        power: ast.expr = node.left
        for _ in range(exponent - 1):
            power = ast.BinOp(power, ast.Mult(), copy.deepcopy(node.left))
        return ast.copy_location(power, node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        """``x in (1, 2)`` is ``x == 1 or x == 2``."""
        self.generic_visit(node)
        match node:
            case ast.Compare(
                ops=[ast.In() | ast.NotIn() as op],
                comparators=[
                    ast.Tuple(elts=candidates)
                    | ast.List(elts=candidates)
                    | ast.Set(elts=candidates)
                ],
            ) if candidates:
                is_in = isinstance(op, ast.In)
                kind = ast.Eq if is_in else ast.NotEq
                tests: list[ast.expr] = [
                    ast.Compare(copy.deepcopy(node.left), [kind()], [candidate])
                    for candidate in candidates
                ]
                joined = ast.BoolOp(ast.Or() if is_in else ast.And(), tests)
                return ast.copy_location(tests[0] if len(tests) == 1 else joined, node)
        return node

    def _unused(self, stem: str) -> str:
        while stem in self.names:
            stem += "_"
        self.names.add(stem)
        return stem


class _Renamed(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return (
            ast.copy_location(ast.Name(self.new, node.ctx), node) if node.id == self.old else node
        )
