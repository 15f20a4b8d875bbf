"""What the link of a board takes of its device, so that a design is planned for the rest."""

from __future__ import annotations

from hlsgen.board import Board
from hlsgen.cost.units import Cost

_FULLEST = {"ice40": 0.85}
"""Of the device's LUTs, with the link. nextpnr finds no legal places for all the carry chains of designs of 88 and 89 % of an UP5K, and does for some of 80 to 82 %."""
FULLEST = 0.92
"""The same of the other families: beyond that nextpnr finds no places or no wires on the small devices."""
_MULTIPLIED = {"gowin": 0.75}
"""Of the device's DSP blocks: nextpnr finds no legal places for multipliers of 9 bits in 39 of the 40 units of a GW1NR-9, and does for 29."""
_LINKS = {
    "ice40": Cost(lut=1165, ff=543, bram=7),
    "ecp5": Cost(lut=972, ff=544, bram=4),
    "gowin": Cost(lut=1018, ff=548, bram=4),
}
"""With one input and one output, as ``python -m benchmarks.run link`` measures it; families without place and route have no link."""
_MORE = {
    "ice40": (Cost(lut=212, ff=91, bram=4), Cost(lut=164, ff=58, bram=2)),
    "ecp5": (Cost(lut=169, ff=92, bram=2), Cost(lut=137, ff=58, bram=1)),
    "gowin": (Cost(lut=150, ff=92, bram=2), Cost(lut=189, ff=58, bram=1)),
}
"""Another input (buffer, positions, the sample that is measured) and another output; from tops of (2, 1), (2, 2) and (4, 4) of them."""


def link_cost(board: Board, inputs: int = 1, outputs: int = 1) -> Cost:
    """The link of a design with so many inputs and outputs, of words of a byte."""
    if board.family not in _LINKS:
        return Cost()
    more_inputs, more_outputs = _MORE[board.family]
    more = more_inputs.times(inputs - 1) + more_outputs.times(outputs - 1)
    return _LINKS[board.family] + more


def lut_room(board: Board, inputs: int = 1, outputs: int = 1) -> float:
    """LUTs that a design may have beside the link."""
    share = _FULLEST.get(board.family, FULLEST)
    return max(0.0, share * board.lut - float(link_cost(board, inputs, outputs).lut))


def dsp_room(board: Board) -> int:
    """DSP blocks that a design may have where nobody asks for more."""
    return int(_MULTIPLIED.get(board.family, 1.0) * board.dsp)


def bram_room(board: Board, inputs: int = 1, outputs: int = 1) -> int:
    """RAM blocks that a design may have beside the link."""
    return max(0, board.bram - int(link_cost(board, inputs, outputs).bram))
