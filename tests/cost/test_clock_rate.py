"""The estimate of the clock against the recorded builds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hlsgen.board import load_board
from hlsgen.cost.clock_rate import clock_rate, clock_rate_text

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
RECORDS = sorted(RESULTS.glob("boards-*@*.json"))


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_every_recorded_seed_lies_between_the_bounds_of_the_estimate(record: Path) -> None:
    values = json.loads(record.read_text())["values"]
    rate = clock_rate(load_board(values["board"]), values["predicted_lut"])
    assert rate is not None
    for mhz in values.get("seeds", {"1": values["fmax_mhz"]}).values():
        assert rate.low <= mhz <= rate.high


def test_a_fuller_device_has_a_slower_clock() -> None:
    board = load_board("ulx3s_85f")
    rates = [clock_rate(board, share * board.lut) for share in (0.01, 0.3, 0.6, 1.0)]
    expected = [rate.expected for rate in rates if rate is not None]
    assert len(expected) == 4 and expected == sorted(expected, reverse=True)
    assert expected[0] > 1.5 * expected[-1]


def test_nothing_is_said_of_families_that_the_vendors_tools_build() -> None:
    board = load_board("arty_a7_100t")
    assert clock_rate(board, 1000) is None
    assert "not estimated" in clock_rate_text(board, 1000, 100)
    assert "samples a second" in clock_rate_text(load_board("icebreaker"), 2000, 2304)
