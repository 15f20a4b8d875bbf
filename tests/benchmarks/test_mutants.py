"""The list of mutants that no test can see names mutants that there are, and modules have tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import mutants
from benchmarks.equivalent_mutants import EQUIVALENT, Equivalent
from benchmarks.models import ROOT
from benchmarks.mutants import changed_lines, equivalence
from benchmarks.mutated_modules import MUTATED


def test_every_mutated_module_has_tests_that_exist() -> None:
    for module, tests in MUTATED.items():
        assert (ROOT / module).is_file()
        assert tests and all((ROOT / test).exists() for test in tests), module


def test_a_change_is_told_by_its_lines_without_indentation() -> None:
    source = "if x:\n    y = (\n        a + b\n    )\n"
    assert changed_lines(source, source.replace("a + b", "a - b")) == ("a + b", "a - b")
    deleted = changed_lines("@decorated\ndef f(): ...\n", "def f(): ...\n")
    assert deleted == ("@decorated", "")


def test_an_equivalent_mutant_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Equivalent("m.py", "a * 1", "a // 1", "a is whole")
    monkeypatch.setattr(mutants, "EQUIVALENT", (row,))
    assert equivalence("m.py", "  a * 1\n", "  a // 1\n") == "a is whole"
    assert equivalence("n.py", "  a * 1\n", "  a // 1\n") is None
    assert equivalence("m.py", "  a * 1\n", "  a % 1\n") is None


def test_a_mutant_is_drawn_by_its_own_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("cosmic_ray", reason="needs the package that makes mutants")
    lines = [f"x{k} = {k} + y" for k in range(20)]
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    (tmp_path / "before.py").write_text("\n".join(lines))
    drawn = mutants.chosen(["before.py"], 8, 0)
    assert len({mutant.line for mutant in drawn}) == 8
    lines.insert(3, "z = 2 * y")
    (tmp_path / "before.py").write_text("\n".join(lines))
    mutants.mutants_of.cache_clear()
    again = mutants.chosen(["before.py"], 8, 0)
    mutants.mutants_of.cache_clear()
    kept = {(m.operator, m.place) for m in drawn} & {(m.operator, m.place) for m in again}
    assert len(kept) >= 7, "only what the new line draws may take a place"
    assert mutants.chosen(["before.py"], 8, 1) != again
    mutants.mutants_of.cache_clear()


def test_tests_are_no_part_of_what_is_mutated() -> None:
    source = (
        "class Operator:\n"
        "    def lower(self, n: int | None) -> int:\n"
        "        return n + 1\n\n"
        "    @staticmethod\n"
        "    def examples():\n"
        "        return 2 + 3\n"
    )
    lines = source.splitlines()
    spans = list(mutants.untested_spans(source))
    hidden = {line for (first, _), (last, _) in spans for line in range(first, last + 1)}
    assert lines.index("        return 2 + 3") + 1 in hidden
    assert lines.index("        return n + 1") + 1 not in hidden


@pytest.mark.parametrize("module", sorted({row.module for row in EQUIVALENT}))
def test_every_equivalent_mutant_can_be_made(module: str) -> None:
    source = (ROOT / module).read_text("utf-8")
    named = {(row.before, row.after) for row in EQUIVALENT if row.module == module}
    stripped = {line.strip() for line in source.splitlines()}
    gone = sorted(before for before, _ in named if before not in stripped)
    assert not gone, "no such lines: remove the entries, or correct them"
    pytest.importorskip("cosmic_ray", reason="needs the package that makes mutants")
    lines = {
        number
        for number, line in enumerate(source.splitlines(), start=1)
        if line.strip() in {before for before, _ in named}
    }
    there = {
        changed_lines(source, mutants.mutated_source(mutant, source))
        for mutant in mutants.mutants_of(module)
        if mutant.line in lines
    }
    assert named <= there, f"no such mutants: {sorted(named - there)}"
