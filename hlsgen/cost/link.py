"""What the link of a board takes of its device, so that a design is planned for the rest."""

from __future__ import annotations

from hlsgen.board import Board
from hlsgen.cost.units import Cost

FULLEST = 0.92
"""Of the device's LUTs, with the link: beyond that nextpnr finds no places or no wires on the small devices."""
_LINKS = {
    "ice40": Cost(lut=1165, ff=543, bram=7),
    "ecp5": Cost(lut=972, ff=544, bram=4),
    "gowin": Cost(lut=1018, ff=548, bram=4),
}
"""With one input and one output, as ``python -m benchmarks.run link`` measures it; families without place and route have no link."""


def link_cost(board: Board) -> Cost:
    """The link of a design with one input and one output."""
    return _LINKS.get(board.family, Cost())


def lut_room(board: Board) -> float:
    """LUTs that a design may have beside the link."""
    return max(0.0, FULLEST * board.lut - float(link_cost(board).lut))


def bram_room(board: Board) -> int:
    """RAM blocks that a design may have beside the link."""
    return max(0, board.bram - int(link_cost(board).bram))
