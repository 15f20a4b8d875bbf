"""What a fabric must have for networks: a west tile with a requantiser on every row, a north tile on every column."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.arch.fabric import Fabric, MemoryTile
from hlsgen.errors import UnsupportedOp


@dataclass(frozen=True)
class Border:
    """``west[r]``, ``north[c]``: the tiles of row r and column c; ``words``: elements that all of a side have.

    ``parameters``: rows that all west tiles have; ``bits`` of an element; ``latency`` of a multiply-accumulate.
    """

    west: tuple[MemoryTile, ...]
    north: tuple[MemoryTile, ...]
    word_bits: int
    latency: int

    @property
    def west_words(self) -> int:
        return min(tile.words for tile in self.west)

    @property
    def north_words(self) -> int:
        return min(tile.words for tile in self.north)

    @property
    def parameters(self) -> int:
        return min(tile.parameters for tile in self.west)

    @property
    def bits(self) -> int:
        return self.west[0].bits


def border(fabric: Fabric) -> Border:
    """The tiles at the border; raises UnsupportedOp, naming what is missing, for a fabric that cannot run networks."""
    west = {tile.cell[0]: tile for tile in fabric.tiles if tile.side == "west"}
    north = {tile.cell[1]: tile for tile in fabric.tiles if tile.side == "north"}
    missing = [f"no west tile in row {r}" for r in range(fabric.rows) if r not in west]
    missing += [f"no north tile in column {c}" for c in range(fabric.columns) if c not in north]
    missing += [
        f"no requantiser in {t.name} (parameters = 0)" for t in west.values() if not t.parameters
    ]
    missing += [f"no write generator in {t.name}" for t in west.values() if not t.write_generators]
    missing += [
        f"{t.bits}-bit elements in {t.name}"
        for t in (*west.values(), *north.values())
        if t.bits != 8
    ]
    missing += [] if fabric.drain else ["no drain chain (drain = false)"]
    missing += [] if fabric.accumulator_bits else ["no accumulators (accumulator_bits = 0)"]
    if missing:
        raise UnsupportedOp(
            f"fabric {fabric.name}",
            "expected a west tile of 8-bit elements with a requantiser on every row, a north tile on every column and"
            f" a drain chain; found {', '.join(missing[:4])}{', ...' if len(missing) > 4 else ''}",
            "Use a fabric made for networks, for example mac_8x8.",
        )
    return Border(
        tuple(west[r] for r in range(fabric.rows)),
        tuple(north[c] for c in range(fabric.columns)),
        fabric.word_bits,
        fabric.kind((0, 0)).late_latency,
    )
