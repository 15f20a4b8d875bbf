"""What a fabric must have for networks: a west tile with a requantiser on every row, a north tile on every column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hlsgen.errors import UnsupportedOp
from hlsgen.fabric.ir import Fabric, MemoryTile

LOOPS = 6
"""Levels of the nests of a convolution."""


@dataclass(frozen=True)
class Border:
    """``west[r]``, ``north[c]``: the tiles of row r and column c; ``words``: elements that all of a side have.

    ``parameters``: rows that all west tiles have; ``bits`` of an element, of activations in the west and of weights in the north alike;
    ``latency`` of a multiply-accumulate.
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

    @property
    def lanes(self) -> int:
        """Elements in a word of the load port; tiles of both sides are alike in it."""
        return self.west[0].lanes


def border(fabric: Fabric) -> Border:
    """The tiles at the border; raises UnsupportedOp, naming what is missing, for a fabric that cannot run networks."""
    west = {tile.cell[0]: tile for tile in fabric.tiles if tile.side == "west"}
    north = {tile.cell[1]: tile for tile in fabric.tiles if tile.side == "north"}
    latencies = {fabric.kind(cell).late_latency for cell in fabric.cells}
    sides = (*west.values(), *north.values())
    widths = sorted({tile.bits for tile in sides})
    faults = (
        _listed("no west tile in row", (r for r in range(fabric.rows) if r not in west)),
        _listed("no north tile in column", (c for c in range(fabric.columns) if c not in north)),
        _listed("no requantiser in", (t.name for t in west.values() if not t.parameters)),
        *(
            _listed(f"elements of {bits} bits in", (t.name for t in sides if t.bits == bits))
            for bits in widths
            if len(widths) > 1
        ),
        "" if fabric.drain else "no drain chain (drain = false)",
        "" if fabric.accumulator_bits else "no accumulators (accumulator_bits = 0)",
        f"words of {fabric.word_bits} bits for elements of {widths[-1]}"
        if widths and fabric.word_bits < widths[-1]
        else "",
        "" if fabric.loops >= LOOPS else f"nests of {fabric.loops} loops",
        "" if 1 in fabric.hops or len(fabric.cells) == 1 else "no links to neighbours (hops)",
        ""
        if len(latencies) == 1
        else f"PEs of different latencies ({', '.join(map(str, sorted(latencies)))})",
    )
    if any(faults):
        raise UnsupportedOp(
            f"fabric {fabric.name}",
            "expected a west tile with a requantiser on every row, a north tile on every column, all of elements of one width, a drain"
            f" chain, words as wide as elements at least, nests of {LOOPS} loops and one latency;"
            f" found {'; '.join(fault for fault in faults if fault)}",
            "Use a fabric made for networks, for example mac_8x8.",
        )
    return Border(
        tuple(west[r] for r in range(fabric.rows)),
        tuple(north[c] for c in range(fabric.columns)),
        fabric.word_bits,
        fabric.kind((0, 0)).late_latency,
    )


def _listed(what: str, places: Iterable[object]) -> str:
    """``what`` and the first four of ``places``; nothing where there are none."""
    names = [str(place) for place in places]
    return f"{what} {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}" if names else ""
