"""One sample through the simulated circuit: every cycle of every process is counted once, and the event model's picture is near."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.report_pages import read_page

import hlsgen
from hlsgen.artefact.slices import SLICES, STATES
from hlsgen.errors import BadOption
from hlsgen.verify.simulation import Recording
from hlsgen.verify.timeline import _spans, _Words

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


def spans(
    offered: list[int], taken: list[int], count: int, work: int
) -> list[tuple[str, int, int]]:
    recording = Recording(b"", np.array(taken), np.array(offered))
    return [s for s in _spans(_Words(recording, count, work), sample=1) if s[1] < s[2]]


def test_waiting_is_for_room_while_a_word_stands_and_else_for_input() -> None:
    assert spans([4, 10, 20], [4, 15, 20], count=1, work=3) == [
        ("waits_for_input", 0, 1),
        ("works_on_others", 1, 4),
        ("waits_for_input", 4, 7),
        ("works", 7, 10),
        ("waits_for_room", 10, 15),
        ("waits_for_input", 15, 17),
        ("works_on_others", 17, 20),
    ]


def test_work_on_words_that_come_together_is_before_them() -> None:
    assert spans([10, 11, 20, 21], [10, 11, 20, 21], count=2, work=8) == [
        ("waits_for_input", 0, 3),
        ("works_on_others", 3, 7),
        ("works_on_others", 7, 11),
        ("waits_for_input", 11, 13),
        ("works", 13, 17),
        ("works", 17, 21),
    ]


@pytest.mark.slow
def test_the_simulated_timeline_is_near_the_predicted_one(tmp_path: Path) -> None:
    design = hlsgen.compile(DIGITS / "digits.onnx", board="icebreaker", output=tmp_path / "d")
    inputs = {name: array[:3] for name, array in np.load(DIGITS / "samples.npz").items()}
    assert design.verify(inputs, timeline=True).good
    simulated = json.loads((tmp_path / "d" / "verify.json").read_text())["timeline"]
    predicted = design.report["timeline"]
    assert simulated["cycles"] == pytest.approx(predicted["cycles"], rel=0.1)
    assert len(simulated["rows"][0]["works"]) <= SLICES
    rows = {row["name"]: row for row in predicted["rows"]}
    assert [row["name"] for row in simulated["rows"]] == list(rows)
    for row in simulated["rows"]:
        whole = sum(sum(row[state]) for state in STATES)
        assert whole == pytest.approx(simulated["cycles"], abs=1)
        for state in STATES:
            share = sum(row[state]) / whole
            expected = sum(rows[row["name"]][state]) / predicted["cycles"]
            assert share == pytest.approx(expected, abs=0.12), (row["name"], state)
        work = sum(row["works"])
        assert work == pytest.approx(sum(rows[row["name"]]["works"]), rel=0.05)
    html = (tmp_path / "d" / "report.html").read_text()
    assert not read_page(html).faults
    assert "simulated (RTL)" in html and "predicted (event model)" in html
    without = design.verify(inputs)
    assert without.timeline is None


def test_designs_without_layers_have_no_timeline(tmp_path: Path) -> None:
    fabric = hlsgen.compile(DIGITS / "digits.onnx", schedule="grid", output=tmp_path / "g")
    with pytest.raises(BadOption, match="schedule stream") as caught:
        fabric.verify(None, timeline=True)
    assert len(str(caught.value).splitlines()) == 3
