"""The template of convolutions and matrix products: output stationary, operands from the west, weights from the north."""

from __future__ import annotations

from math import prod

from hlsgen.arch.configuration import (
    Configuration,
    Generator,
    GeneratorLoop,
    PeContext,
    ReadContext,
    TileConfiguration,
)
from hlsgen.arch.fabric import Cell, Fabric
from hlsgen.dataflow.ir import Loop
from hlsgen.schedule.network.border import Border
from hlsgen.schedule.network.phase import Work, finish_cycles, reading, tile_configuration
from hlsgen.schedule.network.regions import bands

_REDUCE_LEVEL = 3  # of the nest y, x, o-tile, ky, kx, i: where a pixel's sum begins and ends


def matrix_configuration(
    fabric: Fabric, fabric_hash: int, border: Border, work: Work
) -> Configuration:
    """The run in which row r, column c computes output channels c, c + columns, ... of the rows of band r.

    Operands enter row r in cycle r + 1, weights column c in cycle c + 1, so that they meet in every cell; a cell starts anew and
    drains where the operand is marked.
    """
    layer, chunk = work.layer, work.chunk
    assert layer.reduction is not None
    columns, extents = layer.reduction.columns, layer.reduction.extents
    computed = bands(work.target.shape[0], fabric.rows)
    rows = sum(1 for band in computed if band)
    tiles = -(-len(chunk.outputs) // columns)
    tallest = max(len(band) for band in computed)
    width = work.target.shape[1]
    nest = _nest(tallest, width, tiles, extents)
    pes = tuple(
        ((r, c), (_context(fabric, (r, c), rows, columns),))
        for r in range(rows)
        for c in range(columns)
    )
    west = [(border.west[r].name, _west(border, work, r, computed[r], tiles)) for r in range(rows)]
    north = [(border.north[c].name, _north(border, work, c, nest)) for c in range(columns)]
    of_a_row = prod(loop.extent for loop in nest[1:])
    last = max(
        len(computed[r]) * of_a_row + r for r in range(rows)
    )  # the first is in cell (0, 0) in cycle 1
    return Configuration(
        fabric_hash=fabric_hash,
        interval=1,
        loops=tuple(loop.extent for loop in nest),
        lines=(),
        cycles=finish_cycles(border, last + columns - 1, columns - 1),
        pes=pes,
        tiles=tuple(west + north),
    )


def _nest(height: int, width: int, tiles: int, extents: tuple[int, int, int]) -> tuple[Loop, ...]:
    names = ("y", "x", "tile", "ky", "kx", "i")
    return tuple(
        Loop(name, n) for name, n in zip(names, (height, width, tiles, *extents), strict=True)
    )


def _context(fabric: Fabric, cell: Cell, rows: int, columns: int) -> PeContext:
    row, column = cell
    a = "memory_west" if column == 0 else "W"
    b = "memory_north" if row == 0 else "N"
    links = [("E", a)] if column + 1 < columns else []
    links += [("S", b)] if row + 1 < rows else []
    return PeContext("multiply_accumulate", a, b, clear="mark", drain="mark", links=tuple(links))


def _west(border: Border, work: Work, row: int, band: range, tiles: int) -> TileConfiguration:
    layer, chunk = work.layer, work.chunk
    assert layer.reduction is not None
    columns = layer.reduction.columns
    outputs = layer.process.extent("o")
    first = {"y": band.start, "g": chunk.groups.start}
    loops = _nest(len(band), work.target.shape[1], tiles, layer.reduction.extents)
    tile = border.west[row]
    read = layer.process.reads[0]
    reader = reading(
        work.sources[0],
        read.index,
        loops,
        row,
        first,
        delay=row,
        marks=(_REDUCE_LEVEL, _REDUCE_LEVEL),
        padded=read.outside is not None,
        bank=tile.words,
    )
    channel = chunk.groups.start * outputs + chunk.outputs.start
    step = 1 if len(layer.finishing.rows) > 1 else 0
    writer = Generator(
        loops=(
            GeneratorLoop(len(band), work.target.row_pitch),
            GeneratorLoop(work.target.shape[1], work.target.pitch),
            GeneratorLoop(tiles, columns, row=step * columns),
            GeneratorLoop(columns, 1, row=step),
        ),
        base=work.target.address(row, band.start) + channel,
        parameter=work.parameter,
        data_driven=True,
    )
    reads = (ReadContext("affine", signed=work.signed[0]),)
    return tile_configuration((reader,), reads, writer, layer.finishing, work.outside, 1)


def _north(border: Border, work: Work, column: int, nest: tuple[Loop, ...]) -> TileConfiguration:
    """Weights lie in the order in which they are read; they are read again for every pixel."""
    strides = [0, 0]
    for level in range(2, len(nest)):
        strides.append(prod(loop.extent for loop in nest[level + 1 :]))
    loops = tuple(
        GeneratorLoop(loop.extent, stride) for loop, stride in zip(nest, strides, strict=True)
    )
    reader = Generator(loops=loops, delay=column, base=work.weights)
    return TileConfiguration(reads=(ReadContext("affine"),), read_generators=(reader,))
