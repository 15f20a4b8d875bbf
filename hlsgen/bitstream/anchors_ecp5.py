"""A step of the ECP5 netlist: memories and multipliers of a floorplan's units get their places before the placer begins.

Logic follows the blocks that it is connected to, so that a unit stands where its blocks do. Blocks stand in rows over the width of the
device: a grid of units is folded so that every row of blocks takes as many of its rows, side by side, and its columns keep their order.
Then each block takes the site that makes the sum of all squared distances to the centres of their units least (an assignment problem,
solved by SciPy).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hlsgen.artefact.floorplan import Floorplan, UnitGrid
from hlsgen.bitstream.netlist import Netlist

CIRCUIT = "circuit"
"""The instance of the design in the top module of a board."""


@dataclass(frozen=True)
class Site:
    """``name`` as nextpnr knows it."""

    x: int
    y: int
    name: str


@dataclass(frozen=True)
class BlockRows:
    """Where blocks of one kind are: in the rows ``y``, a group every ``x``, its members ``name`` + number so many columns further."""

    y: tuple[int, ...]
    x: tuple[int, ...]
    name: str
    members: Mapping[int, int]

    def sites(self) -> tuple[Site, ...]:
        return tuple(
            Site(x + further, y, f"X{x + further}/Y{y}/{self.name}{number}")
            for y in self.y
            for x in self.x
            for number, further in self.members.items()
        )


_MEMORIES = {0: 0, 1: 2, 2: 4, 3: 6}
_MULTIPLIERS = {0: 0, 1: 1, 4: 4, 5: 5}
_X_25F = (4, 13, 22, 33, 42, 51, 60)
_X_45F = (4, 13, 22, 31, 42, 51, 60, 69, 78)
_X_85F = (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114)
BLOCKS: Mapping[str, Mapping[str, BlockRows]] = {
    size: {
        "DP16KD": BlockRows(memory_rows, x, "EBR", _MEMORIES),
        "MULT18X18D": BlockRows(multiplier_rows, x, "MULT18_", _MULTIPLIERS),
    }
    for size, x, memory_rows, multiplier_rows in (
        ("12F", _X_25F, (25, 37), (13,)),  # the die of the 25F
        ("25F", _X_25F, (25, 37), (13,)),
        ("45F", _X_45F, (10, 34, 58), (22, 46)),
        ("85F", _X_85F, (22, 46, 70, 82), (10, 34, 58)),
    )
}
"""Size of the device -> kind of block -> where these are (Project Trellis' database, ``tilegrid.json``)."""


def anchor(netlist: Netlist, floorplan: Floorplan, device: str) -> int:
    """Give the blocks of the floorplan's units their sites, in place; returns their number. Other blocks stay the placer's.

    ``device``: LFE5U-85F and the like. A kind of block with more units' blocks than sites, which does not fit anyway, is left alone.
    """
    blocks = BLOCKS[device[-3:]]
    owners = {kind: _owners(netlist, kind, floorplan) for kind in blocks}
    centres = _centres(
        floorplan, blocks, {kind: list(own.values()) for kind, own in owners.items()}
    )
    anchored = 0
    for kind, rows in blocks.items():
        sites, cells = rows.sites(), owners[kind]
        if not cells or len(cells) > len(sites):
            continue
        for cell, site in _assigned(cells, centres, sites).items():
            netlist.cells[cell].setdefault("attributes", {})["BEL"] = site.name
        anchored += len(cells)
    return anchored


def _owners(netlist: Netlist, kind: str, floorplan: Floorplan) -> dict[str, str]:
    """Cell of the kind -> the unit of the floorplan that it is in."""
    units = {unit for _, grid in _grids(floorplan) for row in grid.units for unit in row}
    owners = {cell: cell.split(".")[1:2] for cell in netlist.of_kind(kind)}
    return {
        cell: unit[0]
        for cell, unit in owners.items()
        if cell.startswith(f"{CIRCUIT}.") and unit and unit[0] in units
    }


def _grids(floorplan: Floorplan) -> Iterator[tuple[int, UnitGrid]]:
    """Every grid with the number of its part."""
    return ((number, grid) for number, part in enumerate(floorplan.parts) for grid in part)


def _shares(floorplan: Floorplan, owners: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """From where to where each part reaches, in shares of the device's width: by its memories, all alike where there are none."""
    counts = []
    for number in range(len(floorplan.parts)):
        own = {u for n, grid in _grids(floorplan) if n == number for row in grid.units for u in row}
        counts.append(sum(owner in own for owner in owners) if owners else 1)
    ends = np.cumsum([0, *counts]) / sum(counts)
    return tuple((float(a), float(b)) for a, b in pairwise(ends))


def _centres(
    floorplan: Floorplan, blocks: Mapping[str, BlockRows], owners: Mapping[str, Sequence[str]]
) -> dict[str, tuple[float, float]]:
    """Where units are to stand, in the device's columns and rows; ``owners``: the unit of each block of a kind. A grid stands along the
    rows of its memories; without any, of its multipliers."""
    shares = _shares(floorplan, owners["DP16KD"])
    centres = {}
    for number, grid in _grids(floorplan):
        kinds = [k for k in blocks if any(u in owners[k] for row in grid.units for u in row)]
        if not kinds:
            continue
        there = blocks[kinds[0]]
        left, right = min(there.x), max(there.x) + max(there.members.values())
        rows = grid.units
        folded = -(-len(rows) // len(there.y))
        begin, end = shares[number]
        for r, row in enumerate(rows):
            for c, unit in enumerate(row):
                across = (c + (r % folded + 0.5) / folded) / len(row)
                x = left + (right - left) * (begin + (end - begin) * across)
                centres[unit] = x, float(there.y[r // folded])
    return centres


def _assigned(
    cells: Mapping[str, str], centres: Mapping[str, tuple[float, float]], sites: Sequence[Site]
) -> dict[str, Site]:
    from scipy.optimize import linear_sum_assignment

    names = sorted(cells)
    here = np.array([centres[cells[name]] for name in names])
    there = np.array([(site.x, site.y) for site in sites], dtype=float)
    cost = ((here[:, np.newaxis] - there[np.newaxis]) ** 2).sum(axis=2)
    chosen, taken = linear_sum_assignment(cost)
    return {names[a]: sites[b] for a, b in zip(chosen, taken, strict=True)}
