"""A scalar operator and a number format are added once, to a copy of the source: they work end to end, and no part can be forgotten."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.additions import NUMBER_FORMAT, SCALAR_OPERATOR, Addition
from support.source_tree import ROOT

ADDITIONS = {"scalar operator": SCALAR_OPERATOR, "number format": NUMBER_FORMAT}
PAGE = ROOT / "docs" / "adding_an_operator.md"
ROWS = ("tests/house/test_operator_rows.py", "tests/rtl_templates/test_scalar_units.py")
"""The tests that compare names of operators, and run every unit."""


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Python in a copy of the source."""
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'tests'}"}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True
    )


def rows_pass(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "pytest", "-q", "-x", *ROWS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ADDITIONS)
def test_what_is_added_works_from_meaning_to_verilog(kind: str, tmp_path: Path) -> None:
    done = run(ADDITIONS[kind].write(tmp_path / "copy"), "check.py")
    assert done.returncode == 0 and done.stdout.endswith("exact\n"), done.stdout + done.stderr


@pytest.mark.slow
def test_a_new_scalar_operator_passes_the_tests_of_all_operators(tmp_path: Path) -> None:
    done = rows_pass(SCALAR_OPERATOR.write(tmp_path / "copy"))
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("file", SCALAR_OPERATOR.edits)
def test_no_part_of_a_new_scalar_operator_can_be_forgotten(file: str, tmp_path: Path) -> None:
    done = rows_pass(SCALAR_OPERATOR.write(tmp_path / "copy", without=[file]))
    assert done.returncode != 0 and "AbsoluteDifference" in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("file", NUMBER_FORMAT.edits)
def test_no_part_of_a_new_number_format_can_be_forgotten(file: str, tmp_path: Path) -> None:
    done = run(NUMBER_FORMAT.write(tmp_path / "copy", without=[file]), "check.py")
    expected = {
        "hlsgen/frontend/sessions.py": "No corresponding Numpy type",
    }
    assert done.returncode != 0 and expected[file] in done.stderr


@pytest.mark.parametrize("kind", ADDITIONS)
def test_the_page_counts_files_and_lines_of_an_addition(kind: str) -> None:
    addition: Addition = ADDITIONS[kind]
    tests = sum(file.startswith("tests/") for file in addition.edits)
    files = len(addition.edits) - tests
    assert f"| a {kind} | {files} | {tests} | {addition.lines} |" in PAGE.read_text("utf-8")


def test_the_page_counts_the_files_of_a_new_step() -> None:
    text = PAGE.read_text("utf-8")
    section = text[text.index("## A new step") :]
    places = {
        name
        for row in re.findall(r"^\| [^|]+ \|([^|]+)\|", section, re.M)
        for name in re.findall(r"`([\w/]+\.py)`", row)
    }
    assert f"| a step | {len(places)} | " in text
    inside = (ROOT / "hlsgen", ROOT)
    assert all(any((folder / name).exists() for folder in inside) for name in places)
