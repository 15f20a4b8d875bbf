"""How well the tests bite: mutants of compiler and templates, each of which its module's tests must see fail.

``python -m benchmarks.mutants [--mutants N] [--seed S] [--only PATTERN] [--new]`` draws N mutants of those that cosmic-ray's
operators make of the modules in ``MUTATED``, the same number of each, and runs the tests named there against each one in a copy of
the repository. ``benchmarks/mutants.json`` has the verdict on each, with the survivors as diffs. ``--only`` tests the mutants of some
modules, ``--new`` those that were not killed before; what the record says of the others stays. Exit code 1 where fewer than 95 %
of all are killed.

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
import math
import os
import resource
import shutil
import subprocess
import sys
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
TIMES_AS_LONG, SECONDS = 3.0, 10.0
"""A mutant whose tests take so many times as long as without it, and so much more, is killed: a loop that does not end is seen.
Times are the processor's, whatever else the machine does."""
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
class Verdict:
    """Whether the tests saw a mutant at a commit. Of a survivor its ``diff``, and why it is ``equivalent`` if that is known."""

    mutant: Mutant
    commit: str
    killed: bool
    diff: str = ""
    equivalent: str | None = None


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
    """Whether the tests pass in a copy, within the processor time if one is given."""
    limit = () if seconds is None else ("prlimit", f"--cpu={math.ceil(seconds)}")
    command = (*limit, sys.executable, "-m", "pytest", "-x", "-q", *tests)
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    return done.returncode == 0


def seconds_of(folder: Path, tests: tuple[str, ...]) -> float:
    """The processor time that the tests of a module take without a mutation; they must pass."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not passes(folder, tests):
        raise SystemExit(f"without a mutation these tests fail: {' '.join(tests)}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def verdict(folder: Path, mutant: Mutant, seconds: float, commit: str) -> Verdict:
    """What the tests of the mutant's module say of it."""
    file = folder / mutant.module
    source = file.read_text("utf-8")
    changed = mutated_source(mutant, source)
    file.write_text(changed, "utf-8")
    try:
        if not passes(folder, MUTATED[mutant.module], seconds):
            return Verdict(mutant, commit, True)
    finally:
        file.write_text(source, "utf-8")
    diff = difflib.unified_diff(source.splitlines(), changed.splitlines(), n=1, lineterm="")
    reason = equivalence(mutant.module, source, changed)
    return Verdict(mutant, commit, False, "\n".join(list(diff)[2:]), reason)


def run(mutants: list[Mutant], workers: int) -> Iterator[Verdict]:
    """The verdicts in order; ``workers`` mutants are tested at a time, each in a copy of the repository."""
    commit = environment()["commit"]
    copies: SimpleQueue[Path] = SimpleQueue()
    unchanged: dict[tuple[str, ...], float] = {}

    def test(mutant: Mutant) -> Verdict:
        folder, tests = copies.get(), MUTATED[mutant.module]
        try:
            if tests not in unchanged:
                unchanged[tests] = seconds_of(folder, tests)
            limit = TIMES_AS_LONG * unchanged[tests] + SECONDS
            return verdict(folder, mutant, limit, commit)
        finally:
            copies.put(folder)

    with TemporaryDirectory(prefix="hlsgen_mutants_") as scratch:
        for worker in range(workers):
            copy_repository(Path(scratch) / str(worker))
            copies.put(Path(scratch) / str(worker))
        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(test, mutants)


def recorded(mutants: list[Mutant]) -> dict[Mutant, Verdict]:
    """The verdicts of the record on these mutants. Lines above a mutant's own may have come or gone since."""
    if not RESULT.exists():
        return {}
    rows = {}
    for row in json.loads(RESULT.read_text("utf-8"))["verdicts"]:
        old = row["mutant"]
        rows[old["module"], old["operator"], tuple(old["place"])] = row
    return {
        mutant: Verdict(mutant, row["commit"], row["killed"], row["diff"], row["equivalent"])
        for mutant in mutants
        if (row := rows.get((mutant.module, mutant.operator, mutant.place))) is not None
    }


@dataclass(frozen=True)
class Score:
    """How many mutants were drawn, killed, and survived without being told from the program by anybody (``equivalent``)."""

    mutants: int
    killed: int
    equivalent: int

    def __str__(self) -> str:
        others = self.mutants - self.equivalent
        return (
            f"{self.killed} of {self.mutants} mutants killed ({self.killed / self.mutants:.1%}); {self.killed} of the "
            f"{others} that are not known to do the same as the program ({self.killed / others:.1%})"
        )


def score(mutants: list[Mutant], verdicts: dict[Mutant, Verdict]) -> Score:
    """The figures; a mutant without a verdict is not killed."""
    rows = [verdicts[mutant] for mutant in mutants if mutant in verdicts]
    return Score(
        len(mutants),
        sum(row.killed for row in rows),
        sum(row.equivalent is not None for row in rows),
    )


def write(seed: int, mutants: list[Mutant], verdicts: dict[Mutant, Verdict]) -> None:
    """The record, in the order of the modules."""
    rows = [asdict(verdicts[mutant]) for mutant in mutants if mutant in verdicts]
    rows.sort(key=lambda row: (list(MUTATED).index(row["mutant"]["module"]), row["mutant"]["line"]))
    values = {"seed": seed, **asdict(score(mutants, verdicts)), "made": environment()}
    RESULT.write_text(json.dumps(values | {"verdicts": rows}, indent=1) + "\n", "utf-8")


def main() -> int:
    """Test the mutants, write the record, print the survivors."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="*", help="modules, as a shell pattern")
    parser.add_argument("--new", action="store_true", help="those not killed in the record")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    mutants = chosen(list(MUTATED), options.mutants, options.seed)
    verdicts = recorded(mutants)
    killed = {mutant for mutant, row in verdicts.items() if row.killed}
    asked = [
        mutant
        for mutant in mutants
        if fnmatch(mutant.module, options.only) and not (options.new and mutant in killed)
    ]
    for row in run(asked, options.workers):
        verdicts[row.mutant] = row
        write(options.seed, mutants, verdicts)
        said = "killed" if row.killed else f"survives\n{row.diff}\n{row.equivalent or ''}"
        print(f"{row.mutant.module}:{row.mutant.line} {row.mutant.operator} {said}", flush=True)
    total = score(mutants, verdicts)
    print(f"{total}; {len(mutants) - len(verdicts)} of {len(mutants)} have no verdict yet")
    return 0 if total.killed >= KILLED_AT_LEAST * total.mutants else 1


if __name__ == "__main__":
    sys.exit(main())
