"""The memory tiles of a run: banks in one flat array, and for each slot what their ports do in every iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.cycle_model.address_sequence import AddressSequence, address_sequence
from hlsgen.cycle_model.visible import Conditions, Places
from hlsgen.fabric.configuration import (
    Configuration,
    ReadContext,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.configuration_words import address_bits
from hlsgen.fabric.ir import Fabric, MemoryTile


@dataclass(frozen=True, eq=False)
class Banks:
    """``cells[first[k] : first[k] + sizes[k]]``: tile k's elements as unsigned bits; then a zero, then each tile's padding."""

    fabric: Fabric
    first: tuple[int, ...]
    sizes: tuple[int, ...]
    cells: np.ndarray

    @classmethod
    def of(cls, fabric: Fabric, contents: Mapping[str, np.ndarray]) -> Banks:
        """Banks with these elements from address 0 on, 0 elsewhere."""
        sizes = tuple(1 << address_bits(tile) for tile in fabric.tiles)
        first = tuple(int(sum(sizes[:k])) for k in range(len(sizes)))
        cells = np.zeros(sum(sizes) + 1 + len(sizes), dtype=np.int64)
        for k, tile in enumerate(fabric.tiles):
            if tile.name in contents:
                elements = np.asarray(contents[tile.name], dtype=np.int64).reshape(-1)
                cells[first[k] : first[k] + len(elements)] = elements & ((1 << tile.bits) - 1)
        return cls(fabric, first, sizes, cells)

    @property
    def zero(self) -> int:
        """The index of an element that is always 0."""
        return sum(self.sizes)

    def padding(self, tile: int) -> int:
        """The index of a tile's padding element."""
        return self.zero + 1 + tile

    def contents(self) -> dict[str, np.ndarray]:
        """Tile name -> its elements, as unsigned bits."""
        return {
            tile.name: self.cells[self.first[k] : self.first[k] + self.sizes[k]].copy()
            for k, tile in enumerate(self.fabric.tiles)
        }


@dataclass(frozen=True, eq=False)
class AffineReads:
    """The affine reads of a slot, all tiles at once: (K, n) arrays of element index and marks; ``half`` extends the sign."""

    tiles: np.ndarray
    elements: np.ndarray
    marks: np.ndarray
    half: np.ndarray


@dataclass(frozen=True, eq=False)
class AffineWrites:
    """The affine writes of a slot: (K, n) element indices and enables; words are cut by ``cut`` and ``half``, then by ``bits``."""

    elements: np.ndarray
    enables: np.ndarray
    predicate: Conditions
    sources: np.ndarray
    cut: np.ndarray
    half: np.ndarray
    bits: np.ndarray


@dataclass(frozen=True, eq=False)
class OtherRead:
    """A read that is not affine."""

    tile: int
    context: ReadContext
    index: int
    sequence: AddressSequence | None


@dataclass(frozen=True, eq=False)
class OtherWrite:
    """A write that is indexed, or has to do with a stream."""

    tile: int
    context: WriteContext
    index: int
    source: int | None
    predicate: Conditions
    sequence: AddressSequence | None


@dataclass(frozen=True, eq=False)
class Ports:
    """What the tiles do in one slot."""

    reads: AffineReads | None
    writes: AffineWrites | None
    other_reads: tuple[OtherRead, ...]
    other_writes: tuple[OtherWrite, ...]


def ports(
    configuration: Configuration, places: Places, banks: Banks, iterations: int
) -> tuple[Ports, ...]:
    """The ports of every slot."""
    fabric = places.fabric
    named = dict(configuration.tiles)
    tiles = [
        (k, tile, named[tile.name]) for k, tile in enumerate(fabric.tiles) if tile.name in named
    ]
    sequences = {
        (k, port, number): address_sequence(generator, iterations)
        for k, _, settings in tiles
        for port, generators in (
            ("read", settings.read_generators),
            ("write", settings.write_generators),
        )
        for number, generator in enumerate(generators)
        if not generator.data_driven
    }
    for k, tile, settings in tiles:
        banks.cells[banks.padding(k)] = settings.padding & ((1 << tile.bits) - 1)
    return tuple(
        Ports(
            _affine_reads(tiles, slot, banks, sequences),
            _affine_writes(tiles, slot, banks, sequences, places),
            tuple(_other_reads(tiles, slot, sequences, places)),
            tuple(_other_writes(tiles, slot, sequences, places)),
        )
        for slot in range(configuration.interval)
    )


ConfiguredTiles = Sequence[tuple[int, MemoryTile, TileConfiguration]]
AddressSequences = Mapping[tuple[int, str, int], AddressSequence]


def _affine_reads(
    configured: ConfiguredTiles, slot: int, banks: Banks, sequences: AddressSequences
) -> AffineReads | None:
    tiles, elements, marks, half = [], [], [], []
    for k, tile, settings in configured:
        if not settings.reads or settings.reads[slot].mode != "affine":
            continue
        context = settings.reads[slot]
        sequence = sequences[k, "read", context.generator]
        address = (sequence.address + context.offset) % banks.sizes[k] + banks.first[k]
        address = np.where(sequence.inside, address, banks.padding(k))
        tiles.append(k)
        elements.append(np.where(sequence.valid, address, banks.zero))
        marks.append(sequence.first.astype(np.int64) * 2 + sequence.last)
        half.append((1 << (tile.bits - 1)) if context.signed else 0)
    if not tiles:
        return None
    return AffineReads(
        np.array(tiles), np.stack(elements, axis=1), np.stack(marks, axis=1), np.array(half)
    )


def _affine_writes(
    configured: ConfiguredTiles,
    slot: int,
    banks: Banks,
    sequences: AddressSequences,
    places: Places,
) -> AffineWrites | None:
    chosen = [
        (k, tile, settings.writes[slot])
        for k, tile, settings in configured
        if settings.writes
        and settings.writes[slot].mode == "affine"
        and settings.writes[slot].data != "stream_in"
    ]
    if not chosen:
        return None
    elements, enables = [], []
    for k, _, context in chosen:
        sequence = sequences[k, "write", context.generator]
        elements.append((sequence.address + context.offset) % banks.sizes[k] + banks.first[k])
        when = sequence.valid if context.when is None else sequence.last_from[context.when]
        enables.append(when)
    return AffineWrites(
        np.stack(elements, axis=1),
        np.stack(enables, axis=1),
        Conditions.of(places, [(tile.cell, context.predicate) for _, tile, context in chosen]),
        np.array([places.index(tile.cell, str(context.data)) for _, tile, context in chosen]),
        np.array([(1 << context.element_bits) - 1 for _, _, context in chosen]),
        np.array(
            [(1 << (c.element_bits - 1)) if c.signed else 0 for _, _, c in chosen], dtype=np.int64
        ),
        np.array([(1 << tile.bits) - 1 for _, tile, _ in chosen]),
    )


def _other_reads(
    configured: ConfiguredTiles, slot: int, sequences: AddressSequences, places: Places
) -> Sequence[OtherRead]:
    reads = []
    for k, tile, settings in configured:
        if settings.reads and settings.reads[slot].mode in ("indexed", "address", "stream"):
            context = settings.reads[slot]
            index = places.index(tile.cell, context.index) if context.index else 0
            reads.append(
                OtherRead(k, context, index, sequences.get((k, "read", context.generator)))
            )
    return reads


def _other_writes(
    configured: ConfiguredTiles, slot: int, sequences: AddressSequences, places: Places
) -> Sequence[OtherWrite]:
    writes = []
    for k, tile, settings in configured:
        if not settings.writes:
            continue
        context = settings.writes[slot]
        if context.mode in ("indexed", "stream") or (
            context.mode == "affine" and context.data == "stream_in"
        ):
            index = places.index(tile.cell, context.index) if context.index else 0
            streamed = context.data == "stream_in"
            source = None if streamed else places.index(tile.cell, str(context.data))
            predicate = Conditions.of(places, [(tile.cell, context.predicate)])
            driven = sequences.get((k, "write", context.generator))
            writes.append(OtherWrite(k, context, index, source, predicate, driven))
    return writes
