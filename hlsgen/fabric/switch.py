"""The wiring of a fabric: links between cells, and what every multiplexer of a cell can choose from, in the order of its codes.

A *source* is a string that names a place where a word is visible in a cell during one cycle:

* ``"N" "E" "S" "W"`` (and ``"N2"`` ... for longer hops): the link that arrives from the neighbour in that direction;
* ``"register_a" "register_b"``: the two read ports of the rotating register file;
* ``"result"``: the operator issued in this cycle, if its latency is 1 (it is seen by crossbars only, not by operands);
* ``"late"``: the operator of larger latency L issued L - 1 cycles ago;
* ``"memory_<side>"``: the word read by the tile on that side in the cycle before;
* ``"constant"``: the constant of the context (operands a and b only).

A *multiplexer* is named by what it feeds: ``"a" "b"`` (operands), ``"predicate"``, ``"register"`` (the write port of the register file),
``"memory"`` (data, indices and predicates of the cell's tiles), or the direction of a link that leaves. ``PeKind.sources`` says which sources
are built; a link of which no source is there, is not there either.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from hlsgen.fabric.ir import Cell, Fabric

DIRECTIONS: Mapping[str, tuple[int, int]] = {"N": (-1, 0), "E": (0, 1), "S": (1, 0), "W": (0, -1)}
OPPOSITE: Mapping[str, str] = {"N": "S", "E": "W", "S": "N", "W": "E"}
OPERANDS = ("a", "b")
INNER = (*OPERANDS, "predicate", "register", "memory")
"""The multiplexers that are not links."""
OTHER_SOURCES = ("constant", "register_a", "register_b", "late", "result")
"""The sources that are neither links nor words of tiles."""


def opposite(direction: str) -> str:
    """``"N2"`` -> ``"S2"``: the name that the other end of a link gives it."""
    return OPPOSITE[direction[0]] + direction[1:]


def link_names(fabric: Fabric) -> tuple[str, ...]:
    """Every direction and length of a link that a cell in the middle could have, in the order of their codes."""
    return tuple(d if hop == 1 else f"{d}{hop}" for hop in fabric.hops for d in DIRECTIONS)


def outgoing(fabric: Fabric, cell: Cell) -> Mapping[str, Cell]:
    """Direction -> the cell that a link out of ``cell`` leads to; only links that exist, in the order of their codes."""
    return _links(fabric)[cell]


def incoming(fabric: Fabric, cell: Cell) -> Mapping[str, Cell]:
    """Direction -> the cell whose link arrives from there (the link out of that cell in the opposite direction)."""
    return _arriving(fabric, cell, _links(fabric))


@cache
def sources(fabric: Fabric, cell: Cell, multiplexer: str) -> tuple[str, ...]:
    """What a multiplexer of a cell chooses among, in the order of its codes."""
    return _chosen(fabric, cell, multiplexer, _links(fabric))


@cache
def _links(fabric: Fabric) -> Mapping[Cell, Mapping[str, Cell]]:
    """The links out of every cell: all that the grid has room for, less those that nothing can enter, until every one left has a source."""
    there = {cell: dict(_neighbours(fabric, cell)) for cell in fabric.cells}
    while True:
        empty = [
            (cell, link)
            for cell, ways in there.items()
            for link in ways
            if not _chosen(fabric, cell, link, there)
        ]
        for cell, link in empty:
            del there[cell][link]
        if not empty:
            return there


@cache
def _neighbours(fabric: Fabric, cell: Cell) -> Mapping[str, Cell]:
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


def _arriving(
    fabric: Fabric, cell: Cell, links: Mapping[Cell, Mapping[str, Cell]]
) -> Mapping[str, Cell]:
    near = _neighbours(fabric, cell).items()
    return {direction: far for direction, far in near if opposite(direction) in links[far]}


def _chosen(
    fabric: Fabric, cell: Cell, multiplexer: str, links: Mapping[Cell, Mapping[str, Cell]]
) -> tuple[str, ...]:
    needless = {"register": not fabric.registers, "memory": not fabric.tiles_at(cell)}
    if needless.get(multiplexer, False):
        return ()
    kind = fabric.kind(cell)
    there = list(_arriving(fabric, cell, links))  # everything that starts at a register
    if fabric.registers:
        there += ["register_a", "register_b"]
    if kind.late_latency > 1:
        there.append("late")
    there += [f"memory_{tile.side}" for tile in fabric.tiles_at(cell)]
    if multiplexer in OPERANDS:
        there.insert(0, "constant")
    elif multiplexer not in INNER or multiplexer == "register":
        there += ["result"] if any(latency == 1 for _, latency in kind.latencies) else []
    return tuple(source for source in there if kind.takes(multiplexer, source))
