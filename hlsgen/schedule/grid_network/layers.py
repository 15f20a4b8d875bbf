"""Processes as layers: which template computes them, in which chunks, with which weights and parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, assert_never

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.types import ElementType, bounds
from hlsgen.dataflow.ir import (
    Accumulate,
    AccumulateTables,
    Dataflow,
    KeepMaximum,
    MultiplyAccumulate,
    Pass,
    Process,
)
from hlsgen.errors import UnsupportedOp
from hlsgen.fabric.ir import Fabric
from hlsgen.schedule.grid_network.border import Border
from hlsgen.schedule.grid_network.finish import STREAM, Finishing, finishing
from hlsgen.schedule.grid_network.reduction import Reduction, across_channels, across_pixels
from hlsgen.schedule.grid_network.regions import aligned

Template = Literal["channels", "pixels", "column", "both", "table"]
"""``channels``, ``pixels``: all columns, neighbouring channels or pixels side by side. ``column``: the western column alone, one
operand, one result after the other. ``both``: the same with two operands that are read in turn. ``table``: the western tiles
alone, which look every operand up."""

_WEIGHTS = tuple(Affine(0, ((loop, 1),)) for loop in ("g", "o", "ky", "kx", "i"))


@dataclass(frozen=True, eq=False)
class Layer:
    """``weights`` (g, o, ky, kx, i) or None; ``operator`` of the PEs, if any; ``reduction`` of layers with weights.

    ``banded``: row y of the result belongs to trip y of loop ``y``; else the result has one row.
    """

    process: Process
    template: Template
    operator: str | None
    finishing: Finishing
    weights: np.ndarray | None
    reduction: Reduction | None
    banded: bool

    @property
    def across(self) -> Reduction:
        """The reduction of a layer that is known to have weights."""
        assert self.reduction is not None
        return self.reduction

    @property
    def surplus(self) -> int:
        """Channels that the last group of columns computes beyond those of the result."""
        if self.template != "channels":
            return 0
        return -self.process.extent("o") % self.across.columns


@dataclass(frozen=True)
class Chunk:
    """The part of a layer that one run computes: these trips of loops g and o."""

    groups: range
    outputs: range


def layer(fabric: Fabric, border: Border, dataflow: Dataflow, process: Process) -> Layer:
    """The layer of a process; raises UnsupportedOp, naming what would help, where no template computes it."""
    process = _rows_by_y(process)
    _check_elements(border, dataflow, process)
    finish = finishing(dataflow, process)
    banded = process.write.index[0] == Affine(0, (("y", 1),))
    if not banded and dataflow.channels[process.write.channel].shape[0] > 1:
        raise _unsupported(process, "results written row by row", "another order of rows")
    operator = "multiply_accumulate"
    if isinstance(process.step, Pass) and any(r.outside is not None for r in process.reads):
        raise _unsupported(
            process, "copies of one tensor", "a Concat, or a Pad that no window takes"
        )
    match process.step:
        case Pass() if finish.table is not None:
            _check_slots(fabric, process)
            return Layer(process, "table", None, finish, None, None, banded)
        case Pass() if finish.mode == "pair" or finish.factors is not None:
            _check_two_operands(fabric, border, process)
            chosen = Layer(process, "both", operator, finish, None, None, banded)
        case Pass() | Accumulate():
            chosen = Layer(process, "column", operator, finish, None, None, banded)
        case KeepMaximum():
            chosen = Layer(process, "column", "maximum_accumulate", finish, None, None, banded)
        case MultiplyAccumulate():
            chosen = _weighted(border, dataflow, process, finish, banded)
        case AccumulateTables():
            raise _unsupported(process, "a layer that a grid computes", "tables")
        case _:
            assert_never(process.step)
    _check_operators(fabric, chosen)
    if (bits := _sum_type(dataflow, chosen).bits) > fabric.accumulator_bits:
        raise _unsupported(
            process,
            f"sums of at most {fabric.accumulator_bits} bits (fabric {fabric.name})",
            f"{bits}",
        )
    return chosen


def _rows_by_y(process: Process) -> Process:
    """The same process with the loop that alone counts the rows of the result, the outermost one of more than one trip, as loop y."""
    rows = process.write.index[0]
    if process.extent("y") > 1 or rows.offset or [c for _, c in rows.terms] != [1]:
        return process
    swapped = {rows.terms[0][0]: "y", "y": rows.terms[0][0]}

    def renamed(index: Affine) -> Affine:
        return Affine(index.offset, tuple((swapped.get(n, n), c) for n, c in index.terms))

    return replace(
        process,
        loops=tuple(
            replace(loop, extent=process.extent(swapped.get(loop.name, loop.name)))
            for loop in process.loops
        ),
        reads=tuple(replace(r, index=tuple(map(renamed, r.index))) for r in process.reads),
        write=replace(process.write, index=tuple(map(renamed, process.write.index))),
    )


def _check_operators(fabric: Fabric, layer: Layer) -> None:
    """Raise UnsupportedOp, naming the PEs, where some that take part lack the operator."""
    columns = range(1 if layer.reduction is None else fabric.columns)
    cells = [(row, column) for row in range(fabric.rows) for column in columns]
    without = [cell for cell in cells if layer.operator not in fabric.kind(cell).operators]
    if without:
        named = [f"{fabric.kind(cell).name} at {cell}" for cell in without[:4]]
        raise UnsupportedOp(
            f"process {layer.process.name}",
            f"expected operator {layer.operator} in {len(cells)} PEs of fabric {fabric.name}, found none in"
            f" {len(without)}: {', '.join(named)}{', ...' if len(without) > 4 else ''}",
            f"Add {layer.operator} to the kind of these PEs, or use --schedule stream.",
        )


def _sum_type(dataflow: Dataflow, layer: Layer) -> ElementType:
    """What holds every sum of the array."""
    if not isinstance(layer.process.step, Pass):
        return layer.process.step.accumulator
    ends = [
        [factor * bound for bound in (element.minimum, element.maximum)]
        for factor, read in zip(layer.finishing.factors or (1,), layer.process.reads, strict=False)
        for element in (dataflow.channels[read.source].element,)
    ]
    return ElementType.holding(sum(map(min, ends)), sum(map(max, ends)))


def _check_slots(fabric: Fabric, process: Process) -> None:
    if fabric.contexts < 2:
        raise UnsupportedOp(
            f"process {process.name}",
            f"expected 2 contexts for a table, found {fabric.contexts} (fabric {fabric.name})",
            f"Use a fabric with one more. {STREAM}",
        )


def _check_two_operands(fabric: Fabric, border: Border, process: Process) -> None:
    generators = min(tile.read_generators for tile in border.west)
    if generators < 2 or fabric.contexts < 2:
        raise UnsupportedOp(
            f"process {process.name}",
            f"expected 2 contexts and west tiles with 2 read generators, found {fabric.contexts} and {generators} "
            f"(fabric {fabric.name})",
            f"Use a fabric with two of each. {STREAM}",
        )


def _weighted(
    border: Border, dataflow: Dataflow, process: Process, finish: Finishing, banded: bool
) -> Layer:
    taps = process.reads[1]
    channel = Affine(0, (("g", process.extent("o")), ("o", 1)))
    written = process.write.index[1:] == (Affine(0, (("x", 1),)), channel)
    if taps.source not in dataflow.stores or taps.index != _WEIGHTS or not banded or not written:
        raise _unsupported(process, "constant weights (g, o, ky, kx, i)", "other operands")
    weights = dataflow.stores[taps.source].values.astype(np.int64)
    least, most = bounds(border.bits, True)
    if weights.min() < least or weights.max() > most:
        extremes = f"{weights.min()} to {weights.max()}"
        expected = f"weights of {least} to {most} (less their zero point)"
        raise _unsupported(process, expected, extremes)
    groups, outputs, ky, kx, inner = weights.shape
    operator, columns = "multiply_accumulate", len(border.north)
    if groups > 1 and inner == 1:
        index = process.reads[0].index[1]
        stride, dilation = index.coefficient("x"), index.coefficient("kx")
        pixels = across_pixels((ky, kx), stride, dilation, process.extent("x"), columns)
        return Layer(process, "pixels", operator, finish, weights, pixels, banded)
    channels = across_channels((ky, kx, inner), outputs, columns)
    return Layer(process, "channels", operator, finish, weights, channels, banded)


def chunks(layer: Layer, weight_limit: int, parameter_limit: int) -> tuple[Chunk, ...]:
    """The layer in as few runs as hold at most so many weights in a tile and parameter rows.

    Groups of layers across channels are runs of their own. Where even the smallest part exceeds a limit it is returned as it is.
    """
    groups, outputs = layer.process.extent("g"), layer.process.extent("o")
    per_channel = len(layer.finishing.rows) > 1 and layer.finishing.mode != "pair"
    if layer.template == "channels":
        columns = layer.across.columns
        tiles = weight_limit // layer.across.steps
        if per_channel:
            tiles = min(tiles, parameter_limit // columns)
        step = max(1, tiles) * columns
        return tuple(
            Chunk(range(g, g + 1), range(first, min(first + step, outputs)))
            for g in range(groups)
            for first in range(0, outputs, step)
        )
    fit = groups
    if per_channel:
        fit = min(fit, parameter_limit // outputs)
    if layer.weights is not None:
        fit = min(fit, weight_limit // (outputs * layer.across.steps))
    step = max(1, fit)
    return tuple(
        Chunk(range(first, min(first + step, groups)), range(outputs))
        for first in range(0, groups, step)
    )


def chunk_parameters(layer: Layer, chunk: Chunk) -> np.ndarray:
    """The parameter rows of a run, (rows, 3): one for all channels, or one a channel, surplus channels included."""
    rows = layer.finishing.rows
    if layer.finishing.mode == "pair" or len(rows) <= 1:
        return rows
    outputs = layer.process.extent("o")
    channels = [g * outputs + o for g in chunk.groups for o in chunk.outputs]
    taken = rows[channels]
    if layer.template != "channels":
        return taken
    return np.pad(taken, [(0, -len(taken) % layer.across.columns), (0, 0)])


def stored_weights(weights: np.ndarray | None, lanes: int) -> int:
    """Elements in each tile, in whole words of the load port of ``lanes`` elements."""
    return 0 if weights is None else aligned(weights.shape[1], lanes)


def _check_elements(border: Border, dataflow: Dataflow, process: Process) -> None:
    names = [read.source for read in process.reads if read.source in dataflow.channels]
    for name in (*names, process.write.channel):
        element = dataflow.channels[name].element
        if element.bits > border.bits:
            raise _unsupported(
                process,
                f"values of {border.bits} bits (the fabric's west tiles)",
                f"{element} in {name}",
            )
        if not element.signed and border.word_bits <= element.bits:
            raise _unsupported(
                process,
                f"values of fewer than {border.word_bits} bits, or signed ones",
                f"{element} in {name}",
            )


def _unsupported(process: Process, expected: str, found: str) -> UnsupportedOp:
    return UnsupportedOp(f"process {process.name}", f"expected {expected}, found {found}", STREAM)
