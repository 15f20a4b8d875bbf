"""A new step or finish is forgotten nowhere: mypy names every place that does not know it yet."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.source_tree import PACKAGES, ROOT

NEW_STEP = """
@dataclass(frozen=True)
class KeepMinimum:
    accumulator: ElementType
    init: int = 0


ReducingStep: TypeAlias = KeepMinimum | """
NEW_FINISH = """
@dataclass(frozen=True)
class Halved:
    bias: Parameter


SumFinish: TypeAlias = Halved | """

PLACES = {
    "step": (
        "ReducingStep: TypeAlias = ",
        NEW_STEP,
        {
            "cost/array.py",
            "dataflow/step.py",
            "schedule/grid_network/layers.py",
            "schedule/stream_network/latency.py",
        },
    ),
    "finish": (
        "SumFinish: TypeAlias = ",
        NEW_FINISH,
        {"cost/process.py", "dataflow/finish.py", "schedule/grid_network/finish.py"},
    ),
}
"""The line of dataflow/ir.py that is replaced, by what, and the files in which an exhaustive match then lacks a case."""


def lay_out(package: Path, replaced: str, new: str) -> None:
    """The packages as they are installed, by links, but for dataflow/ir.py with ``new`` instead of ``replaced``."""
    package.mkdir()
    for part in [*(ROOT / "hlsgen").iterdir(), *(ROOT / name for name in PACKAGES[1:])]:
        if part.name != "dataflow":
            (package / part.name).symlink_to(part)
    (package / "dataflow").mkdir()
    for file in (ROOT / "hlsgen" / "dataflow").glob("*.py"):
        if file.name != "ir.py":
            (package / "dataflow" / file.name).symlink_to(file)
    text = (ROOT / "hlsgen" / "dataflow" / "ir.py").read_text("utf-8")
    assert text.count(replaced) == 1
    (package / "dataflow" / "ir.py").write_text(text.replace(replaced, new.lstrip()), "utf-8")


@pytest.mark.parametrize("kind", PLACES)
def test_the_page_on_additions_names_the_places(kind: str) -> None:
    page = (ROOT / "docs" / "adding_an_operator.md").read_text("utf-8")
    rows = [row.strip("| ").split(" | ") for row in page.splitlines() if row.startswith("| ")]
    column = 1 + list(PLACES).index(kind)
    (heading,) = (at for at, row in enumerate(rows) if row[1:] == ["of a step", "of a finish"])
    files = {file for row in rows[heading + 1 :] for file in re.findall(r"`([^`]+)`", row[column])}
    assert files >= PLACES[kind][2] | {"dataflow/ir.py", "dataflow/builder.py"}
    assert all(any((ROOT / top / f).exists() for top in ("hlsgen", ".")) for f in files)


@pytest.mark.slow
@pytest.mark.parametrize("kind", PLACES)
def test_mypy_names_every_place_that_a_new_kind_needs(kind: str, tmp_path: Path) -> None:
    replaced, new, expected = PLACES[kind]
    lay_out(tmp_path / "hlsgen", replaced, new)
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache")),
            *("--config-file", str(ROOT / "pyproject.toml"), "-p", "hlsgen"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    named = re.findall(
        r'^hlsgen/(\S+):\d+: error: Argument 1 to "assert_never"', checked.stdout, re.M
    )
    errors = re.findall(r"^hlsgen/\S+: error: .*", checked.stdout, re.M)
    assert set(named) == expected, checked.stdout
    assert len(errors) == len(named), checked.stdout
