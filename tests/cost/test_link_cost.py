"""A design is planned for what the link leaves of a board."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.example_nets import vector_net

from hlsgen.board import Board, boards, load_board
from hlsgen.cost.link import FULLEST, bram_room, dsp_room, link_cost, lut_room
from hlsgen.cost.units import Cost
from hlsgen.schedule.stream_network.options import StreamOptions, budget_of

SEVERAL = {
    ("icebreaker", 2, 1): Cost(lut=1369, ff=633, bram=11),
    ("icebreaker", 2, 2): Cost(lut=1521, ff=690, bram=13),
    ("icebreaker", 4, 4): Cost(lut=2297, ff=984, bram=25),
    ("ulx3s_85f", 2, 1): Cost(lut=1145, ff=636, bram=6),
    ("ulx3s_85f", 2, 2): Cost(lut=1277, ff=695, bram=7),
    ("ulx3s_85f", 4, 4): Cost(lut=1899, ff=997, bram=13),
    ("tang_nano_9k", 2, 1): Cost(lut=1173, ff=640, bram=6),
    ("tang_nano_9k", 2, 2): Cost(lut=1351, ff=698, bram=7),
    ("tang_nano_9k", 4, 4): Cost(lut=2049, ff=998, bram=13),
}
"""Links of so many inputs and outputs: tops of an Add or of ReLUs side by side, less these alone, by synthesis."""
MEASURED = Path(__file__).parents[2] / "benchmarks" / "results"


@pytest.mark.parametrize("board", boards(), ids=lambda board: board.name)
def test_what_a_design_may_use_and_the_link_have_room_on_the_device(board: Board) -> None:
    options = StreamOptions(lut_share=1.0, bram_share=1.0)
    budget, link = budget_of(vector_net(), board, options), link_cost(board)
    fullest = 0.85 if board.family == "ice40" else FULLEST
    assert 0 < budget.lut + link.lut <= fullest * board.lut
    assert 0 < budget.bram + link.bram <= board.bram


def test_multipliers_of_gowin_leave_room_for_the_placer_unless_asked_for() -> None:
    board = load_board("tang_nano_9k")
    assert (board.dsp, dsp_room(board)) == (40, 30)
    assert budget_of(vector_net(), board, StreamOptions()).dsp == 30
    assert budget_of(vector_net(), board, StreamOptions(dsp=40)).dsp == 40
    assert dsp_room(load_board("ulx3s_85f")) == 156


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


@pytest.mark.parametrize("ports", SEVERAL, ids=str)
def test_the_link_of_several_ports_takes_what_was_measured_of_it(
    ports: tuple[str, int, int],
) -> None:
    name, inputs, outputs = ports
    link, counted = link_cost(load_board(name), inputs, outputs), SEVERAL[ports]
    assert link.lut == pytest.approx(counted.lut, rel=0.05)
    assert link.ff == pytest.approx(counted.ff, rel=0.03)
    assert link.bram == counted.bram


def test_a_design_of_several_ports_has_less_room() -> None:
    board, options = load_board("icebreaker"), StreamOptions()
    one = budget_of(vector_net(), board, options)
    several = budget_of(replace(vector_net(), outputs=vector_net().outputs * 3), board, options)
    more = 2 * link_cost(board, 1, 2).lut - 2 * link_cost(board).lut
    assert (several.lut, several.bram) == (one.lut - more, one.bram - 4)
