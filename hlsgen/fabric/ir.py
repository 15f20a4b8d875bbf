"""A fabric: a grid of PEs and switches with memory tiles at its borders, as one plain value.

The mapper's resource graph, the NumPy cycle model and the Amaranth RTL are all computed from it; see docs/grid.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from hlsgen.algebra.packets import LOAD_BITS
from hlsgen.rtl_templates.loop_contract import READ_AHEAD_CYCLES

Cell: TypeAlias = tuple[int, int]
"""(row, column) of a PE; row 0 is the northern one."""

Side = Literal["west", "north", "east", "south"]


@dataclass(frozen=True)
class PeKind:
    """What a PE can compute: (word operator, latency in cycles) pairs; see docs/grid.md.

    Latencies are 1, or one larger number shared by all slower operators of the kind.
    ``sources``: (multiplexer, what it may choose among) pairs, by the names of ``fabric/switch.py``; one that is not named chooses among
    everything that its cell has.
    """

    name: str
    latencies: tuple[tuple[str, int], ...]
    sources: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def operators(self) -> tuple[str, ...]:
        """In the order of their codes (code 0 is not an operation, operator k has code k + 1)."""
        return tuple(name for name, _ in self.latencies)

    def latency(self, operator: str) -> int:
        return dict(self.latencies)[operator]

    def takes(self, multiplexer: str, source: str) -> bool:
        """Whether a multiplexer may choose a source, if the cell has it."""
        named = dict(self.sources)
        return multiplexer not in named or source in named[multiplexer]

    @property
    def late_latency(self) -> int:
        """The latency of the operators slower than one cycle; 1 if there are none."""
        return max((latency for _, latency in self.latencies), default=1)


@dataclass(frozen=True)
class MemoryTile:
    """A bank of ``words`` elements of ``bits`` bits (8, 16 or 32) beside PE ``cell``, on ``side`` of the grid.

    One element is read and one written per cycle. ``parameters`` rows of requantisation parameters (0: no requantiser).
    """

    name: str
    side: Side
    cell: Cell
    words: int
    bits: int
    read_generators: int
    write_generators: int
    parameters: int = 0

    @property
    def lanes(self) -> int:
        """Elements in a word of the load port."""
        return LOAD_BITS // self.bits


@dataclass(frozen=True)
class Fabric:
    """``kinds[row][column]`` names the PeKind of each cell.

    ``word_bits``: width of links and operands; ``accumulator_bits``: 0 where no operator accumulates; ``hops``: lengths of links
    in every direction (1: neighbours; 2: over one cell; ...); ``torus``: links wrap around; ``registers`` of each rotating
    register file (0: none); ``contexts``: the largest initiation interval; ``stages``: how far (in iterations) a loop mark can be
    delayed; ``loops``: levels of the nests of loop control and of address generators; ``trip_bits``: of their trip counters;
    ``drain``: accumulators are chained westwards into the tiles of the west side.
    """

    name: str
    pe_kinds: tuple[PeKind, ...]
    kinds: tuple[tuple[str, ...], ...]
    tiles: tuple[MemoryTile, ...]
    word_bits: int
    accumulator_bits: int
    hops: tuple[int, ...]
    torus: bool
    registers: int
    contexts: int
    stages: int
    drain: bool
    loops: int = 6
    trip_bits: int = 16

    @property
    def rows(self) -> int:
        return len(self.kinds)

    @property
    def columns(self) -> int:
        return len(self.kinds[0])

    @property
    def streams(self) -> bool:
        """Whether tiles can take words of an input stream and give words to an output stream, for which the whole array waits. Where sources are
        restricted they cannot: such fabrics run networks, which speak to the load port alone."""
        return not any(kind.sources for kind in self.pe_kinds)

    @property
    def read_ahead(self) -> int:
        """Cycles by which memory tiles read ahead of the array: none where a stream can hold it up."""
        return 0 if self.streams else READ_AHEAD_CYCLES

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Row-major."""
        return tuple((r, c) for r in range(self.rows) for c in range(self.columns))

    def kind(self, cell: Cell) -> PeKind:
        name = self.kinds[cell[0]][cell[1]]
        return next(kind for kind in self.pe_kinds if kind.name == name)

    def tiles_at(self, cell: Cell) -> tuple[MemoryTile, ...]:
        return tuple(tile for tile in self.tiles if tile.cell == cell)

    def tile(self, name: str) -> MemoryTile:
        return next(tile for tile in self.tiles if tile.name == name)
