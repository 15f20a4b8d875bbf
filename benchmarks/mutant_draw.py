"""Which mutants there are of a module, and which are drawn of them.

Left out is what has no meaning to test: type annotations, texts of errors (everything inside ``raise``), decorators, ``examples()`` of operators
(they are tests), and ``is`` in place of ``==``.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmarks.equivalent_mutants import EQUIVALENT
from benchmarks.models import ROOT

LEFT_OUT = ("_Is", "RemoveDecorator", "VariableReplacer", "VariableInserter")
"""Operators of cosmic-ray that are not used: see above, and those that need the names of variables."""
LEFT_OUT_OF_CIRCUITS = ("BitAnd_Mul", "BitAnd_FloorDiv")
"""In circuits neither ``*`` nor ``//`` for ``&``: of one-bit values they are the same (a quotient by 0 is 0)."""
Span = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Mutant:
    """Occurrence number ``occurrence`` of a cosmic-ray operator in a module (path from the root).

    ``place``: the text of its line, and which of the operator's occurrences in lines of that text it is.
    """

    module: str
    operator: str
    occurrence: int
    line: int
    place: tuple[str, int]


def untested_spans(source: str) -> Iterator[Span]:
    """Where a mutation has no meaning that a test could see."""
    for node in ast.walk(ast.parse(source)):
        parts: list[ast.AST | None] = []
        match node:
            case ast.FunctionDef(name="examples"):
                parts = [node]
            case ast.FunctionDef():
                parts = [node.returns, *node.decorator_list]
            case ast.ClassDef():
                parts = list(node.decorator_list)
            case ast.arg():
                parts = [node.annotation]
            case ast.AnnAssign():
                parts = [node.annotation]
            case ast.Raise() | ast.Assert():
                parts = [node]
            case ast.If() if "TYPE_CHECKING" in ast.dump(node.test):
                parts = [node]
        for part in parts:
            if part is not None:
                at: Any = part
                yield (at.lineno, at.col_offset), (at.end_lineno, at.end_col_offset)


@cache
def mutants_of(module: str) -> tuple[Mutant, ...]:
    """Every mutant of a module, in the order of cosmic-ray's operators."""
    from cosmic_ray.ast import Visitor, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    source = (ROOT / module).read_text("utf-8")
    spans = tuple(untested_spans(source))
    left_out = LEFT_OUT + (LEFT_OUT_OF_CIRCUITS if module.startswith("rtl_templates/") else ())
    names = [name for name in sorted(operator_names()) if not any(x in name for x in left_out)]
    operators = {name: get_operator(name)() for name in names}
    positions: dict[str, list[Span]] = {name: [] for name in names}

    class Positions(Visitor):
        def visit(self, node: Any) -> Any:
            for name, operator in operators.items():
                positions[name].extend(operator.mutation_positions(node))
            return node

    Positions().walk(get_ast(source))
    lines, mutants = source.splitlines(), []
    for name in names:
        times: Counter[str] = Counter()
        for occurrence, (start, end) in enumerate(positions[name]):
            text = lines[start[0] - 1].strip()
            if not any(first <= start and end <= last for first, last in spans):
                mutants.append(Mutant(module, name, occurrence, start[0], (text, times[text])))
            times[text] += 1
    return tuple(mutants)


def mutated_source(mutant: Mutant, source: str) -> str:
    """The text of the module with the mutation."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    changed = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    assert changed is not None
    return str(changed)


def changed_lines(source: str, changed: str) -> tuple[str, str]:
    """What a mutation takes from a module and what it puts there, without indentation."""
    lines = difflib.unified_diff(source.splitlines(), changed.splitlines(), n=0, lineterm="")
    return changed_of("\n".join(list(lines)[2:]))


def changed_of(diff: str) -> tuple[str, str]:
    """The same of a diff without its head."""
    before, after = (
        " ".join(line[1:].strip() for line in diff.splitlines() if line.startswith(sign))
        for sign in "-+"
    )
    return before, after


def equivalence(module: str, source: str, changed: str) -> str | None:
    """Why a mutant does the same as the program, if that is known."""
    lines = changed_lines(source, changed)
    reasons = [e.reason for e in EQUIVALENT if (e.module, (e.before, e.after)) == (module, lines)]
    return reasons[0] if reasons else None


def lot(mutant: Mutant, seed: int) -> bytes:
    """The lot that a mutant draws. It depends on its line alone: other lines of a module may change."""
    drawn = f"{seed} {mutant.module} {mutant.operator} {mutant.place}"
    return hashlib.sha256(drawn.encode()).digest()


def chosen(modules: list[str], count: int, seed: int) -> list[Mutant]:
    """``count`` mutants, as many of each module as of any other, at different lines as far as there are."""
    drawn = {}
    for module in modules:
        rows = sorted(mutants_of(module), key=lambda mutant: lot(mutant, seed))
        first_of_line: dict[int, Mutant] = {}
        for mutant in rows:
            first_of_line.setdefault(mutant.line, mutant)
        others = set(rows) - set(first_of_line.values())
        drawn[module] = [*first_of_line.values(), *(m for m in rows if m in others)]
    mutants: list[Mutant] = []
    turn = 0
    while len(mutants) < count and any(turn < len(rows) for rows in drawn.values()):
        mutants += [rows[turn] for rows in drawn.values() if turn < len(rows)]
        turn += 1
    return mutants[:count]
