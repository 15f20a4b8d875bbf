"""A design is planned for what the link leaves of a board."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hlsgen.board import Board, boards, load_board
from hlsgen.cost.link import FULLEST, bram_room, link_cost, lut_room
from hlsgen.schedule.stream_network.options import StreamOptions, budget_of

MEASURED = Path(__file__).parents[2] / "benchmarks" / "results"


@pytest.mark.parametrize("board", boards(), ids=lambda board: board.name)
def test_what_a_design_may_use_and_the_link_have_room_on_the_device(board: Board) -> None:
    budget, link = budget_of(board, StreamOptions(lut_share=1.0, bram_share=1.0)), link_cost(board)
    assert 0 < budget.lut + link.lut <= FULLEST * board.lut
    assert 0 < budget.bram + link.bram <= board.bram


def test_a_board_that_the_link_fills_has_no_room() -> None:
    small = replace(load_board("icebreaker"), lut=1000, bram=4)
    assert (lut_room(small), bram_room(small)) == (0.0, 0)


@pytest.mark.parametrize("name", ["icebreaker", "tang_nano_9k", "ulx3s_85f"])
def test_the_link_takes_what_was_measured_of_it(name: str) -> None:
    measured = json.loads((MEASURED / f"link-{name}.json").read_text())["values"]["pll"]
    link = link_cost(load_board(name))
    assert link.lut == pytest.approx(measured["lut"], rel=0.03)
    assert link.ff == pytest.approx(measured["ff"], rel=0.03)
    assert link.bram == measured["bram"]
