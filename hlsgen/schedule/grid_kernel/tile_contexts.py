"""The part of a configuration that memory tiles are told: ports slot by slot, and address generators that accesses share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from hlsgen.algebra.affine import box
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.modes import ELEMENT_BITS
from hlsgen.errors import DoesNotFit
from hlsgen.fabric.configuration import (
    Generator,
    GeneratorLoop,
    LineTap,
    ReadContext,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.configuration_words import address_bits
from hlsgen.fabric.ir import MemoryTile
from hlsgen.loops.evaluate import is_indexed
from hlsgen.loops.ir import Array, LoopGraph, Operation
from hlsgen.loops.narrow_indices import fits
from hlsgen.schedule.grid_kernel.bank_layout import BankLayout
from hlsgen.schedule.grid_kernel.mapping import GridMapping, Placement, Use

Sources: TypeAlias = Mapping[Use, str]
"""What an operand's multiplexer chooses."""


def tile_configurations(
    mapping: GridMapping, layout: BankLayout, sources: Sources, lines: Mapping[Mark, int]
) -> tuple[tuple[str, TileConfiguration], ...]:
    """The configuration of every tile that is used, in the order of the fabric's tiles."""
    configurations = []
    for tile in mapping.fabric.tiles:
        here = [
            (operation, place)
            for operation in mapping.graph.operations
            if (place := mapping.placements[operation.name]).tile == tile.name
        ]
        if here:
            contexts = _Tile(mapping, layout, tile)
            for operation, place in here:
                contexts.access(operation, place, sources, lines)
            configurations.append((tile.name, contexts.finished()))
    return tuple(configurations)


class _Tile:
    """One tile, filled access by access."""

    def __init__(self, mapping: GridMapping, layout: BankLayout, tile: MemoryTile) -> None:
        self.mapping, self.layout, self.tile = mapping, layout, tile
        self.reads = [ReadContext()] * mapping.ii
        self.writes = [WriteContext()] * mapping.ii
        self.generators: dict[str, list[Generator]] = {"read": [], "write": []}

    def finished(self) -> TileConfiguration:
        return TileConfiguration(
            reads=tuple(self.reads),
            writes=tuple(self.writes),
            read_generators=tuple(self.generators["read"]),
            write_generators=tuple(self.generators["write"]),
        )

    def access(
        self,
        operation: Operation,
        place: Placement,
        sources: Sources,
        lines: Mapping[Mark, int],
    ) -> None:
        slot = place.time % self.mapping.ii
        if operation.operator == "affine":
            self.reads[slot] = self._affine(operation, place)
        elif operation.operator == "load":
            self.reads[slot] = self._load(operation, place, sources)
        else:
            self.writes[slot] = self._store(operation, place, sources, lines)

    def _generator(self, operation: Operation, place: Placement) -> int:
        """The number of the generator that walks as the access does, in its stage."""
        assert operation.address is not None
        port = "write" if operation.operator == "store" else "read"
        loops = tuple(
            GeneratorLoop(loop.extent, operation.address.coefficient(loop.name))
            for loop in self.mapping.graph.loops
        )
        generator = Generator(loops=loops, delay=place.time // self.mapping.ii)
        known = self.generators[port]
        if generator not in known:
            known.append(generator)
        return known.index(generator)

    def _offset(self, operation: Operation) -> int:
        """Where element ``address.offset`` of the array is; addresses are modulo the bank's size."""
        assert operation.array is not None and operation.address is not None
        base = self.layout.bases[operation.array][self.tile.name]
        return (base + operation.address.offset) % (1 << address_bits(self.tile))

    def _affine(self, operation: Operation, place: Placement) -> ReadContext:
        assert operation.address is not None
        bits = address_bits(self.tile)
        low, high = operation.address.range(box(self.mapping.graph.loops))
        if not fits(self.mapping.graph, operation.address, bits):
            raise DoesNotFit(
                f"loop graph {self.mapping.graph.name}, operation {operation.name} (affine)",
                f"expected values of loop indices in the {bits} bits of addresses in tile {self.tile.name}, found {low} to {high}",
                "Use a fabric with larger tiles, or carry the index as a variable of the loop.",
            )
        return ReadContext(
            "address",
            self._generator(operation, place),
            operation.address.offset % (1 << bits),
            signed=low < 0,
        )

    def _load(self, operation: Operation, place: Placement, sources: Sources) -> ReadContext:
        signed = self._array(operation).element.signed
        if is_indexed(operation):
            index = sources[Use(operation.name, 0)]
            offset = self._offset(operation)
            return ReadContext("indexed", 0, offset, index, signed, operation.wrap_bits)
        number = self._generator(operation, place)
        return ReadContext("affine", number, self._offset(operation), signed=signed)

    def _store(
        self,
        operation: Operation,
        place: Placement,
        sources: Sources,
        lines: Mapping[Mark, int],
    ) -> WriteContext:
        element = self._array(operation).element
        if element.bits not in ELEMENT_BITS:
            raise DoesNotFit(
                f"loop graph {self.mapping.graph.name}, array {operation.array}",
                f"expected elements of {', '.join(map(str, ELEMENT_BITS))} bits where an array is written, found {element}",
                "Use one of these element types.",
            )
        indexed = is_indexed(operation)
        stage = place.time // self.mapping.ii
        return WriteContext(
            mode="indexed" if indexed else "affine",
            generator=self._generator(operation, place),
            offset=self._offset(operation),
            index=sources[Use(operation.name, 1)] if indexed else None,
            data=sources[Use(operation.name, 0)],
            predicate=predicate_of(operation, sources, lines, stage),
            when=_when(operation, self.mapping.graph),
            element_bits=element.bits,
            signed=element.signed,
            wrap_bits=operation.wrap_bits,
        )

    def _array(self, operation: Operation) -> Array:
        assert operation.array is not None
        return self.mapping.graph.array(operation.array)


def predicate_of(
    operation: Operation, sources: Sources, lines: Mapping[Mark, int], stage: int
) -> str | LineTap | None:
    """What a context says of an operation's predicate."""
    if isinstance(operation.predicate, Mark):
        return LineTap(lines[operation.predicate], stage)
    if operation.predicate is None:
        return None
    return sources[Use(operation.name, "predicate")]


def _when(operation: Operation, graph: LoopGraph) -> int | None:
    """The level of ``when``; None where it holds in every iteration."""
    if operation.when is None or operation.when.level == len(graph.loops):
        return None
    return operation.when.level
