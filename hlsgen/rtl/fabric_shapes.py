"""The shapes of a fabric's units, computed from the fabric: what ``rtl_templates`` is told of it."""

from __future__ import annotations

from hlsgen.algebra.fields import without_prefix
from hlsgen.fabric.configuration import LINES
from hlsgen.fabric.configuration_words import (
    CONTROL_UNIT,
    TILE_CONFIGURATION,
    address_bits,
    control_fields,
    counter_bits,
    generator_counters,
    generator_fields,
    pe_fields,
    rest_address,
    result_bits,
    step_fields,
    steps_pitch,
    tile_context_fields,
    tile_fields,
)
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Cell, Fabric, MemoryTile
from hlsgen.fabric.switch import INNER, incoming, opposite, outgoing, sources
from hlsgen.rtl_templates.fabric.shape import ControlShape, PeShape, RunShape
from hlsgen.rtl_templates.fabric.tile_shape import (
    GeneratorShape,
    GridShape,
    RequantiserShape,
    TileShape,
)


def run_shape(fabric: Fabric) -> RunShape:
    """What loop control tells every unit."""
    return RunShape(LINES, fabric.stages, fabric.contexts, fabric.registers, fabric.streams)


def pe_shape(fabric: Fabric, cell: Cell) -> PeShape:
    """The PE of a cell."""
    return PeShape(
        run=run_shape(fabric),
        operators=fabric.kind(cell).latencies,
        arriving=tuple(incoming(fabric, cell)),
        leaving=tuple(outgoing(fabric, cell)),
        memories=tuple(f"memory_{tile.side}" for tile in fabric.tiles_at(cell)),
        sources=tuple(
            (name, sources(fabric, cell, name)) for name in (*INNER, *outgoing(fabric, cell))
        ),
        word_bits=fabric.word_bits,
        accumulator_bits=fabric.accumulator_bits,
        drain=fabric.drain,
        fields=pe_fields(fabric, cell),
    )


def control_shape(fabric: Fabric) -> ControlShape:
    """Loop control."""
    return ControlShape(run_shape(fabric), fabric.loops, control_fields(fabric))


def tile_shape(fabric: Fabric, tile: MemoryTile) -> TileShape:
    """A memory tile."""
    rest = tuple(
        field
        for field in tile_fields(fabric, tile)
        if not field.name.startswith(("read", "write", "requantise_"))
    )
    return TileShape(
        run=run_shape(fabric),
        sources=len(sources(fabric, tile.cell, "memory")),
        word_bits=fabric.word_bits,
        bits=tile.bits,
        address_bits=address_bits(tile),
        contexts=tile_context_fields(fabric, tile),
        rest_address=rest_address(fabric, tile) - TILE_CONFIGURATION,
        steps_pitch=steps_pitch(fabric, tile),
        reads=tuple(
            _generator(fabric, tile, "read", number) for number in range(tile.read_generators)
        ),
        writes=tuple(
            _generator(fabric, tile, "write", number) for number in range(tile.write_generators)
        ),
        plain=rest,
        requantiser=_requantiser(fabric, tile) if tile.parameters else None,
    )


def _generator(fabric: Fabric, tile: MemoryTile, port: str, number: int) -> GeneratorShape:
    counters = generator_counters(fabric, port)
    fields = generator_fields(fabric, tile, port, number)
    return GeneratorShape(
        fabric.loops,
        tuple((name, counter_bits(tile, name)) for name in counters),
        without_prefix(fields, f"{port}{number}_"),
        step_fields(fabric, tile, port),
    )


def _requantiser(fabric: Fabric, tile: MemoryTile) -> RequantiserShape:
    prefix = "requantise_"
    fields = [field for field in tile_fields(fabric, tile) if field.name.startswith(prefix)]
    return RequantiserShape(
        word_bits=fabric.accumulator_bits,
        rows=tile.parameters,
        result_bits=result_bits(tile),
        fields=without_prefix(fields, prefix),
    )


def grid_shape(fabric: Fabric) -> GridShape:
    """The whole fabric."""
    links = tuple(
        (cell, link, target)
        for cell in fabric.cells
        for link, target in outgoing(fabric, cell).items()
    )
    names = sorted({link for _, link, _ in links})
    return GridShape(
        hash=fabric_hash(fabric),
        control=control_shape(fabric),
        control_unit=CONTROL_UNIT,
        cells=tuple((cell, pe_shape(fabric, cell)) for cell in fabric.cells),
        links=links,
        opposite=tuple((name, opposite(name)) for name in names),
        tiles=tuple(
            (tile.cell, f"memory_{tile.side}", tile_shape(fabric, tile)) for tile in fabric.tiles
        ),
        word_bits=fabric.word_bits,
        drain=fabric.drain,
        streams=fabric.streams,
    )
