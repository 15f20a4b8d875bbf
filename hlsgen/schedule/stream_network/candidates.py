"""Every way to unroll a process that is worth considering, with its cycles and its cost, as arrays.

A row of ``Candidates`` is one choice of (unroll factors, finishing lanes and interval, kinds of multipliers). Rows that
another row of the same word widths beats in cycles, DSP blocks, LUTs and RAM blocks are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from hlsgen.algebra.unroll import Unroll
from hlsgen.cost.constant import constant_cost
from hlsgen.cost.factors import Factors, operand_types
from hlsgen.cost.process import (
    buffer_cost,
    expression_cost,
    finish_products,
    multiplies,
    process_cost,
)
from hlsgen.cost.units import FAMILIES, Cost, FamilyTable, ceil_div
from hlsgen.dataflow.constant_layer import constant_layer
from hlsgen.dataflow.finish import finish_expression
from hlsgen.dataflow.ir import AccumulateTables, Dataflow, MultiplyAccumulate, Process, Read
from hlsgen.dataflow.step import factor_types
from hlsgen.ops.reason import Reason
from hlsgen.rtl_templates.contract import MultiplierKind
from hlsgen.schedule.stream_network.constant import is_worked_out
from hlsgen.schedule.stream_network.cost import column_copies
from hlsgen.schedule.stream_network.geometry import guard_shape, liveness_depth
from hlsgen.schedule.stream_network.ir import ArrayKind, ArrayPlan
from hlsgen.schedule.stream_network.legality import UNROLLED, rules, word_lanes

Integers = npt.NDArray[np.int64]
Live = Callable[[Read, int, int], int]
"""Words that the buffer of a read must hold, from the pixels in parallel and the channels per word."""
KINDS: tuple[MultiplierKind, MultiplierKind] = ("dsp", "lut")
BEYOND = 1 << 50
"""Cycles of what there is no room for."""
ARRAY_KINDS: tuple[ArrayKind, ArrayKind, ArrayKind] = (*KINDS, "constant")


@dataclass(frozen=True)
class Candidates:
    """``factors`` (rows, 8): x g o ky kx i, finishing lanes, finishing interval. ``kinds`` (rows, 2): 0 DSP, 1 LUT or 2 constant, of the
    array, and 0 or 1 of finishing. ``cycles`` per sample; ``dsp``, ``lut``, ``bram`` of the process with its buffers;
    ``multipliers`` of its array and of finishing, in DSP blocks or LUTs. ``second``: channels per word of the buffers of all
    reads but the first."""

    factors: Integers
    kinds: Integers
    cycles: Integers
    dsp: Integers
    lut: npt.NDArray[np.float64]
    bram: Integers
    multipliers: Integers
    second: Integers

    def __len__(self) -> int:
        return len(self.cycles)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Candidates:
        """Those rows."""
        return Candidates(*(getattr(self, name)[rows] for name in Candidates.__annotations__))

    @property
    def words(self) -> tuple[Integers, Integers, Integers]:
        """Channels per word that each row writes, that the buffer of its first read holds, and those of the others."""
        return self.factors[:, 6], np.maximum(self.factors[:, 1], self.factors[:, 5]), self.second

    def plan(self, process: str, row: int) -> ArrayPlan:
        """The row as a plan."""
        values = [int(v) for v in self.factors[row]]
        array, finish = (int(kind) for kind in self.kinds[row])
        kinds = ARRAY_KINDS[array], KINDS[finish]
        return ArrayPlan(process, Unroll(*values[:6]), values[6], values[7], *kinds)


@dataclass(frozen=True)
class Space:
    """What may be enumerated: the largest ``Unroll.x``, the finishing intervals, and the budgets of one process; ``constants``: layers
    whose weights are wires."""

    max_pixel_lanes: int
    finish_intervals: tuple[int, ...]
    dsp: int
    lut: float
    bram: int
    multipliers: int | None = None
    """At most so many; None: any number."""
    constants: bool = False


def useful_factors(extent: int) -> list[int]:
    """For each number of steps, the least factor that gives it: 1 and every f with ceil(n/f) < ceil(n/(f-1))."""
    return [
        f for f in range(1, extent + 1) if f == 1 or ceil_div(extent, f) < ceil_div(extent, f - 1)
    ]


def candidates(
    dataflow: Dataflow,
    process: Process,
    family: str,
    space: Space,
    override: Unroll | None = None,
    extra: Mapping[int, int] | None = None,
    spram: Mapping[int, int] = MappingProxyType({}),
) -> Candidates:
    """The candidates of a process. ``extra``: elements that the buffer of a read number must hold beyond its own liveness. ``spram``: blocks of it
    in which the buffer of a read number has to find room."""
    table = FAMILIES[family]
    if isinstance(process.step, AccumulateTables):
        return _looked_up(dataflow, process, table, space)
    factors = legal_factors(dataflow, process, _enumerate(process, space, override))

    @cache  # few pairs, and many rows of each
    def live(read: Read, pixels: int, lanes: int) -> int:
        guard = guard_shape(read, process, Unroll(x=pixels), dataflow.channels[read.source], lanes)
        return liveness_depth(guard) + guard.need_column.step

    parts = _finishing(dataflow, process, table, factors, space)
    rows = [
        _priced(
            dataflow,
            process,
            table,
            part if kind else _within(part, space.dsp),
            kind,
            finish,
            extra or {},
            live,
            spram,
        )
        for kind in ((0, 1) if _may_use_blocks(dataflow, process) else (1,))
        for finish, part in parts
    ]
    if space.constants and override is None:
        rows += _constant(dataflow, process, table, space.lut)
    merged = Candidates(
        *(
            np.concatenate([getattr(row, name) for row in rows])
            for name in Candidates.__annotations__
        )
    )
    affordable = (merged.dsp <= space.dsp) & (merged.lut <= space.lut) & (merged.bram <= space.bram)
    affordable &= merged.cycles < BEYOND
    if space.multipliers is None:
        return merged.take(pareto(merged, affordable))
    affordable &= merged.multipliers <= space.multipliers
    return merged.take(pareto(merged, affordable, by_multipliers=True))


def _looked_up(
    dataflow: Dataflow, process: Process, table: FamilyTable, space: Space
) -> Candidates:
    """The one way of tables: none of it where it is too large."""
    (rows,) = _constant(dataflow, process, table, math.inf)
    return rows.take(rows.lut <= space.lut)


def _may_use_blocks(dataflow: Dataflow, process: Process) -> bool:
    """Whether DSP blocks can multiply: not where signs are compared and counted."""
    if not isinstance(process.step, MultiplyAccumulate):
        return False
    return not all(e.bipolar for e in factor_types(dataflow, process, process.step))


def _constant(
    dataflow: Dataflow, process: Process, table: FamilyTable, lut: float
) -> list[Candidates]:
    """The constant layer of a process: none where it has none, or where it is hopelessly large for so many LUTs."""
    layer = constant_layer(dataflow, process)
    if isinstance(layer, Reason) or not is_worked_out(layer, lut):
        return []
    outputs, inputs = process.extent("o"), process.extent("i")
    element = dataflow.channels[process.write.channel].element
    cost = constant_cost(table, layer, element, 1)
    one, zero = np.ones(1, np.int64), np.zeros(1, np.int64)
    return [
        Candidates(
            np.array([[1, 1, outputs, 1, 1, inputs, outputs, 1]], np.int64),
            np.array([[ARRAY_KINDS.index("constant"), KINDS.index("lut")]], np.int64),
            one,
            zero,
            np.array([float(cost.lut)]),
            zero,
            zero,
            inputs * one,
        )
    ]


def _enumerate(process: Process, space: Space, override: Unroll | None) -> Integers:
    if override is not None:
        return np.array([[getattr(override, name) for name in UNROLLED]], np.int64)
    choices = [useful_factors(process.extent(name)) for name in UNROLLED]
    choices[0] = [f for f in choices[0] if f <= space.max_pixel_lanes]
    rows = [
        row
        for row in product(*choices)
        if not (row[1] > 1 and row[5] > 1) and (row[1] == 1 or row[2] == process.extent("o"))
    ]
    return np.array(rows, np.int64).reshape(-1, 6)


def channel_reads(dataflow: Dataflow, process: Process) -> list[tuple[int, Read]]:
    """(number, read) of the reads that come from channels."""
    return [(k, r) for k, r in enumerate(process.reads) if r.source in dataflow.channels]


def legal_factors(dataflow: Dataflow, process: Process, rows: Integers) -> Integers:
    """Rows of six unroll factors, or of eight with finishing lanes and interval, that the hardware can have.

    Six are legal where one finishing lane suffices.
    """
    plain = np.ones((len(rows), 8 - rows.shape[1]), np.int64)
    good = np.ones(len(rows), bool)
    for rule in rules(dataflow, process, Factors(*np.hstack([rows, plain]).T)):
        good &= rule.holds
    return rows[good]


def _finishing(
    dataflow: Dataflow, process: Process, table: FamilyTable, rows: Integers, space: Space
) -> list[tuple[int, Integers]]:
    """(kind of finishing multipliers, rows with finishing lanes and interval): lanes grow only while draining is what waits."""
    reduce = np.prod(
        [ceil_div(process.extent(n), rows[:, UNROLLED.index(n)]) for n in ("ky", "kx", "i")], axis=0
    )
    tile = rows[:, 1] * rows[:, 2]
    types = operand_types(dataflow, process)
    products = expression_cost(table, "dsp", finish_expression(process), types).dsp > 0
    result = []
    for kind, interval in [(0, 1)] * products + [(1, n) for n in space.finish_intervals]:
        if interval > 1 and not products:
            continue
        parts = []
        for lanes in range(1, int(tile.max()) + 1):
            fewer = ceil_div(tile, max(1, lanes - 1)) * rows[:, 0] * interval
            useful = (tile % lanes == 0) & ((lanes == 1) | (fewer > reduce))
            part = rows[useful]
            shape = (len(part), 1)
            parts.append(
                np.hstack([part, np.full(shape, lanes), np.full(shape, interval)]).astype(np.int64)
            )
        result.append((kind, legal_factors(dataflow, process, np.concatenate(parts))))
    return result


def _within(rows: Integers, blocks: int) -> Integers:
    """The rows whose multipliers, each of which is at least one DSP block, are at most ``blocks``."""
    return rows[rows[:, :6].prod(axis=1) <= blocks]


def cycles_per_sample(process: Process, f: Factors) -> Integers:
    """Cycles of one sample; each result takes the longer of reducing and draining. At least ``geometry.sample_cycles``."""
    reduce = (
        ceil_div(process.extent("ky"), f.ky)
        * ceil_div(process.extent("kx"), f.kx)
        * ceil_div(process.extent("i"), f.i)
    )
    results = ceil_div(process.extent("g"), f.g) * ceil_div(process.extent("o"), f.o)
    drain = f.x * ceil_div(f.g * f.o, f.finish_lanes) * f.finish_interval
    pixels = process.extent("y") * ceil_div(process.extent("x"), f.x)
    return np.asarray(pixels * results * np.maximum(reduce, drain), np.int64)


def _priced(
    dataflow: Dataflow,
    process: Process,
    table: FamilyTable,
    rows: Integers,
    kind: int,
    finish: int,
    extra: Mapping[int, int],
    live: Live,
    spram: Mapping[int, int],
) -> Candidates:
    f = Factors(*rows.T)
    total = process_cost(dataflow, process, table, f, KINDS[kind], KINDS[finish])
    cycles = cycles_per_sample(process, f)
    for number, read in channel_reads(dataflow, process):
        blocks = spram.get(number)
        single = blocks is not None
        cost = _buffer(dataflow, process, table, number, f, extra.get(number, 0), live, single)
        total += cost
        if blocks is not None:
            height, width, channels = dataflow.channels[read.source].shape
            words = height * width * ceil_div(channels, word_lanes(process, number, f))
            cycles = cycles + np.where(cost.spram > blocks, BEYOND, words)
    shape = np.zeros(len(rows))
    kinds = np.tile(np.array([[kind, finish]], np.int64), (len(rows), 1))
    return Candidates(
        rows,
        kinds,
        cycles,
        (total.dsp + shape).astype(np.int64),
        total.lut + shape,
        (total.bram + shape).astype(np.int64),
        np.asarray(
            f.rows * f.lanes * multiplies(process) + f.finish_lanes * finish_products(process),
            np.int64,
        ),
        np.asarray(word_lanes(process, 1, f), np.int64),
    )


def _buffer(
    dataflow: Dataflow,
    process: Process,
    table: FamilyTable,
    number: int,
    f: Factors,
    extra: int,
    live: Live,
    single_port: bool,
) -> Cost:
    """The buffer of a read that holds what makes it live, the next step along the row, and ``extra`` elements."""
    read = process.reads[number]
    channel = dataflow.channels[read.source]
    lanes = word_lanes(process, number, f)
    depth = _by_pair(lambda x, width: live(read, x, width), f.x, lanes) + ceil_div(extra, lanes)
    columns = _by_pair(lambda x, kx: column_copies(read, x, kx), f.x, f.kx)
    copies = f.ky * columns
    return buffer_cost(
        table,
        depth,
        lanes,
        channel.element.bits,
        copies,
        masked=read.outside is not None,
        scans=process.extent("y") * process.extent("x") > 1,
        channels=channel.shape[2],
        single_port=single_port,
    )


def _by_pair(function: Callable[[int, int], int], a: Integers, b: Integers) -> Integers:
    """``function`` of every pair of elements, called once for each different pair."""
    pairs, which = np.unique(np.stack([a, b]), axis=1, return_inverse=True)
    return np.array([function(int(x), int(y)) for x, y in pairs.T], np.int64)[which.ravel()]


def pareto(
    rows: Candidates, allowed: npt.NDArray[np.bool_], by_multipliers: bool = False
) -> Integers:
    """Indices of the allowed rows that no row of the same word widths beats or equals in every respect.

    ``by_multipliers``: multipliers are counted, so only rows of as many are compared.
    """
    index = np.flatnonzero(allowed)
    if not len(index):
        return index
    part = rows.take(index)
    written, held, second = part.words
    counted = part.multipliers * by_multipliers
    order = np.lexsort((part.lut, part.cycles, part.bram, part.dsp, counted, second, held, written))
    key = np.stack([written, held, second, counted, part.dsp, part.bram])[:, order]
    lut = part.lut[order]
    starts = np.flatnonzero(np.r_[True, (key[:, 1:] != key[:, :-1]).any(axis=0)])
    kept: list[npt.NDArray[np.int64]] = []
    for begin, end in zip(starts, np.r_[starts[1:], len(order)], strict=True):
        best = np.minimum.accumulate(lut[begin:end])
        better = np.r_[True, best[1:] < best[:-1]]
        kept.append(order[begin:end][better])
    return index[np.concatenate(kept)]
