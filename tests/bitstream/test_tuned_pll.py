"""A PLL that is set after routing: the bitstream is the one of a design that was placed and routed with this setting."""

from __future__ import annotations

import hashlib
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from hlsgen.bitstream.clock_choice import ClockPlan
from hlsgen.board import Board, load_board
from hlsgen.clock.families import pll_rules
from hlsgen.clock.pll import PllSetting, fastest
from hlsgen.flow import build


def setting(board: Board, at_most_mhz: float) -> PllSetting:
    rules = pll_rules(board)
    assert rules is not None
    chosen = fastest(rules, Fraction(board.clock_mhz), Fraction(at_most_mhz))
    assert chosen is not None
    return chosen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "routed_mhz", "tuned_mhz"),
    [("ulx3s_85f", 80, 66.7), ("icebreaker", 24, 31.2), ("tang_nano_9k", 70, 53)],
)
def test_a_pll_set_after_routing_is_bit_for_bit_one_that_was_routed(
    name: str,
    routed_mhz: float,
    tuned_mhz: float,
    toy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seed and frequency asked for are the same: a build for another ``--clock`` asks place and route for another one, and gets another placement."""
    board = load_board(name)
    first, last = setting(board, routed_mhz), setting(board, tuned_mhz)
    assert first.mhz != last.mhz
    monkeypatch.setattr("hlsgen.bitstream.build.settle_clock", lambda *_: last)
    digests = []
    for number, routed in enumerate((first, last)):
        plan = ClockPlan(routed, False, routed_mhz)
        monkeypatch.setattr("hlsgen.bitstream.build.plan_clock", lambda *_, plan=plan: plan)
        folder = Path(shutil.copytree(toy, tmp_path / f"{number}"))
        result = build(folder, name)
        assert result.clock_mhz == pytest.approx(float(last.mhz), abs=1e-6)
        digests.append(hashlib.sha256((folder / str(result.bitstream)).read_bytes()).hexdigest())
        netlist = folder / "build" / name / "board_top.il"
        digests.append(hashlib.sha256(netlist.read_bytes()).hexdigest())
    tuned, routed_first, at_once, routed_last = digests
    assert routed_first != routed_last  # the two were placed and routed with other parameters
    assert tuned == at_once
