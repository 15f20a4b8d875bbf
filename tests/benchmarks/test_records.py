"""Records and the tables made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import prediction, record, rows, table
from benchmarks.anchors import CYCLE_GOALS, OPEN_TOOLS, PUBLISHED
from benchmarks.models import NETWORKS, Sources, network
from benchmarks.record import Record
from hlsgen.board import load_board
from hlsgen.errors import BadFile


def test_a_record_reads_back_with_where_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    Record("exact", "digits", "command", {"samples": 2}, {"mismatches": 0}).write()
    (stored,) = record.records("exact")
    assert (stored.design, stored.options, stored.values) == (
        "digits",
        {"samples": 2},
        {"mismatches": 0},
    )
    assert {"date", "commit", "packages", "cores"} <= set(stored.made)
    assert record.records("boards") == []


def test_sections_without_records_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    text = table.filled("a\n<!-- begin exact -->\nold\n<!-- end exact -->\nb")
    assert "Not measured yet." in text and "old" not in text
    assert text.startswith("a\n") and text.endswith("\nb")


def test_an_unknown_section_is_an_error() -> None:
    with pytest.raises(KeyError):
        table.filled("<!-- begin nonsense -->\n<!-- end nonsense -->")


def test_a_missing_network_says_how_to_name_the_folder(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="--models DIR"):
        Sources(None).model("ic_resnet8_int8")
    with pytest.raises(BadFile, match=r"ic_resnet8_int8/model\.onnx"):
        Sources(tmp_path).model("ic_resnet8_int8")


def test_the_interval_deviates_by_a_share_of_the_prediction() -> None:
    report = {"predicted_interval_cycles": 100}
    assert rows._deviation(report, {"interval_cycles": 98}) == {"interval_deviation": -0.02}


def test_predictions_are_of_thirty_designs_on_three_families() -> None:
    designs = [design.split("@") for design in prediction.DESIGNS]
    assert len(set(prediction.DESIGNS)) == len(designs) >= 30
    assert {load_board(board).family for _, board, _ in designs} == {"ecp5", "ice40", "gowin"}
    assert {name for name, _, _ in designs} == {entry.name for entry in NETWORKS}


def test_a_prediction_deviates_by_a_share_of_what_synthesis_finds() -> None:
    predicted = {"lut": 95, "ff": 110, "dsp": 3, "bram": 0}
    synthesised = {"lut": 100, "ff": 100, "dsp": 0, "bram": 0}
    shares = prediction.deviations(predicted, synthesised)
    assert shares == {"lut": -0.05, "ff": 0.1, "dsp": 1.0, "bram": 0.0}


def test_anchors_name_networks_that_are_measured() -> None:
    names = {entry.name for entry in NETWORKS}
    assert {entry.network for entry in (*PUBLISHED, *OPEN_TOOLS)} <= names
    assert {entry.partition("@")[0] for entry in rows.cycles.designs} == set(CYCLE_GOALS) <= names
    assert all(network(entry).samples >= 3 for entry in names)
