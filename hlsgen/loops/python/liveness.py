"""Which variables still matter at a point of a kernel: those that are read after it, before they are assigned.

The classic backward analysis (Aho, Lam, Sethi & Ullman, "Compilers", 2007, section 9.2.5) on structured statements.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from hlsgen.loops.python.nest import Bind, Guarded, Item, SourceLoop


def live_before(statements: Sequence[Item | ast.stmt], live: frozenset[str]) -> frozenset[str]:
    """What is live before some statements, given what is ``live`` after them. Names of arrays and functions count as read, too."""
    for statement in reversed(statements):
        match statement:
            case Bind():
                live -= {statement.variable}
            case SourceLoop():
                live = _before_loop(statement, live)
            case Guarded(conditions, body):
                tests = [test.id for test in conditions if isinstance(test, ast.Name)]
                live |= live_before(body, live) | frozenset(tests)
            case ast.If():
                branches = live_before(statement.body, live) | live_before(statement.orelse, live)
                live = branches | _read(statement.test)
            case ast.Assign():
                killed = {node.id for node in _stored(statement) if isinstance(node, ast.Name)}
                live = (live - killed) | _read(statement)
            case ast.AugAssign(target=ast.Name(id=name)):
                live |= _read(statement) | {name}
            case _:
                assert isinstance(statement, ast.stmt)
                live |= _read(statement)
    return live


def _before_loop(loop: SourceLoop, live: frozenset[str]) -> frozenset[str]:
    """A loop has one trip at least; what one trip leaves to the next is live at its end as well."""
    while True:
        before = live_before(loop.body, live)
        if before <= live:
            return before
        live |= before


def _read(node: ast.AST) -> frozenset[str]:
    return frozenset(
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
    )


def _stored(statement: ast.Assign) -> list[ast.expr]:
    """The targets, those of tuples one by one."""
    targets = list(statement.targets)
    for target in targets:
        if isinstance(target, ast.Tuple | ast.List):
            targets += target.elts
    return targets
