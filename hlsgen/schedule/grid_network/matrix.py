"""The template of convolutions and matrix products: output stationary, operands from the west, weights from the north."""

from __future__ import annotations

from math import prod

from hlsgen.dataflow.ir import Loop
from hlsgen.fabric.configuration import (
    Configuration,
    Generator,
    GeneratorLoop,
    PeContext,
    ReadContext,
    TileConfiguration,
)
from hlsgen.fabric.ir import Cell, Fabric
from hlsgen.schedule.grid_network.border import Border
from hlsgen.schedule.grid_network.nest import COLUMN, ArrayNest, nest
from hlsgen.schedule.grid_network.phase import (
    RunWork,
    finish_cycles,
    reading,
    tile_configuration,
    writing,
)


def matrix_configuration(
    fabric: Fabric, fabric_hash: int, border: Border, work: RunWork
) -> Configuration:
    """The run in which row r computes the rows of band r of the target, and its columns neighbouring channels or pixels.

    Operands enter row r in cycle r + 1, weights column c in cycle c + 1, so that they meet in every cell; a cell starts anew and
    drains where the operand is marked.
    """
    height, width, _ = work.target.shape
    columns = work.layer.across.columns
    loops = nest(work.layer, work.chunk, (height, width))
    computed = work.target.owned
    working = [r for r, band in enumerate(computed) if band]
    rows = working[-1] + 1
    tallest = loops.of_rows(max(len(band) for band in computed))
    west = [(border.west[r].name, _west(border, work, loops, r, computed[r])) for r in working]
    north = [(border.north[c].name, _north(work, tallest, c)) for c in range(columns)]
    of_a_row = prod(loop.extent for loop in tallest[1:])
    # the first operand is in cell (0, 0) in cycle 1
    last = max(len(computed[r]) * of_a_row + r for r in working)
    return Configuration(
        fabric_hash=fabric_hash,
        interval=1,
        loops=tuple(loop.extent for loop in tallest),
        lines=(),
        cycles=finish_cycles(border, last + columns - 1, columns - 1),
        pes=tuple(
            ((r, c), (_context((r, c), rows, columns) if computed[r] else _passing(r, rows),))
            for r in range(rows)
            for c in range(columns)
        ),
        tiles=tuple(west + north),
    )


def _context(cell: Cell, rows: int, columns: int) -> PeContext:
    row, column = cell
    a = "memory_west" if column == 0 else "W"
    b = "memory_north" if row == 0 else "N"
    links = [("E", a)] if column + 1 < columns else []
    links += [("S", b)] if row + 1 < rows else []
    return PeContext("multiply_accumulate", a, b, clear="mark", drain="mark", links=tuple(links))


def _passing(row: int, rows: int) -> PeContext:
    """A cell of a row without operands: the weights go by."""
    return PeContext(links=(("S", "memory_north" if row == 0 else "N"),) if row + 1 < rows else ())


def _west(
    border: Border, work: RunWork, loops: ArrayNest, row: int, band: range
) -> TileConfiguration:
    level = len(loops.parallel)
    tile = border.west[row]
    reader = reading(
        work.sources[0],
        loops.read,
        loops.of_rows(len(band)),
        row,
        {"y": band.start},
        delay=row,
        marks=(level, level),
        padded=work.layer.process.reads[0].outside is not None,
        bank=tile.words,
    )
    results = (
        Loop("y", len(band)),
        *loops.parallel[1:],
        Loop(COLUMN, work.layer.across.columns),
    )
    writer = writing(work, loops.write, results, row, {"y": band.start})
    reads = (ReadContext("affine", signed=work.signed[0]),)
    return tile_configuration((reader,), reads, writer, work.layer.finishing, work.outside, 1)


def _north(work: RunWork, loops: tuple[Loop, ...], column: int) -> TileConfiguration:
    """Weights lie in the order in which they are read; they are read again for every pixel (the two outermost loops)."""
    inner = [prod(loop.extent for loop in loops[level + 1 :]) for level in range(len(loops))]
    nest = tuple(
        GeneratorLoop(loop.extent, 0 if level < 2 else stride)
        for level, (loop, stride) in enumerate(zip(loops, inner, strict=True))
    )
    reader = Generator(loops=nest, delay=column, base=work.weights)
    return TileConfiguration(reads=(ReadContext("affine"),), read_generators=(reader,))
