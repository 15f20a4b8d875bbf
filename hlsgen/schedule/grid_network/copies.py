"""Copies of rows from one west tile to others, over the links of the western column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hlsgen.fabric.configuration import (
    Configuration,
    Generator,
    GeneratorLoop,
    PeContext,
    ReadContext,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.ir import Fabric
from hlsgen.schedule.grid_network.border import Border
from hlsgen.schedule.grid_network.regions import Region


@dataclass(frozen=True)
class _Move:
    """``rows[r]``: what tile r receives from tile r + ``distance`` (southern where positive). No two of them share a link."""

    distance: int
    rows: dict[int, range]

    @property
    def longest(self) -> int:
        return max(len(rows) for rows in self.rows.values())


def copy_configurations(
    fabric: Fabric, fabric_hash: int, border: Border, region: Region
) -> tuple[Configuration, ...]:
    """Runs after which every tile holds all of its ``region.stored`` rows, given that it holds its ``region.owned`` ones.

    Rows from as far north and as far south are copied in one run of two slots, where contexts and generators allow it.
    """
    slots = min(
        fabric.contexts,
        min(tile.read_generators for tile in border.west),
        min(tile.write_generators for tile in border.west),
    )
    runs = []
    for distance in range(1, fabric.rows):
        for north, south in zip(_moves(region, distance), _moves(region, -distance), strict=True):
            moves = [move for move in (north, south) if move.rows]
            if len(moves) <= slots:
                runs += [moves] if moves else []
            else:
                runs += [[move] for move in moves]
    return tuple(_configuration(fabric_hash, border, region, run) for run in runs)


def _moves(region: Region, distance: int) -> Iterator[_Move]:
    """All rows that come over one distance; those whose ways would overlap are in different moves."""
    span = abs(distance)
    for residue in range(span):
        rows = {}
        for target in range(residue, len(region.stored), span):
            source = target + distance
            if 0 <= source < len(region.owned) and region.sample(source) == region.sample(target):
                needed, held = region.stored[target], region.owned[source]
                common = range(max(needed.start, held.start), min(needed.stop, held.stop))
                if common:
                    rows[target] = common
        yield _Move(distance, rows)


def _configuration(
    fabric_hash: int, border: Border, region: Region, moves: list[_Move]
) -> Configuration:
    interval = len(moves)
    contexts: dict[int, list[tuple[tuple[str, str], ...]]] = {}
    tiles: dict[int, _Tile] = {}
    cycles = 0
    for slot, move in enumerate(moves):
        north = move.distance > 0
        span = abs(move.distance)
        link, arrival = ("N", "S") if north else ("S", "N")
        for target, rows in move.rows.items():
            source = target + move.distance
            for hop in range(span):
                row = source - hop if north else source + hop
                slots = contexts.setdefault(row, [()] * interval)
                driver = "memory_west" if hop == 0 else arrival
                slots[(slot + 1 + hop) % interval] += ((link, driver),)
            loop = (GeneratorLoop(len(rows) * region.row_pitch, 1),)
            begin = region.address(source, rows.start)
            tiles.setdefault(source, _Tile.empty(interval)).read(slot, Generator(loop, base=begin))
            iterations, written = divmod(slot + 1 + span, interval)
            begin = region.address(target, rows.start)
            tiles.setdefault(target, _Tile.empty(interval)).write(
                slot, written, Generator(loop, iterations, base=begin), arrival
            )
        last_read = interval * (move.longest * region.row_pitch - 1) + slot
        cycles = max(cycles, last_read + 1 + span + 1)
    steps = max(move.longest for move in moves) * region.row_pitch
    return Configuration(
        fabric_hash=fabric_hash,
        interval=interval,
        loops=(steps,),
        lines=(),
        cycles=cycles,
        pes=tuple(
            ((row, 0), tuple(PeContext(links=links) for links in slots))
            for row, slots in sorted(contexts.items())
        ),
        tiles=tuple((border.west[row].name, tile.built()) for row, tile in sorted(tiles.items())),
    )


@dataclass(frozen=True)
class _Tile:
    """A tile's contexts and generators while they are collected, one generator a slot and side."""

    reads: list[ReadContext]
    writes: list[WriteContext]
    readers: list[Generator]
    writers: list[Generator]

    @staticmethod
    def empty(interval: int) -> _Tile:
        return _Tile(
            [ReadContext()] * interval,
            [WriteContext()] * interval,
            [Generator()] * interval,
            [Generator()] * interval,
        )

    def read(self, slot: int, generator: Generator) -> None:
        self.reads[slot] = ReadContext("affine", slot)
        self.readers[slot] = generator

    def write(self, number: int, slot: int, generator: Generator, data: str) -> None:
        self.writes[slot] = WriteContext("affine", number, data=data)
        self.writers[number] = generator

    def built(self) -> TileConfiguration:
        return TileConfiguration(
            tuple(self.reads), tuple(self.writes), tuple(self.readers), tuple(self.writers)
        )
