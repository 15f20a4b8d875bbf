"""Where PEs and memory tiles of a fabric are to stand on a device: as they stand in the fabric."""

from __future__ import annotations

from hlsgen.artefact.floorplan import Floorplan, UnitGrid
from hlsgen.fabric.ir import Fabric


def floorplan(fabric: Fabric) -> Floorplan:
    """The tiles of the west, PEs with the tiles of the north and the south, the tiles of the east.

    A placer that minimises the length of all wires at once winds an array of 8 x 8 up, with longer wires, which its router does not finish.
    """
    rows, columns = fabric.rows, fabric.columns
    cells = UnitGrid(tuple(tuple(f"pe_{r}_{c}" for c in range(columns)) for r in range(rows)))
    sides = {side: _tiles(fabric, side) for side in ("west", "north", "south", "east")}
    parts = (
        sides["west"],
        (cells, *sides["north"], *sides["south"]),
        sides["east"],
    )
    return Floorplan(tuple(part for part in parts if part))


def _tiles(fabric: Fabric, side: str) -> tuple[UnitGrid, ...]:
    """The tiles of a side in their order, a row each."""
    tiles = [tile for tile in fabric.tiles if tile.side == side]
    units = tuple((f"tile_{side}_{tile.cell[0]}_{tile.cell[1]}",) for tile in tiles)
    return (UnitGrid(units),) if units else ()
