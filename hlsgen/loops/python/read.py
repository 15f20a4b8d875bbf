"""From the source of a function to its top-level loops. What is no loop, scalar or array statement is refused here."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from hlsgen.algebra.affine import Affine
from hlsgen.errors import BadFile
from hlsgen.loops.python.constants import integer_of
from hlsgen.loops.python.functions import names_of
from hlsgen.loops.python.nest import Bind, Item, Loop, Nest
from hlsgen.loops.python.refusals import shown, unsupported
from hlsgen.loops.python.signature import Signature

STATEMENTS = (ast.Assign, ast.AugAssign, ast.If, ast.Pass)


def read_nests(signature: Signature) -> tuple[Nest, ...]:
    """The top-level loops of a kernel in order. Raises UnsupportedOp with file, line and reason."""
    function = definition(signature)
    reader = _Reader(signature)
    reader.refuse_names(function)
    constants = dict(signature.constants)
    nests: list[Nest] = []
    for statement in function.body:
        if _is_remark(statement):
            continue
        if isinstance(statement, ast.For):
            for name in _assigned([statement]):  # a variable, even if it was constant before
                reader.names.pop(name, None)
            loops = reader.loop(statement)
            if not (len(loops) == 1 and isinstance(loops[0], Loop)):
                raise reader.refuse(
                    statement,
                    "a loop that stays one",
                    "an unrolled one",
                    "Unroll inner loops only.",
                )
            nests.append(Nest(loops[0], dict(constants), reader.where))
            for name in _assigned([statement]):
                constants.pop(name, None)
            continue
        names, value = reader.constant_assignment(statement)
        constants |= dict.fromkeys(names, value)
    if not nests:
        raise reader.refuse(
            function, "at least one loop", "none", "A kernel is a loop over arrays."
        )
    return tuple(nests)


def definition(signature: Signature) -> ast.FunctionDef:
    """The syntax of the function, with the line numbers of its file."""
    try:
        lines, first = inspect.getsourcelines(signature.function)
    except (OSError, TypeError) as error:
        raise BadFile(
            f"kernel {signature.name}",
            f"expected its source in a file, found none ({error})",
            "Write the kernel in a file.",
        ) from None
    tree = ast.parse(textwrap.dedent("".join(lines)))
    ast.increment_lineno(tree, first - 1)
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef), "kernels are refused where they are decorated"
    return function


def _is_remark(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _assigned(statements: Sequence[ast.stmt]) -> set[str]:
    return {
        node.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


class _Reader:
    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.where = f"{signature.path}, kernel {signature.name}"
        self.names: dict[str, Any] = {**names_of(signature.function), **signature.constants}
        self.loop_names: set[str] = set()

    def refuse_names(self, function: ast.FunctionDef) -> None:
        """Raise where an array's name gets another meaning, and for names that circuits cannot have."""
        for node in ast.walk(function):
            if not isinstance(node, ast.Name):
                continue
            if not node.id.isascii():
                raise self.refuse(
                    node,
                    "names of ASCII letters, digits and underscores",
                    repr(node.id),
                    "Rename it: circuits and their files use these names.",
                )
            if isinstance(node.ctx, ast.Store) and node.id in self.signature.parameters:
                raise self.refuse(
                    node,
                    f"{node.id} to stay the array that it is",
                    f"an assignment to {node.id}",
                    "Use a variable of another name.",
                )

    def refuse(self, node: ast.AST, expected: str, found: str, advice: str) -> Exception:
        return unsupported(self.where, node, expected, found, advice)

    def constant_assignment(self, statement: ast.stmt) -> tuple[list[str], int]:
        """Scalars that have a value before a top-level loop."""
        names: list[str] = []
        value = None
        if isinstance(statement, ast.Assign):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            if len(names) == len(statement.targets):
                value = self._integer(statement.value)
        if value is None:
            raise self.refuse(
                statement,
                "loops, and constants for scalar variables, at the top level",
                shown(statement),
                "Move the statement into a loop; pass results from loop to loop in arrays.",
            )
        self.names |= dict.fromkeys(names, value)
        return names, value

    def loop(self, node: ast.For) -> list[Item]:
        """A loop; or, unrolled, its body as often as it has trips."""
        if not isinstance(node.target, ast.Name) or node.orelse:
            raise self.refuse(
                node, "'for name in range(...):' without else", shown(node), "Rewrite the loop."
            )
        call = node.iter
        unrolled = _is_call(call, "unroll")
        if unrolled:
            assert isinstance(call, ast.Call)
            call = call.args[0] if len(call.args) == 1 else call
        first, extent, step = self._range(node, call)
        variable = node.target.id
        if unrolled:
            copies: list[Item] = []
            for trip in range(extent):
                value = first + step * trip
                copies.append(Bind(variable, Affine(value)))
                # A counter that its own body assigns is no constant there.
                bound = {} if variable in _assigned(node.body) else {variable: value}
                copies += self._body(node.body, bound)
            return copies
        name = next(
            name
            for k in range(len(self.loop_names) + 1)
            if (name := f"{variable}{k or ''}") not in self.loop_names
        )
        self.loop_names.add(name)
        terms = ((name, step),) if step else ()
        body = [Bind(variable, Affine(first, terms)), *self._body(node.body, {})]
        return [Loop(name, extent, tuple(body), node.lineno)]

    def _range(self, node: ast.For, call: ast.expr) -> tuple[int, int, int]:
        """(first, trips, step)."""
        if not (_is_call(call, "range") and isinstance(call, ast.Call) and not call.keywords):
            raise self.refuse(
                node, "a loop over range(...)", shown(node.iter), "Loop over indices."
            )
        bounds = [self._integer(argument) for argument in call.args]
        if None in bounds or not 1 <= len(bounds) <= 3 or bounds[2:] == [0]:
            raise self.refuse(
                node,
                "constant bounds of a loop, and a step that is not 0",
                shown(node.iter),
                "Loop to the largest bound, and guard the body with 'if'.",
            )
        trips = range(*(bound for bound in bounds if bound is not None))
        if not trips:
            raise self.refuse(node, "at least one trip", shown(node.iter), "Remove the loop.")
        return trips.start, len(trips), trips.step if len(trips) > 1 else 0

    def _body(self, statements: Sequence[ast.stmt], bound: Mapping[str, int]) -> list[Item]:
        """The items of a loop's body; ``bound``: counters of unrolled loops."""
        outer = dict(self.names)
        self.names.update(bound)
        items: list[Item] = []
        for statement in statements:
            if isinstance(statement, ast.For):
                items += self.loop(statement)
            elif not _is_remark(statement):
                self._check(statement)
                items.append(statement)
        self.names = outer
        return items

    def _check(self, statement: ast.stmt) -> None:
        """Only assignments and conditions."""
        if not isinstance(statement, STATEMENTS):
            advice = "Kernels consist of for, if and assignments."
            if isinstance(statement, ast.While | ast.Break | ast.Continue):
                advice = "Loop a fixed number of times, and guard what must not happen with 'if'."
            raise self.refuse(statement, "an assignment or a condition", shown(statement), advice)
        if isinstance(statement, ast.If):
            for inner in (*statement.body, *statement.orelse):
                if isinstance(inner, ast.For):
                    raise self.refuse(
                        inner,
                        "no loop inside a condition",
                        shown(inner),
                        "Put the condition into the loop.",
                    )
                if not _is_remark(inner):
                    self._check(inner)

    def _integer(self, node: ast.expr) -> int | None:
        return integer_of(node, self.names, self.signature.parameters)


def _is_call(node: ast.expr, name: str) -> bool:
    """A call of ``name`` or ``module.name``."""
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    return (isinstance(function, ast.Name) and function.id == name) or (
        isinstance(function, ast.Attribute) and function.attr == name
    )
