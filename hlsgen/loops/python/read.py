"""From the source of a function to its nests. What is not a loop, an assignment or a condition is refused here."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hlsgen.algebra.affine import Affine
from hlsgen.errors import BadFile
from hlsgen.loops.python.annotations import ArrayType
from hlsgen.loops.python.constants import affine_of, integer_of
from hlsgen.loops.python.early_return import without_returns
from hlsgen.loops.python.facts import constants_of, facts_of
from hlsgen.loops.python.functions import names_of
from hlsgen.loops.python.guards import Free, counters_of_their_own, names_in, own_variables, under
from hlsgen.loops.python.liveness import live_before
from hlsgen.loops.python.local_arrays import Prepared, with_local_arrays
from hlsgen.loops.python.nest import (
    Bind,
    Item,
    Nest,
    SourceLoop,
    Within,
    assigned,
    base_of,
    mentioned,
)
from hlsgen.loops.python.plain_syntax import in_plain_syntax
from hlsgen.loops.python.ranges import MOST_COPIES, assignment
from hlsgen.loops.python.refusals import shown, unsupported
from hlsgen.loops.python.signature import Signature
from hlsgen.loops.python.structured import lists_of, structured

STATEMENTS = (ast.Assign, ast.AugAssign, ast.If, ast.Pass)


def prepared(signature: Signature) -> Prepared:
    """The syntax of a kernel and its arrays, its own ones too."""
    source = definition(signature)
    plain = in_plain_syntax(source, facts_of(signature, source).constant)
    return with_local_arrays(signature, without_returns(plain))


def read_nests(kernel: Prepared) -> tuple[Nest, ...]:
    """The nests of a kernel in order. Raises UnsupportedOp with file, line and reason."""
    signature = kernel.signature
    function = structured(kernel.function, facts_of(signature, kernel.function))
    reader = _Reader(signature, function)
    reader.refuse_names(function)
    statements = reader.top_level(function.body)
    if not statements:
        raise reader.refuse(function, "at least one statement", "none", "Write a loop over arrays.")
    parts: list[Nest] = []
    for is_loop, group in itertools.groupby(
        statements, lambda statement: isinstance(statement, SourceLoop)
    ):
        run = tuple(group)
        if is_loop:
            parts += [Nest(loop, reader.where) for loop in run if isinstance(loop, SourceLoop)]
            continue
        after = _stores_after(parts[-1].loop, run, signature.parameters) if parts else ()
        if after:
            parts[-1] = replace(parts[-1], after=after)
        if len(after) < len(run):
            line = next(
                (statement.lineno for statement in run if isinstance(statement, ast.stmt)),
                function.lineno,
            )
            once = SourceLoop(reader.unused("once"), 1, run[len(after) :], line)
            parts.append(Nest(once, reader.where, straight=True))
    live: frozenset[str] = frozenset()
    nests: list[Nest] = []
    for part in reversed(parts):
        nests.append(replace(part, live=live))
        live = live_before([part.loop, *part.after], live)
    return tuple(reversed(nests))


def _stores_after(
    loop: SourceLoop, statements: Sequence[Item], arrays: Mapping[str, ArrayType]
) -> tuple[ast.stmt, ...]:
    """The first of the statements that follow a loop that the loop itself can execute in its last iteration at no cost in time: stores
    of a scalar at a constant index, each into an array that nothing else in the loop accesses."""
    taken: list[ast.stmt] = []
    busy = set(mentioned(loop))
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Subscript() as target], value=ast.Name() | ast.Constant()):
                base = base_of(target)
            case _:
                break
        names = [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]
        if base not in arrays or base in busy or names != [base]:
            break
        busy.add(str(base))
        taken.append(statement)
    return tuple(taken)


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


class _Reader:
    """``counters`` of the loops around: what they are in trips, and ``extents`` of these loops; ``conditions``: variables that say
    whether loops inside a condition are executed, ``condition`` the one that decides here."""

    def __init__(self, signature: Signature, function: ast.FunctionDef) -> None:
        self.signature = signature
        self.own = counters_of_their_own(function)
        self.every = Counter(names_in([function]))
        self.counters: dict[str, Affine] = {}
        self.extents: dict[str, int] = {}
        self.conditions: set[str] = set()
        self.condition: ast.Name | None = None
        self.where = f"{signature.path}, kernel {signature.name}"
        self.names: dict[str, Any] = {**names_of(signature.function), **signature.constants}
        self.loop_names: set[str] = set()
        self.lists = lists_of(function, constants_of(signature))

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
                    f"{node.id} to stay what the kernel is given",
                    f"an assignment to {node.id}",
                    "Use a variable of another name.",
                )

    def refuse(self, node: ast.AST, expected: str, found: str, advice: str) -> Exception:
        return unsupported(self.where, node, expected, found, advice)

    def top_level(self, statements: Sequence[ast.stmt]) -> list[Item]:
        """The items of the function; scalars that are constant at a point can be bounds of loops there."""
        parts: list[Item] = []
        for statement in statements:
            if isinstance(statement, ast.For):
                self._forget(statement)
            parts += self._items(statement)
            self._remember(statement)
        return parts

    def _forget(self, statement: ast.stmt) -> None:
        """What a statement assigns is a variable, even if it was constant before."""
        for name in assigned([statement]):
            self.names.pop(name, None)

    def _remember(self, statement: ast.stmt) -> None:
        """What a statement makes constant."""
        values: dict[str, int | None] = {}
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                pairs = [(target, statement.value)]
                if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                    pairs = list(zip(target.elts, statement.value.elts, strict=False))
                values |= {
                    one.id: self._integer(value)
                    for one, value in pairs
                    if isinstance(one, ast.Name)
                }
        self._forget(statement)
        self.names |= {name: value for name, value in values.items() if value is not None}

    def unused(self, stem: str) -> str:
        """A name for a loop that no other loop has."""
        name = next(
            name
            for k in range(len(self.loop_names) + 1)
            if (name := f"{stem}{k or ''}") not in self.loop_names
        )
        self.loop_names.add(name)
        return name

    def loop(self, node: ast.For) -> list[Item]:
        """A loop; or, unrolled, its body as often as it has trips."""
        if not isinstance(node.target, ast.Name):
            raise self.refuse(node, "'for name in range(...):'", shown(node), "Rewrite the loop.")
        call, variable = node.iter, node.target.id
        if isinstance(call, ast.List | ast.Tuple):
            listed = [self._integer(part) for part in call.elts]
            values = [value for value in listed if value is not None]
            if values and len(values) == len(listed) <= MOST_COPIES:
                return self._copies(node, variable, values)
        unrolled = _is_call(call, "unroll")
        if unrolled:
            assert isinstance(call, ast.Call)
            call = call.args[0] if len(call.args) == 1 else call
        first, extent, step, stop = self._range(node, call)
        if not first.terms and stop is None and extent <= MOST_COPIES:
            unrolled = unrolled or self._indexes_list(node.body, variable)
        if unrolled:
            if first.terms or stop is not None:
                raise self._variable_bounds(node)
            return self._copies(node, variable, [first.offset + step * k for k in range(extent)])
        if not extent:
            return []
        name = self.unused(variable)
        counter = first.plus(Affine(0, ((name, step),)) if step else Affine())
        outer = dict(self.counters)
        self.counters.pop(variable, None)
        if variable not in assigned(node.body):
            self.counters[variable] = counter
        self.extents[name] = extent
        body = [Bind(variable, counter), *self._body(node.body, {})]
        self.counters = outer
        if stop is not None:  # trips that are left until the stop
            left = Affine().plus(stop.plus(counter, -1), 1 if step > 0 else -1)
            body = self._under(Within(left, 1), body, node.body)
        return [SourceLoop(name, extent, tuple(body), node.lineno)]

    def _copies(self, node: ast.For, variable: str, values: Sequence[int]) -> list[Item]:
        """The body of an unrolled loop for every value of its counter."""
        copies: list[Item] = []
        for value in values:
            copies.append(Bind(variable, Affine(value)))
            # A counter that its own body assigns is not a constant there.
            bound = {} if variable in assigned(node.body) else {variable: value}
            copies += self._body(node.body, bound)
        return copies

    def _indexes_list(self, statements: Sequence[ast.stmt], counter: str) -> bool:
        """Whether statements index a list, whose items are values and not elements of a memory, with a counter."""
        nodes = (node for statement in statements for node in ast.walk(statement))
        return any(
            base_of(node) in self.lists and counter in names_in([node.slice])
            for node in nodes
            if isinstance(node, ast.Subscript)
        )

    def _range(self, node: ast.For, call: ast.expr) -> tuple[Affine, int, int, Affine | None]:
        """(first, most trips, step, stop where the number of trips varies)."""
        if not (_is_call(call, "range") and isinstance(call, ast.Call) and not call.keywords):
            raise self.refuse(
                node, "a loop over range(...)", shown(node.iter), "Loop over indices."
            )
        bounds = [
            affine_of(
                argument, {**self.names, **self.lists}, self.signature.parameters, self.counters
            )
            for argument in call.args
        ]
        known = [bound for bound in bounds if bound is not None]
        step = known[2].offset if len(known) > 2 and not known[2].terms else 1
        steps = all(not bound.terms for bound in known[2:])
        if len(known) < len(bounds) or not 1 <= len(bounds) <= 3 or not steps or not step:
            raise self._variable_bounds(node)
        first, stop = (Affine(), known[0]) if len(known) == 1 else known[:2]
        way = Affine().plus(stop.plus(first, -1), 1 if step > 0 else -1)
        box = {name: range(extent) for name, extent in self.extents.items()}
        least, most = way.range(box)
        trips = len(range(0, most, abs(step)))
        return (
            first,
            trips,
            step if trips > 1 or least < most else 0,
            stop if least < most else None,
        )

    def _variable_bounds(self, node: ast.For) -> Exception:
        return self.refuse(
            node,
            "constant bounds of a loop, or sums of counters of the loops around it, and a constant step that is not 0",
            shown(node.iter),
            "Loop to the largest bound, and guard the body with 'if'.",
        )

    def _under(
        self,
        condition: Within | ast.Name,
        items: Sequence[Item],
        statements: Sequence[ast.stmt],
    ) -> list[Item]:
        """What statements are under a condition, given their items."""
        own = own_variables(self.every, statements, items)
        return under(condition, items, Free(self.own, frozenset(self.conditions), own))

    def _branches(self, statement: ast.If) -> list[Item]:
        """A condition with loops in it: a variable holds what it was, and guards what is inside."""
        around = self.condition
        test = statement.test
        if around is not None:
            test = ast.copy_location(ast.BoolOp(ast.And(), [around, test]), test)
        yes = self._variable(statement)
        parts: list[Item] = [assignment(yes.id, test, statement)]
        branches = [(yes, statement.body)]
        if statement.orelse:
            no = self._variable(statement)
            inverse: ast.expr = ast.UnaryOp(ast.Not(), _name_of(yes))
            if around is not None:
                inverse = ast.BoolOp(ast.And(), [around, inverse])
            parts.append(assignment(no.id, inverse, statement))
            branches.append((no, statement.orelse))
        for variable, body in branches:
            self.condition = _name_of(variable)
            parts += self._under(self.condition, self._body(body, {}), body)
        self.condition = around
        return parts

    def _variable(self, statement: ast.If) -> ast.Name:
        """A variable with a name that nothing else has."""
        name = "condition"
        while name in self.every or name in self.conditions:
            name += "_"
        self.conditions.add(name)
        return ast.copy_location(ast.Name(name, ast.Store()), statement)

    def _body(self, statements: Sequence[ast.stmt], bound: Mapping[str, int]) -> list[Item]:
        """The items of a loop's body; ``bound``: counters of unrolled loops."""
        outer = dict(self.names)
        self.names.update(bound)
        parts: list[Item] = []
        for statement in statements:
            parts += self._items(statement)
        self.names = outer
        return parts

    def _items(self, statement: ast.stmt) -> list[Item]:
        if isinstance(statement, ast.For):
            return self.loop(statement)
        if _is_remark(statement):
            return []
        if isinstance(statement, ast.If) and _has_loops(statement):
            return self._branches(statement)
        self._check(statement)
        return [statement]

    def _check(self, statement: ast.stmt) -> None:
        """Only assignments and conditions."""
        if not isinstance(statement, STATEMENTS):
            advice = "Kernels consist of for, if and assignments."
            if isinstance(statement, ast.While):
                advice = "Loop as often as it can happen at most, and leave the loop early: for k in range(N): if not (...): break."
            raise self.refuse(statement, "an assignment or a condition", shown(statement), advice)
        if isinstance(statement, ast.If):
            for inner in (*statement.body, *statement.orelse):
                if not _is_remark(inner):
                    self._check(inner)

    def _integer(self, node: ast.expr) -> int | None:
        return integer_of(node, self.names, self.signature.parameters)


def _has_loops(statement: ast.If) -> bool:
    return any(isinstance(node, ast.For) for node in ast.walk(statement))


def _name_of(variable: ast.Name) -> ast.Name:
    """The variable as it is read."""
    return ast.copy_location(ast.Name(variable.id, ast.Load()), variable)


def _is_call(node: ast.expr, name: str) -> bool:
    """A call of ``name`` or ``module.name``."""
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    return (isinstance(function, ast.Name) and function.id == name) or (
        isinstance(function, ast.Attribute) and function.attr == name
    )
