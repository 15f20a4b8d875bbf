"""From (Process, ArrayPlan, BufferPlan, Channel) to what the hardware needs, by pure functions.

Nothing here is chosen: step counts, address deltas, guards and memory images follow from the loops, the affine indices
and the unroll factors. Words of a pixel are padded at the pixel's end, so a pixel of C channels has ceil(C / lanes) words.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from hlsgen.algebra.affine import Affine, deltas, growth
from hlsgen.algebra.expression import operand_names
from hlsgen.algebra.unroll import Unroll
from hlsgen.dataflow.finish import finish_expression
from hlsgen.dataflow.ir import Channel, Dataflow, Process, Read, Store
from hlsgen.rtl_templates.stream.shape import (
    BufferShape,
    CopyShape,
    CounterShape,
    GuardShape,
    NestShape,
    Ramp,
)
from hlsgen.schedule.stream_network.ir import ArrayPlan, BufferPlan

LOOPS = ("y", "x", "g", "o", "ky", "kx", "i")
_PLACES = LOOPS[:2]
GROUP_LEVEL = 2
REDUCE_LEVEL = 4


def factor(unroll: Unroll, loop: str) -> int:
    """The unroll factor of a loop; 1 for y, which is never unrolled."""
    return 1 if loop == "y" else int(getattr(unroll, loop))


def trips(process: Process, unroll: Unroll) -> tuple[int, ...]:
    """Steps of each loop level in ``LOOPS`` order."""
    return tuple(math.ceil(process.extent(name) / factor(unroll, name)) for name in LOOPS)


def nest_shape(process: Process, unroll: Unroll) -> NestShape:
    """The loop nest that the process's array executes."""
    return NestShape(trips(process, unroll), GROUP_LEVEL, REDUCE_LEVEL)


def output_channels(process: Process) -> int:
    """Channels of the written pixel."""
    return process.extent("g") * process.extent("o")


def result_words(process: Process, plan: ArrayPlan) -> tuple[tuple[int, ...], ...]:
    """Output words of each result of a pixel, indexed [g step][o step]; without pixel unrolling.

    A ragged last step of g or o has fewer valid rows.
    """
    unroll = plan.unroll
    valid = {
        name: [
            min(factor(unroll, name), process.extent(name) - at)
            for at in range(0, process.extent(name), factor(unroll, name))
        ]
        for name in ("g", "o")
    }
    return tuple(
        tuple(math.ceil(g * o / plan.finish_lanes) for o in valid["o"]) for g in valid["g"]
    )


def group_cycles(process: Process, plan: ArrayPlan) -> int:
    """Cycles of one pixel group at full speed: each result takes the longer of reducing and draining.

    The last group of a row drains all its pixels, those past the row's end too: they are dropped later.
    """
    steps = math.prod(trips(process, plan.unroll)[REDUCE_LEVEL:])
    return sum(
        max(steps, plan.unroll.x * words * plan.finish_interval)
        for row in result_words(process, plan)
        for words in row
    )


def last_word_after(process: Process, plan: ArrayPlan) -> int:
    """Cycles from a pixel group's end to its last word, pipelines aside: less than 0 where draining is slower than reducing."""
    steps = math.prod(trips(process, plan.unroll)[REDUCE_LEVEL:])
    words = plan.unroll.x * result_words(process, plan)[-1][-1]
    drained = steps + (words - 1) * plan.finish_interval
    return drained - max(steps, words * plan.finish_interval)


def sample_cycles(process: Process, plan: ArrayPlan) -> int:
    """Cycles of one sample when the array never waits: its interval."""
    groups = process.extent("y") * math.ceil(process.extent("x") / plan.unroll.x)
    return groups * group_cycles(process, plan)


def counter_shape(
    coefficients: Mapping[str, int], start: int, process: Process, unroll: Unroll, wrap: int
) -> CounterShape:
    """The counter of ``start + sum(coefficient * step number)``; ``wrap`` is its growth per sample."""
    counts = trips(process, unroll)
    strides = [coefficients.get(name, 0) for name in LOOPS]
    return CounterShape(start, (wrap - growth(strides, counts), *deltas(strides, counts)))


def _stepped(index: Affine, unroll: Unroll) -> dict[str, int]:
    return {name: index.coefficient(name) * factor(unroll, name) for name in LOOPS}


def guard_shape(
    read: Read, process: Process, unroll: Unroll, channel: Channel, word_lanes: int
) -> GuardShape:
    """Which words of ``word_lanes`` channels each pixel group needs; the whole tensor if the read is not a window scan."""
    height, width, channels = channel.shape
    pixel = math.ceil(channels / word_lanes)
    counts = trips(process, unroll)
    words = height * width * pixel
    rows = _window(read.index[0], "y", process)
    columns = _window(read.index[1], "x", process)
    if rows is None or columns is None:
        still = Ramp(0, 0, 0, 0)
        return GuardShape(
            counts[0], counts[1], words, still, Ramp(words, 0, words, words), still, still, 0
        )
    row_first, row_step, row_last = rows
    first, step, last = columns
    span = last - first
    pitch = width * pixel
    group = step * unroll.x
    end = min(width - 1, max(0, last + step * (process.extent("x") - 1)))
    # a row whose successor begins no higher is read again; the last one has none
    begins = [max(0, row_first + row_step * y) for y in range(counts[0] + 1)]
    higher = (y for y in range(counts[0]) if row_step and begins[y + 1] > begins[y])
    settled = next(higher, counts[0] - 1)
    ended = next((y for y in range(counts[0]) if begins[y] >= height), None)
    passes = first + step * (process.extent("x") - 1) >= width
    return GuardShape(
        counts[0],
        counts[1],
        words,
        Ramp(row_last * pitch, row_step * pitch, 0, (height - 1) * pitch),
        Ramp(
            (first + step * (unroll.x - 1) + span + 1) * pixel,
            group * pixel,
            pixel,
            (end + 1) * pixel,
        ),
        Ramp(row_first * pitch, row_step * pitch, 0, (height - (ended is None)) * pitch),
        Ramp(first * pixel, group * pixel, 0, (width - (not passes)) * pixel),
        settled,
        ended,
    )


def _window(index: Affine, position: str, process: Process) -> tuple[int, int, int] | None:
    """(first, step, last) coordinate of what a group reads at position 0; None if the index is not a forward scan.

    ``position`` is the loop that scans; loops within the group widen the window.
    """
    other = "x" if position == "y" else "y"
    step = index.coefficient(position)
    if index.coefficient(other) or step < 0:
        return None
    inner = {name: range(process.extent(name)) for name in LOOPS[GROUP_LEVEL:]}
    first, last = index.range(inner)
    return first, step if process.extent(position) > 1 else 0, last


def need_low(guard: GuardShape) -> tuple[np.ndarray, np.ndarray]:
    """``need`` and ``low`` of every pixel group, two arrays (rows, column groups) in memory words of the sample."""

    def ramp(shape: Ramp, count: int) -> np.ndarray:
        return np.clip(shape.start + shape.step * np.arange(count), shape.low, shape.high)

    need = ramp(guard.need_row, guard.rows)[:, None] + ramp(guard.need_column, guard.columns)
    numbers = np.arange(guard.rows)
    settled = ((numbers >= guard.settled_row) & (numbers < guard.ended))[:, None]
    low = ramp(guard.low_row, guard.rows)[:, None] + ramp(guard.low_column, guard.columns) * settled
    return need, low


def liveness_depth(guard: GuardShape) -> int:
    """The smallest depth in memory words with which the buffer alone never stalls for ever."""
    need, low = need_low(guard)
    return max(1, int((need - low).max()))


def buffer_shape(
    process: Process, plan: ArrayPlan, buffer: BufferPlan, channel: Channel, write_lanes: int
) -> BufferShape:
    """The buffer of one read; ``write_lanes`` is the producer's word. The plan is legal (``legality.rules``)."""
    unroll, read = plan.unroll, process.reads[buffer.read]
    height, width, channels = channel.shape
    lanes = buffer.lanes
    word = max(lanes, write_lanes)
    split = word // lanes
    pixel = math.ceil(channels / word) * split
    weights = (width * pixel, pixel)
    steps = [_stepped(index, unroll) for index in read.index]
    counts = trips(process, unroll)
    ranges = dict(zip(LOOPS, map(range, counts), strict=True))
    address = {
        name: weights[0] * steps[0][name] + weights[1] * steps[1][name] + steps[2][name] // lanes
        for name in LOOPS
    }
    offsets = [index.offset for index in read.index]
    start = weights[0] * offsets[0] + weights[1] * offsets[1] + offsets[2] // lanes
    copies, lane_copies = _copies(read, unroll, lanes, weights)
    guard = guard_shape(read, process, unroll, channel, word)
    plane = Affine(offsets[2], tuple(steps[2].items())).range(ranges)
    leaves = read.outside is not None and (plane[0] < 0 or plane[1] >= channels)
    depth = buffer.depth
    if split > 1:
        depth = max(math.ceil(depth / split), liveness_depth(guard))
    return BufferShape(
        bits=channel.element.bits,
        signed=channel.element.signed,
        channels=channels,
        write_lanes=write_lanes,
        lanes=lanes,
        depth=depth,
        height=height,
        width=width,
        outside=read.outside or 0,
        address=counter_shape(address, start, process, unroll, height * width * pixel),
        row=counter_shape(steps[0], offsets[0], process, unroll, 0),
        column=counter_shape(steps[1], offsets[1], process, unroll, 0),
        row_range=Affine(offsets[0], tuple(steps[0].items())).range(ranges),
        column_range=Affine(offsets[1], tuple(steps[1].items())).range(ranges),
        copies=copies,
        lane_copies=lane_copies,
        guard=guard,
        plane=counter_shape(steps[2], offsets[2], process, unroll, 0) if leaves else None,
        single_port=buffer.single_port,
        plane_range=plane if leaves else (0, 0),
    )


def _copies(
    read: Read, unroll: Unroll, lanes: int, weights: tuple[int, int]
) -> tuple[tuple[CopyShape, ...], tuple[tuple[int, ...], ...]]:
    copies: dict[CopyShape, int] = {}
    lane_copies = []
    for x in range(unroll.x):
        window = []
        for ky, kx in itertools.product(range(unroll.ky), range(unroll.kx)):
            lane = {"x": x, "ky": ky, "kx": kx}
            row, column, channel = (
                sum(index.coefficient(name) * at for name, at in lane.items())
                for index in read.index
            )
            offset = weights[0] * row + weights[1] * column + channel // lanes
            copy = CopyShape(row, column, offset)
            window.append(copies.setdefault(copy, len(copies)))
        lane_copies.append(tuple(window))
    return tuple(copies), tuple(lane_copies)


def _values(read: Read, store: Store, process: Process, loops: tuple[str, ...]) -> np.ndarray:
    """The store's values over the given loops' iterations, outermost first."""
    grid = dict(zip(loops, np.indices([process.extent(name) for name in loops]), strict=True))
    shape = [process.extent(name) for name in loops]
    index = tuple(affine.values(grid, shape) for affine in read.index)
    return np.asarray(store.values)[index] if index else np.full(shape, store.values)


def weight_image(read: Read, store: Store, process: Process, unroll: Unroll) -> np.ndarray:
    """Weights in reading order: (words, rows, lanes), a word per step of a pixel group; ragged lanes are zero.

    Rows are (g, o), lanes (ky, kx, i).
    """
    loops = LOOPS[GROUP_LEVEL:]
    values = _values(read, store, process, loops)
    factors = [factor(unroll, name) for name in loops]
    counts = trips(process, unroll)[GROUP_LEVEL:]
    padded = np.zeros([n * f for n, f in zip(counts, factors, strict=True)], dtype=np.int64)
    padded[tuple(slice(n) for n in values.shape)] = values
    split = padded.reshape([n for pair in zip(counts, factors, strict=True) for n in pair])
    ordered = split.transpose(*range(0, 10, 2), *range(1, 10, 2))
    return ordered.reshape(math.prod(counts), math.prod(factors[:2]), math.prod(factors[2:]))


def finish_reads(dataflow: Dataflow, process: Process) -> dict[str, Read]:
    """The reads of stores that a finish takes, by operand name."""
    named = {f"r{k}": read for k, read in enumerate(process.reads)}
    used = operand_names(finish_expression(process))
    return {
        name: read
        for name, read in named.items()
        if name in used and read.source in dataflow.stores
    }


def varies(read: Read, names: Sequence[str]) -> bool:
    """Whether an index of a read depends on one of the loops."""
    return any(index.coefficient(name) for index in read.index for name in names)


def parameter_images(
    dataflow: Dataflow, process: Process, plan: ArrayPlan
) -> tuple[int, dict[str, np.ndarray]]:
    """Words in a row that share a word of parameters, and each finishing parameter in output order: (words, lanes).

    One period is a pixel, or a sample if one of them varies by place; where none varies by channel, a word of a period serves a whole pixel.
    """
    reads, lanes = finish_reads(dataflow, process), plan.finish_lanes
    count = output_channels(process)
    words = math.ceil(count / lanes)
    by_place = any(varies(read, _PLACES) for read in reads.values())
    by_channel = any(varies(read, LOOPS[GROUP_LEVEL:REDUCE_LEVEL]) for read in reads.values())
    images = {}
    for name, read in reads.items():
        store = dataflow.stores[read.source]
        loops = LOOPS[0 if by_place else GROUP_LEVEL : REDUCE_LEVEL]
        if by_place and not by_channel:
            places = _values(read, store, process, _PLACES).reshape(-1, 1)
            images[name] = np.broadcast_to(places, (places.size, lanes))
            continue
        values = _values(read, store, process, loops).reshape(-1, count)
        padded = np.zeros((values.shape[0], words * lanes), dtype=np.int64)
        padded[:, :count] = values
        images[name] = padded.reshape(-1, lanes)
    return (words if by_place and not by_channel else plan.unroll.x), images
