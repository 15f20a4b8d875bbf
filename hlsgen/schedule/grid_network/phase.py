"""One run of the fabric for a network, and what the templates share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.algebra.affine import Affine
from hlsgen.dataflow.ir import Loop
from hlsgen.fabric.configuration import (
    Configuration,
    Generator,
    GeneratorLoop,
    ReadContext,
    Requantiser,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.packets import WritePacket
from hlsgen.rtl_templates.loop_contract import TILE_REQUANTISE_LATENCY
from hlsgen.schedule.grid_network.border import Border
from hlsgen.schedule.grid_network.finish import Finishing
from hlsgen.schedule.grid_network.layers import Chunk, Layer
from hlsgen.schedule.grid_network.regions import Region


@dataclass(frozen=True, eq=False)
class Phase:
    """``process``: whose work it is; ``kind``: ``copy`` (rows for neighbours) or ``compute``; ``macs`` of a whole batch.

    ``preloads``: weights and parameters that have to be loaded for every sample; ``waits``: they overwrite what the run
    before still reads.
    """

    process: str
    kind: str
    configuration: Configuration
    macs: int
    preloads: tuple[WritePacket, ...] = ()
    waits: bool = False

    @property
    def cycles(self) -> int:
        return self.configuration.cycles


@dataclass(frozen=True, eq=False)
class RunWork:
    """A chunk of a layer with everything placed: ``sources`` in the order of the process' reads of channels; ``weights`` is the
    north tiles' first element, ``parameter`` the first parameter row, ``table`` the first element of its table in every west tile."""

    layer: Layer
    chunk: Chunk
    sources: tuple[Region, ...]
    target: Region
    signed: tuple[bool, ...]
    outside: int
    weights: int
    parameter: int
    table: int


def finish_cycles(border: Border, last_operand: int, column: int) -> int:
    """Cycles of a run whose last operand is in ``column`` in cycle ``last_operand`` (the word then passes ``column`` more cells)."""
    return last_operand + border.latency + column + TILE_REQUANTISE_LATENCY + 1


def requantiser(finish: Finishing) -> Requantiser:
    """The requantiser of every west tile in a run; its results go through write generator 0."""
    return Requantiser(finish.mode, 0, finish.shift, finish.zero_point, finish.low, finish.high)


def reading(
    source: Region,
    index: tuple[Affine, ...],
    loops: Sequence[Loop],
    row_of_tile: int,
    first: dict[str, int],
    delay: int,
    marks: tuple[int | None, int | None],
    padded: bool,
    bank: int,
) -> Generator:
    """A read of ``source`` at ``index`` by the tile of a row, through ``loops``, which begin at the trips ``first``.

    ``padded``: rows and columns outside the tensor read the padding. ``bank``: the tile's elements, for the wrap of addresses.
    """
    row, column, channel = (coordinate.at({**_zeros(coordinate), **first}) for coordinate in index)
    start = source.address(row_of_tile, row) + column * source.pitch + channel
    nest = tuple(
        GeneratorLoop(
            loop.extent,
            source.strides(index, loop.name),
            index[0].coefficient(loop.name),
            index[1].coefficient(loop.name),
        )
        for loop in loops
    )
    height, width, _ = source.shape
    return Generator(
        loops=nest,
        delay=delay,
        base=start % _rounded(bank),
        row=row if padded else 0,
        column=column if padded else 0,
        rows=height if padded else None,
        columns=width if padded else None,
        mark_first=marks[0],
        mark_last=marks[1],
    )


def writing(
    work: RunWork,
    index: tuple[Affine, ...],
    loops: Sequence[Loop],
    row_of_tile: int,
    first: dict[str, int],
) -> Generator:
    """How the tile of a row writes results at ``index`` of the target, in the order of ``loops``; parameters go by channel."""
    finish = work.layer.finishing
    per_channel = finish.mode != "pair" and len(finish.rows) > 1
    row, column, channel = (coordinate.at({**_zeros(coordinate), **first}) for coordinate in index)
    return Generator(
        loops=tuple(
            GeneratorLoop(
                loop.extent,
                work.target.strides(index, loop.name),
                row=index[2].coefficient(loop.name) if per_channel else 0,
            )
            for loop in loops
        ),
        base=work.target.address(row_of_tile, row) + column * work.target.pitch + channel,
        parameter=work.parameter,
        data_driven=True,
    )


def tile_configuration(
    generators: tuple[Generator, ...],
    reads: tuple[ReadContext, ...],
    writer: Generator,
    finish: Finishing,
    padding: int,
    interval: int,
) -> TileConfiguration:
    """A west tile that reads operands and writes finished results."""
    return TileConfiguration(
        reads=reads,
        writes=(WriteContext(),) * interval,
        read_generators=generators,
        write_generators=(writer,),
        padding=padding,
        requantiser=requantiser(finish),
    )


def _zeros(coordinate: Affine) -> dict[str, int]:
    return {name: 0 for name, _ in coordinate.terms}


def _rounded(words: int) -> int:
    return 1 << (words - 1).bit_length()
