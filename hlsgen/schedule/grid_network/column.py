"""The template of everything that needs no more than one operand a cycle and row: the western column alone.

Pools, changes of scale and of order, and (two slots) sums of two tensors and tables.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from hlsgen.dataflow.ir import Loop
from hlsgen.errors import UnsupportedOp
from hlsgen.fabric.configuration import (
    Configuration,
    PeContext,
    ReadContext,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.ir import Fabric
from hlsgen.schedule.grid_network.border import Border
from hlsgen.schedule.grid_network.finish import STREAM
from hlsgen.schedule.grid_network.layers import Layer
from hlsgen.schedule.grid_network.phase import (
    RunWork,
    finish_cycles,
    reading,
    tile_configuration,
    writing,
)


def column_configuration(
    fabric: Fabric, fabric_hash: int, border: Border, work: RunWork
) -> Configuration:
    """The run in which row r computes the rows of band r one result after the other."""
    layer = work.layer
    if layer.template == "table":
        return _table_configuration(fabric, fabric_hash, border, work)
    interval = 2 if layer.template == "both" else 1
    computed = work.target.owned
    working = [r for r, band in enumerate(computed) if band]
    nest = _nest(work, max(computed, key=len), fabric.loops)
    return Configuration(
        fabric_hash=fabric_hash,
        interval=interval,
        loops=tuple(loop.extent for loop in nest),
        lines=(),
        cycles=finish_cycles(border, interval * prod(loop.extent for loop in nest), 0),
        pes=tuple(((r, 0), _contexts(layer, interval)) for r in working),
        tiles=tuple(
            (border.west[r].name, _west(border, work, r, computed[r], interval, fabric.loops))
            for r in working
        ),
    )


def _table_configuration(
    fabric: Fabric, fabric_hash: int, border: Border, work: RunWork
) -> Configuration:
    """The run in which the tile of row r looks the rows of band r up: an operand is read in slot 0 and is the index of slot 1, in
    whose next cycle, slot 0 of the next iteration, the result is written. Where reads are ahead, an iteration is the index of a later one."""
    process = work.layer.process
    interval = 2
    late, rest = divmod(fabric.read_ahead, interval)
    assert rest == 0, "the index of slot 1 is the operand of slot 0"
    entry_bits = (len(work.layer.finishing.table or ()) - 1).bit_length()
    computed = work.target.owned
    tiles = []
    for row, band in enumerate(computed):
        loops, first = _nest(work, band, fabric.loops), {"y": band.start}
        if not band:
            continue
        bank = border.west[row].words
        index = process.reads[0].index
        reader = reading(
            work.sources[0], index, loops, row, first, 0, (None, None), padded=False, bank=bank
        )
        writer = writing(work, process.write.index, loops, row, first)
        configuration = TileConfiguration(
            reads=(
                ReadContext("affine", signed=work.signed[0]),
                ReadContext(
                    "indexed", offset=work.table, index="memory_west", wrap_bits=entry_bits
                ),
            ),
            writes=(WriteContext("affine", data="memory_west"), WriteContext()),
            read_generators=(reader,),
            write_generators=(replace(writer, data_driven=False, delay=1 + late),),
        )
        tiles.append((border.west[row].name, configuration))
    nest = _nest(work, max(computed, key=len), fabric.loops)
    return Configuration(
        fabric_hash=fabric_hash,
        interval=interval,
        loops=tuple(loop.extent for loop in nest),
        lines=(),
        cycles=interval * (prod(loop.extent for loop in nest) + late) + 1,
        pes=(),
        tiles=tuple(tiles),
    )


def _nest(work: RunWork, band: range, most: int) -> tuple[Loop, ...]:
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
    if len(parallel) + len(reduce) > most:
        raise UnsupportedOp(
            f"process {process.name}",
            f"expected at most {most} loops of more than one trip, found {len(parallel) + len(reduce)}",
            STREAM,
        )
    return (*parallel, *reduce)


def _contexts(layer: Layer, interval: int) -> tuple[PeContext, ...]:
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
    border: Border, work: RunWork, row: int, band: range, interval: int, levels: int
) -> TileConfiguration:
    layer, chunk = work.layer, work.chunk
    process = layer.process
    loops = _nest(work, band, levels)
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
            delay=0,
            marks=marks[slot],
            padded=process.reads[slot].outside is not None,
            bank=border.west[row].words,
        )
        for slot in range(interval)
    )
    reads = tuple(ReadContext("affine", slot, signed=work.signed[slot]) for slot in range(interval))
    results = tuple(loop for loop in loops if not loop.reduce)
    writer = writing(work, process.write.index, results, row, first)
    return tile_configuration(readers, reads, writer, layer.finishing, work.outside, interval)
