"""The list of mutants that no test can see names mutants that there are, and modules have tests."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks import mutant_draw, mutant_table, mutants
from benchmarks.equivalent_mutants import EQUIVALENT, Equivalent
from benchmarks.models import ROOT
from benchmarks.mutant_draw import Mutant, changed_lines, equivalence
from benchmarks.mutants import Verdict
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
    monkeypatch.setattr(mutant_draw, "EQUIVALENT", (row,))
    assert equivalence("m.py", "  a * 1\n", "  a // 1\n") == "a is whole"
    assert equivalence("n.py", "  a * 1\n", "  a // 1\n") is None
    assert equivalence("m.py", "  a * 1\n", "  a % 1\n") is None


def row(number: int, killed: bool, equivalent: str | None = None) -> Verdict:
    mutant = Mutant("m/n.py", "core/X", number, number, (f"line {number}", 0))
    diff = "" if killed else f"@@ -{number} +{number} @@\n-a | {number}\n+a & {number}"
    return Verdict(mutant, "abc", killed, diff, equivalent)


def test_the_record_keeps_verdicts_and_counts_what_has_none_as_not_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mutants, "RESULT", tmp_path / "mutants.json")
    monkeypatch.setattr(mutants, "MUTATED", {"m/n.py": ("tests",)})
    verdicts = [row(1, True), row(2, False), row(3, False, "it is the same"), row(4, True)]
    drawn = [verdict.mutant for verdict in verdicts]
    assert mutants.recorded(drawn) == {}
    kept = {verdict.mutant: verdict for verdict in verdicts[:3]}
    assert str(mutants.score(drawn, kept)) == (
        "1 of 4 mutants killed (25.0%); 1 of the 3 that are not known to do the same as the program (33.3%)"
    )
    mutants.write(0, drawn, kept)
    moved = [replace(mutant, line=mutant.line + 7, occurrence=9) for mutant in drawn]
    again = mutants.recorded(moved)
    assert [(m, v.killed, v.equivalent) for m, v in again.items()] == [
        (moved[0], True, None),
        (moved[1], False, None),
        (moved[2], False, "it is the same"),
    ]


def test_survivors_are_listed_with_their_reasons(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mutant_table, "RESULT", tmp_path / "mutants.json")
    assert mutant_table.SECTIONS["mutants"]() == "Not measured yet."
    verdicts = [row(1, True), row(2, False), row(3, False, "it is the same"), row(4, True)]
    (tmp_path / "mutants.json").write_text(json.dumps({"verdicts": [asdict(v) for v in verdicts]}))
    assert "| all | 4 | 2 | 1 | 50.0 % | 66.7 % |" in mutant_table.SECTIONS["mutants"]()
    text = mutant_table.SECTIONS["mutant-survivors"]()
    assert "| `m/n.py` | `a \\| 2` | `a & 2` | not seen by any test |" in text
    assert "| `m/n.py` | `a \\| 3` | `a & 3` | it is the same |" in text


def test_a_mutant_is_drawn_by_its_own_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("cosmic_ray", reason="needs the package that makes mutants")
    lines = [f"x{k} = {k} + y" for k in range(20)]
    monkeypatch.setattr(mutant_draw, "ROOT", tmp_path)
    (tmp_path / "before.py").write_text("\n".join(lines))
    drawn = mutant_draw.chosen(["before.py"], 8, 0)
    assert len({mutant.line for mutant in drawn}) == 8
    lines.insert(3, "z = 2 * y")
    (tmp_path / "before.py").write_text("\n".join(lines))
    mutant_draw.mutants_of.cache_clear()
    again = mutant_draw.chosen(["before.py"], 8, 0)
    mutant_draw.mutants_of.cache_clear()
    kept = {(m.operator, m.place) for m in drawn} & {(m.operator, m.place) for m in again}
    assert len(kept) >= 7, "only what the new line draws may take a place"
    assert mutant_draw.chosen(["before.py"], 8, 1) != again
    mutant_draw.mutants_of.cache_clear()


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
    spans = list(mutant_draw.untested_spans(source))
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
        changed_lines(source, mutant_draw.mutated_source(mutant, source))
        for mutant in mutant_draw.mutants_of(module)
        if mutant.line in lines
    }
    assert named <= there, f"no such mutants: {sorted(named - there)}"
