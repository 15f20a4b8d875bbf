"""The estimate of the clock against the recorded builds."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from hlsgen.board import load_board
from hlsgen.clock.families import pll_rules
from hlsgen.clock.pll import reachable
from hlsgen.cost.clock_rate import clock_rate, clock_rate_text, expected_clock_mhz

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


@pytest.mark.parametrize("name", ["ulx3s_85f", "icebreaker", "tang_nano_9k", "tang_nano_20k"])
def test_the_expected_clock_is_the_highest_of_the_pll_that_the_estimate_allows(name: str) -> None:
    board = load_board(name)
    rules = pll_rules(board)
    assert rules is not None
    known = [float(setting.mhz) for setting in reachable(rules, Fraction(board.clock_mhz))]
    for lut in (100, board.lut // 2, board.lut):
        rate = clock_rate(board, lut)
        assert rate is not None
        assert expected_clock_mhz(board, lut) == max(n for n in known if n <= rate.expected)


def test_a_board_without_a_pll_of_ours_has_its_oscillator() -> None:
    assert expected_clock_mhz(load_board("arty_a7_100t"), 1000) == 100.0
