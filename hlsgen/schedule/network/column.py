"""The template of everything that needs no more than one operand a cycle and row: the western column alone.

Depthwise convolutions, pools, changes of scale and of order, and (two slots) sums of two tensors.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from hlsgen.arch.configuration import (
    LOOPS,
    Configuration,
    Generator,
    GeneratorLoop,
    PeContext,
    ReadContext,
    TileConfiguration,
)
from hlsgen.arch.fabric import Fabric
from hlsgen.dataflow.ir import Loop
from hlsgen.errors import UnsupportedOp
from hlsgen.schedule.network.border import Border
from hlsgen.schedule.network.finish import STREAM
from hlsgen.schedule.network.phase import Work, finish_cycles, reading, tile_configuration
from hlsgen.schedule.network.regions import bands


def column_configuration(
    fabric: Fabric, fabric_hash: int, border: Border, work: Work
) -> Configuration:
    """The run in which row r computes the rows of band r one result after the other.

    Weights, where there are any, come from the north tile of column 0 and move south, so row r begins r cycles after row 0.
    """
    layer = work.layer
    interval = 2 if layer.template == "both" else 1
    computed = bands(work.target.shape[0], fabric.rows)
    rows = sum(1 for band in computed if band)
    nest = _nest(work, max(computed, key=len))
    skewed = layer.weights is not None
    tiles = [
        (border.west[r].name, _west(border, work, r, computed[r], skewed, interval))
        for r in range(rows)
    ]
    if skewed:
        tiles.append((border.north[0].name, _north(work, nest)))
    pes = tuple(((r, 0), _contexts(work, r, rows, interval)) for r in range(rows))
    trips = [prod(loop.extent for loop in _nest(work, computed[r])) for r in range(rows)]
    last = max(interval * count + (r if skewed else 0) for r, count in enumerate(trips))
    return Configuration(
        fabric_hash=fabric_hash,
        interval=interval,
        loops=tuple(loop.extent for loop in nest),
        lines=(),
        cycles=finish_cycles(border, last, 0),
        pes=pes,
        tiles=tuple(tiles),
    )


def _nest(work: Work, band: range) -> tuple[Loop, ...]:
    """The loops that take more than one trip, and at least one reduce loop: where a sum begins and ends."""
    process, chunk = work.layer.process, work.chunk
    extents = {"g": len(chunk.groups), "o": len(chunk.outputs)}
    if work.layer.banded:
        extents["y"] = len(band)
    loops = [replace(loop, extent=extents.get(loop.name, loop.extent)) for loop in process.loops]
    reduce = [loop for loop in loops if loop.reduce and loop.extent > 1] or [
        next(loop for loop in loops if loop.reduce)
    ]
    parallel = [loop for loop in loops if not loop.reduce and (loop.extent > 1 or loop.name == "y")]
    if len(parallel) + len(reduce) > LOOPS:
        raise UnsupportedOp(
            f"process {process.name}",
            f"expected at most {LOOPS} loops of more than one trip, found {len(parallel) + len(reduce)}",
            STREAM,
        )
    return (*parallel, *reduce)


def _contexts(work: Work, row: int, rows: int, interval: int) -> tuple[PeContext, ...]:
    layer = work.layer
    if layer.weights is not None:
        b = "memory_north" if row == 0 else "N"
        links = (("S", b),) if row + 1 < rows else ()
        return (
            PeContext(layer.operator, "memory_west", b, clear="mark", drain="mark", links=links),
        )
    if layer.finishing.factors is None:
        # operand b is the constant 1, which the maximum ignores
        same = PeContext(layer.operator, "memory_west", constant=1, clear="mark", drain="mark")
        return (same,) * interval
    first, second = layer.finishing.factors
    # operands read in slot 0 are seen in slot 1
    return (
        PeContext(layer.operator, "memory_west", constant=second, drain="mark"),
        PeContext(layer.operator, "memory_west", constant=first, clear="mark"),
    )


def _west(
    border: Border, work: Work, row: int, band: range, skewed: bool, interval: int
) -> TileConfiguration:
    layer, chunk = work.layer, work.chunk
    process = layer.process
    loops = _nest(work, band)
    level = next(k for k, loop in enumerate(loops) if loop.reduce)
    first = {"g": chunk.groups.start}
    if layer.banded:
        first["y"] = band.start
    marks: tuple[tuple[int | None, int | None], ...] = ((level, level),) * interval
    if layer.finishing.factors is not None:
        marks = ((level, None), (None, level))
    readers = tuple(
        reading(
            work.sources[slot],
            process.reads[slot].index,
            loops,
            row,
            first,
            delay=row if skewed else 0,
            marks=marks[slot],
            padded=process.reads[slot].outside is not None,
            bank=border.west[row].words,
        )
        for slot in range(interval)
    )
    reads = tuple(ReadContext("affine", slot, signed=work.signed[slot]) for slot in range(interval))
    writer = _writer(work, row, tuple(loop for loop in loops if not loop.reduce), first)
    return tile_configuration(readers, reads, writer, layer.finishing, work.outside, interval)


def _writer(work: Work, row: int, loops: tuple[Loop, ...], first: dict[str, int]) -> Generator:
    index = work.layer.process.write.index
    at = {name: first.get(name, 0) for item in index for name, _ in item.terms}
    out_row, column, channel = (item.at(at) for item in index)
    finish = work.layer.finishing
    per_channel = finish.mode != "pair" and len(finish.rows) > 1
    return Generator(
        loops=tuple(
            GeneratorLoop(
                loop.extent,
                work.target.strides(index, loop.name),
                row=index[2].coefficient(loop.name) if per_channel else 0,
            )
            for loop in loops
        ),
        base=work.target.address(row, out_row) + column * work.target.pitch + channel,
        parameter=work.parameter,
        data_driven=True,
    )


def _north(work: Work, nest: tuple[Loop, ...]) -> TileConfiguration:
    strides = []
    for level, loop in enumerate(nest):
        inner = prod(item.extent for item in nest[level + 1 :])
        strides.append(0 if loop.name in ("y", "x") else inner)
    loops = tuple(
        GeneratorLoop(loop.extent, stride) for loop, stride in zip(nest, strides, strict=True)
    )
    reader = Generator(loops=loops, base=work.weights)
    return TileConfiguration(reads=(ReadContext("affine"),), read_generators=(reader,))
