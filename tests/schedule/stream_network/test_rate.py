"""Designs of a rate in samples a second, at the clock of their own size."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from hlsgen.board import load_board
from hlsgen.cost.clock_rate import expected_clock_mhz
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadOption
from hlsgen.numbers import Numbers
from hlsgen.progress import silent
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.rate import schedule_for_rate
from hlsgen.schedule.stream_network.report import network_report
from hlsgen.targets.network_source import read_network

DIGITS = Path(__file__).parents[3] / "examples" / "digits" / "digits.onnx"


@cache
def digits() -> Dataflow:
    return read_network(DIGITS, Numbers(), silent).lowered(nudged=True, progress=silent).dataflow


@pytest.mark.parametrize(
    ("name", "rate"), [("icebreaker", 7000), ("ulx3s_85f", 500_000), ("arty_a7_100t", 20_000)]
)
def test_a_design_reaches_the_rate_at_the_clock_of_its_own_size(name: str, rate: float) -> None:
    board = load_board(name)
    report = network_report(schedule_for_rate(digits(), board, StreamOptions(), rate), board)
    head = report.head
    assert head.lut is not None and head.interval_cycles is not None
    assert head.clock_mhz == expected_clock_mhz(board, head.lut)
    assert head.clock_mhz * 1e6 / head.interval_cycles >= rate
    assert report.details["fps"] == head.clock_mhz * 1e6 / head.interval_cycles


def test_a_faster_clock_makes_the_same_rate_a_smaller_design() -> None:
    board = load_board("ulx3s_85f")
    plan = schedule_for_rate(digits(), board, StreamOptions(), 20_000)
    assert plan.interval > 3 * board.clock_mhz * 1e6 / 20_000


def test_more_than_a_sample_a_cycle_is_refused() -> None:
    board = load_board("icebreaker")
    with pytest.raises(BadOption, match="one per clock cycle of icebreaker"):
        schedule_for_rate(digits(), board, StreamOptions(), 1e8)
