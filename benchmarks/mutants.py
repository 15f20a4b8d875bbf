"""How well the tests bite: mutants of compiler and templates, each of which its module's tests must see fail.

``python -m benchmarks.mutants [--mutants N] [--seed S] [--only PATTERN] [--new]`` draws N mutants of those that cosmic-ray's
operators make of the modules in ``MUTATED``, the same number of each, and runs the tests named there against each one in a copy of
the repository. ``benchmarks/mutants.json`` has the verdict on each, with the survivors as diffs. ``--only`` tests the mutants of some
modules, ``--new`` those that were not killed before; what the record says of the others stays. Exit code 1 where fewer than 95 %
of all are killed.

A mutant that does the same as the program is a survivor too; those that are known to
are named with the reason in ``benchmarks/equivalent_mutants.py``, and a second figure leaves them out.
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

from benchmarks.models import ROOT
from benchmarks.mutant_draw import Mutant, chosen, equivalence, mutated_source
from benchmarks.mutated_modules import MUTATED
from benchmarks.record import environment

RESULT = ROOT / "benchmarks" / "mutants.json"
KILLED_AT_LEAST = 0.95
TIMES_AS_LONG, SECONDS = 3.0, 10.0
"""A mutant whose tests take so many times as long as without it, and so much more, is killed: a loop that does not end is seen.
Times are the processor's, whatever else the machine does."""
INSTALLED = ("rtl_templates", "sim", "boards", "fabrics")
"""Folders that are packages of hlsgen; a copy holds them where an installation does."""


@dataclass(frozen=True)
class Verdict:
    """Whether the tests saw a mutant at a commit. Of a survivor its ``diff``, and why it is ``equivalent`` if that is known."""

    mutant: Mutant
    commit: str
    killed: bool
    diff: str = ""
    equivalent: str | None = None


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
