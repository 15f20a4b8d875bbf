"""The wiring of a fabric: links between cells, and what every multiplexer of a cell can choose from, in the order of its codes.

A *source* is a string that names a place where a word is visible in a cell during one cycle:

* ``"N" "E" "S" "W"`` (and ``"N2"`` ... for longer hops): the link that arrives from the neighbour in that direction;
* ``"register_a" "register_b"``: the two read ports of the rotating register file;
* ``"result"``: the operator issued in this cycle, if its latency is 1 (it is seen by crossbars only, not by operands);
* ``"late"``: the operator of larger latency L issued L - 1 cycles ago;
* ``"memory_<side>"``: the word read by the tile on that side in the cycle before;
* ``"constant"``: the constant of the context (operands a and b only).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from hlsgen.fabric.ir import Cell, Fabric

DIRECTIONS: Mapping[str, tuple[int, int]] = {"N": (-1, 0), "E": (0, 1), "S": (1, 0), "W": (0, -1)}
OPPOSITE: Mapping[str, str] = {"N": "S", "E": "W", "S": "N", "W": "E"}


def opposite(direction: str) -> str:
    """``"N2"`` -> ``"S2"``: the name that the other end of a link gives it."""
    return OPPOSITE[direction[0]] + direction[1:]


@cache
def outgoing(fabric: Fabric, cell: Cell) -> Mapping[str, Cell]:
    """Direction -> the cell that a link out of ``cell`` leads to; only links that exist, in the order of their codes."""
    neighbours: dict[str, Cell] = {}
    for hop in fabric.hops:
        for direction, (down, right) in DIRECTIONS.items():
            row, column = cell[0] + hop * down, cell[1] + hop * right
            if fabric.torus:
                row, column = row % fabric.rows, column % fabric.columns
            inside = 0 <= row < fabric.rows and 0 <= column < fabric.columns
            if inside and (row, column) != cell:
                neighbours[direction if hop == 1 else f"{direction}{hop}"] = (row, column)
    return neighbours


def incoming(fabric: Fabric, cell: Cell) -> Mapping[str, Cell]:
    """Direction -> the cell whose link arrives from there (the link out of that cell in the opposite direction)."""
    return outgoing(fabric, cell)  # links come in pairs


@cache
def registered_sources(fabric: Fabric, cell: Cell) -> tuple[str, ...]:
    """What operands, predicates and memory tiles of a cell can read: everything that starts at a register."""
    sources = list(incoming(fabric, cell))
    if fabric.registers:
        sources += ["register_a", "register_b"]
    if fabric.kind(cell).late_latency > 1:
        sources.append("late")
    sources += [f"memory_{tile.side}" for tile in fabric.tiles_at(cell)]
    return tuple(sources)


@cache
def operand_sources(fabric: Fabric, cell: Cell) -> tuple[str, ...]:
    """Codes of operand multiplexers a and b."""
    return ("constant", *registered_sources(fabric, cell))


@cache
def crossbar_sources(fabric: Fabric, cell: Cell) -> tuple[str, ...]:
    """Codes of the multiplexers in front of links and of the register file's write port."""
    kind = fabric.kind(cell)
    fast = any(latency == 1 for _, latency in kind.latencies)
    return (*registered_sources(fabric, cell), *(("result",) if fast else ()))
