"""The sweep of 50 designs: what is counted, and that it goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import record, sweep
from benchmarks.models import Sources
from hlsgen.bitstream.toolchain import Usage
from hlsgen.errors import ToolFailed

NAMES = ("axpy", "fir", "iir")


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three designs, records of their own, and no synthesis: what would have been synthesised is listed."""
    seen: list[str] = []
    chosen = [design for design in sweep.designs() if design.name in NAMES]

    def synthesised(toolchain: Any, place: Any, job: Any) -> Usage:
        seen.append(job.top)
        (place.folder / "mapping.json").write_text('{"notes": []}')
        if job.top == "fir":
            raise ToolFailed("yosys", "expected exit code 0, found 1", "Read the log.")
        return Usage(10, 20, 1, 0, {})

    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(sweep, "designs", lambda: iter(chosen))
    monkeypatch.setattr(sweep, "synthesised", synthesised)
    return seen


def test_there_are_fifty_designs_of_different_names() -> None:
    names = [design.name for design in sweep.designs()]
    assert len(set(names)) == len(names) >= 50


def test_failures_are_counted_and_only_they_are_tried_again(few: list[str], tmp_path: Path) -> None:
    first = sweep.sweep.run("ecp5", Sources(None), tmp_path / "work")
    assert (first.values["synthesised"], first.values["failures"]) == (2, 1)
    assert "found 1" in first.values["designs"]["fir"]["failure"]
    assert sorted(few) == sorted(NAMES)
    few.clear()
    again = sweep.sweep.run("ecp5", Sources(None), tmp_path / "work")
    assert few == ["fir"]
    assert again.values == first.values


def test_a_network_whose_file_is_not_there_is_left_out(
    few: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = [sweep.Design("lenet300", "lenet300_mnist_int8", {})]
    monkeypatch.setattr(sweep, "designs", lambda: iter(only))
    result = sweep.sweep.run("ecp5", Sources(None), tmp_path / "work")
    assert (result.values["synthesised"], result.values["failures"], few) == (0, 0, [])
