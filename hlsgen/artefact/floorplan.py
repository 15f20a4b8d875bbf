"""Where the parts of a circuit that repeat are to stand on a device, told by their names alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UnitGrid:
    """Instances of the circuit that stand in rows and columns, as they are connected; all rows are as long."""

    units: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Floorplan:
    """``parts`` from west to east, each over the whole height of the device and as wide as its memories need; the grids of a part lie
    over each other."""

    parts: tuple[tuple[UnitGrid, ...], ...]
