"""How well the tests bite: mutants of compiler and templates, each of which its module's tests must see fail.

``python -m benchmarks.mutants [--mutants N] [--seed S] [--only PATTERN]`` takes N mutants that cosmic-ray's operators make of the modules in
``MUTATED``, the same number of each, runs the tests named there against each one in a copy of the repository, and writes
``benchmarks/mutants.json`` with every survivor as a diff. Exit code 1 where fewer than 95 % are killed.

Left out is what has no meaning to test: type annotations, texts of errors (everything inside ``raise``), decorators, ``examples()`` of operators
(they are tests), and ``is`` in place of ``==``. A mutant that does the same as the program is a survivor too; those that are known to
are named with the reason in ``benchmarks/equivalent_mutants.py``, and a second figure leaves them out.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.equivalent_mutants import EQUIVALENT
from benchmarks.models import ROOT
from benchmarks.mutated_modules import MUTATED
from benchmarks.record import environment

RESULT = ROOT / "benchmarks" / "mutants.json"
KILLED_AT_LEAST = 0.95
TIMES_AS_LONG, SECONDS = 10.0, 30.0
"""A mutant whose tests take so many times as long as without it, and so much more, is killed: a loop that does not end is seen."""
LEFT_OUT = ("_Is", "RemoveDecorator", "VariableReplacer", "VariableInserter")
"""Operators of cosmic-ray that are not used: see above, and those that need the names of variables."""
LEFT_OUT_OF_CIRCUITS = ("BitAnd_Mul", "BitAnd_FloorDiv")
"""In circuits neither ``*`` nor ``//`` for ``&``: of one-bit values they are the same (a quotient by 0 is 0)."""
INSTALLED = ("rtl_templates", "sim", "boards", "fabrics")
"""Folders that are packages of hlsgen; a copy holds them where an installation does."""
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


@dataclass(frozen=True)
class Survivor:
    """A mutant that no test saw, as a diff. ``equivalent``: why it does the same as the program, where that is known."""

    mutant: Mutant
    diff: str
    equivalent: str | None


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
    lines = list(difflib.unified_diff(source.splitlines(), changed.splitlines(), n=0, lineterm=""))
    before, after = (
        " ".join(line[1:].strip() for line in lines[2:] if line.startswith(sign)) for sign in "-+"
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


def copy_repository(folder: Path) -> None:
    """The files of the repository that git does not ignore, laid out as they are installed."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in INSTALLED:
        (folder / "hlsgen" / name).symlink_to(folder / name)


def passes(folder: Path, tests: tuple[str, ...], seconds: float | None = None) -> bool:
    """Whether the tests pass in a copy, within the time if one is given."""
    command = (sys.executable, "-m", "pytest", "-x", "-q", *tests)
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def seconds_of(folder: Path, tests: tuple[str, ...]) -> float:
    """How long the tests of a module take without a mutation; they must pass."""
    begun = time.monotonic()
    if not passes(folder, tests):
        raise SystemExit(f"without a mutation these tests fail: {' '.join(tests)}")
    return time.monotonic() - begun


def survivor(folder: Path, mutant: Mutant, seconds: float) -> Survivor | None:
    """What the tests of the mutant's module did not see, if they did not."""
    file = folder / mutant.module
    source = file.read_text("utf-8")
    changed = mutated_source(mutant, source)
    file.write_text(changed, "utf-8")
    try:
        if not passes(folder, MUTATED[mutant.module], seconds):
            return None
    finally:
        file.write_text(source, "utf-8")
    diff = difflib.unified_diff(source.splitlines(), changed.splitlines(), n=1, lineterm="")
    reason = equivalence(mutant.module, source, changed)
    return Survivor(mutant, "\n".join(list(diff)[2:]), reason)


def run(mutants: list[Mutant], workers: int) -> list[Survivor]:
    """The survivors; ``workers`` mutants are tested at a time, each in a copy of the repository."""
    copies: SimpleQueue[Path] = SimpleQueue()
    selections = sorted({MUTATED[mutant.module] for mutant in mutants})

    def test(mutant: Mutant) -> Survivor | None:
        folder, begun = copies.get(), time.monotonic()
        try:
            limit = TIMES_AS_LONG * unchanged[MUTATED[mutant.module]] + SECONDS
            outcome = survivor(folder, mutant, limit)
        finally:
            copies.put(folder)
        verdict = "survives" if outcome else "killed"
        took = time.monotonic() - begun
        print(
            f"{mutant.module}:{mutant.line} {mutant.operator} {verdict}, {took:.0f} s", flush=True
        )
        return outcome

    with TemporaryDirectory(prefix="hlsgen_mutants_") as scratch:
        for worker in range(workers):
            copy_repository(Path(scratch) / str(worker))
            copies.put(Path(scratch) / str(worker))
        with ThreadPoolExecutor(workers) as pool:
            first = Path(scratch) / "0"
            seconds = pool.map(lambda tests: seconds_of(first, tests), selections)
            unchanged = dict(zip(selections, seconds, strict=True))
            return [row for row in pool.map(test, mutants) if row is not None]


def main() -> int:
    """Test the mutants, write the record, print the survivors."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="*", help="modules, as a shell pattern")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    modules = [module for module in MUTATED if fnmatch(module, options.only)]
    mutants = chosen(modules, options.mutants, options.seed)
    survivors = run(mutants, options.workers)
    for row in survivors:
        print(f"\n{row.mutant.module}:{row.mutant.line} {row.mutant.operator}\n{row.diff}")
        print(f"equivalent: {row.equivalent}" if row.equivalent else "not known to be equivalent")
    killed = len(mutants) - len(survivors)
    equivalent = sum(row.equivalent is not None for row in survivors)
    others = len(mutants) - equivalent
    print(f"\n{killed} of {len(mutants)} mutants killed ({killed / len(mutants):.1%})")
    print(f"{killed} of the {others} that are not known to be equivalent ({killed / others:.1%})")
    if options.only == "*":
        values = {
            "seed": options.seed,
            "mutants": len(mutants),
            "killed": killed,
            "equivalent": equivalent,
        }
        record = values | {"survivors": [asdict(s) for s in survivors], "made": environment()}
        RESULT.write_text(json.dumps(record, indent=1) + "\n")
    return 0 if killed >= KILLED_AT_LEAST * len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
