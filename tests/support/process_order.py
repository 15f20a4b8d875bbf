"""What the hardware of a process reads and writes, step by step, against the loop nest that it is for."""

from __future__ import annotations

import itertools
import math

import numpy as np

from hlsgen.dataflow.ir import Channel, Dataflow, Process
from hlsgen.rtl.arrays import turns
from hlsgen.schedule.stream_network.geometry import (
    LOOPS,
    buffer_shape,
    factor,
    need_low,
    trips,
)
from hlsgen.schedule.stream_network.ir import ArrayPlan, BufferPlan

Words = list[tuple[int | None, ...]]


def written_words(process: Process, plan: ArrayPlan, channel: Channel) -> Words:
    """The element number in every lane of every word of a sample as drain and reorder hand them out; None: no element."""
    unroll, lanes = plan.unroll, plan.finish_lanes
    counts = trips(process, unroll)
    per_turn, last = turns(process, plan)
    words: Words = []
    for y, group in itertools.product(range(counts[0]), range(counts[1])):
        pixels: list[Words] = [[] for _ in range(unroll.x)]
        for number, (g, o) in enumerate(itertools.product(range(counts[2]), range(counts[3]))):
            valid = last if number % per_turn == per_turn - 1 else unroll.g * unroll.o
            for x, begin in itertools.product(range(unroll.x), range(0, valid, lanes)):
                word: list[int | None] = []
                for row in range(begin, begin + lanes):
                    position = {"y": y, "x": group * unroll.x + x}
                    position["g"] = g * unroll.g + row // unroll.o
                    position["o"] = o * unroll.o + row % unroll.o
                    word.append(_element(process, channel, position) if row < valid else None)
                pixels[x].append(tuple(word))
        real = min(unroll.x, process.extent("x") - group * unroll.x)
        words += itertools.chain.from_iterable(pixels[:real])
    return words


def _element(process: Process, channel: Channel, position: dict[str, int]) -> int | None:
    if any(at >= process.extent(loop) for loop, at in position.items()):
        return None
    place = [index.at(position) for index in process.write.index]
    return int(np.ravel_multi_index(place, channel.shape))


def channel_words(channel: Channel, lanes: int) -> Words:
    """The words in which a channel is written: row-major, a pixel's last word padded."""
    height, width, depth = channel.shape
    words: Words = []
    for pixel in range(height * width):
        padded = [*range(pixel * depth, (pixel + 1) * depth), *[None] * (-depth % lanes)]
        words += [tuple(padded[k : k + lanes]) for k in range(0, len(padded), lanes)]
    return words


def writes_in_order(dataflow: Dataflow, process: Process, plan: ArrayPlan) -> bool:
    """Whether the circuit's words are the channel's."""
    channel = dataflow.channels[process.write.channel]
    return written_words(process, plan, channel) == channel_words(channel, plan.finish_lanes)


def reads_in_order(dataflow: Dataflow, process: Process, plan: ArrayPlan, write_lanes: int) -> bool:
    """Whether every lane reads its element of every channel."""
    lanes = max(plan.unroll.g, plan.unroll.i)
    try:
        for number, read in enumerate(process.reads):
            if (channel := dataflow.channels.get(read.source)) is not None:
                buffer = BufferPlan(channel.name, process.name, number, lanes, 1)
                check_geometry(process, plan, buffer, channel, write_lanes)
    except AssertionError:
        return False
    return True


def check_geometry(
    process: Process, plan: ArrayPlan, buffer: BufferPlan, channel: Channel, write_lanes: int
) -> None:
    """Compare every lane's word and element, and the guards, with the enumerated reads of the process."""
    shape = buffer_shape(process, plan, buffer, channel, write_lanes)
    assert all(type(v) is int for v in (shape.address.start, *shape.address.deltas))
    assert all(
        type(v) is int for copy in shape.copies for v in (copy.row, copy.column, copy.address)
    )
    read, unroll, lanes = process.reads[buffer.read], plan.unroll, buffer.lanes
    height, width, _ = channel.shape
    split = shape.selections
    pixel = math.ceil(channel.shape[2] / shape.word_lanes) * split
    counts = trips(process, unroll)
    address, row, column = shape.address.start, shape.row.start, shape.column.start
    used: dict[tuple[int, int], list[int]] = {}
    extents = {name: process.extent(name) for name in LOOPS}
    steps = list(itertools.product(*map(range, counts)))
    for number, step in enumerate(steps):
        base = {name: at * factor(unroll, name) for name, at in zip(LOOPS, step, strict=True)}
        touched = used.setdefault((step[0], step[1]), [])
        for x, ky, kx, g, i, o in itertools.product(
            *(range(factor(unroll, name)) for name in ("x", "ky", "kx", "g", "i", "o"))
        ):
            lane = {"y": 0, "o": o, "x": x, "ky": ky, "kx": kx, "g": g, "i": i}
            position = {name: base[name] + lane[name] for name in LOOPS}
            if any(position[name] >= extents[name] for name in LOOPS):
                continue
            want = tuple(index.at(position) for index in read.index)
            copy = shape.copies[shape.lane_copies[x][ky * unroll.kx + kx]]
            assert (row + copy.row, column + copy.column) == want[:2]
            assert shape.row_range[0] <= row <= shape.row_range[1]
            assert shape.column_range[0] <= column <= shape.column_range[1]
            if 0 <= want[0] < height and 0 <= want[1] < width:
                word = (want[0] * width + want[1]) * pixel + want[2] // lanes
                assert address + copy.address == word
                assert want[2] % lanes == (g + i) % lanes
                touched.append(word // split)
        following = steps[(number + 1) % len(steps)]
        level = next((n for n in range(7) if step[n] != following[n]), 0)
        delta = 0 if number + 1 == len(steps) else 1 + level
        address += shape.address.deltas[delta]
        row += shape.row.deltas[delta]
        column += shape.column.deltas[delta]
    sample = height * width * pixel
    assert (address, row, column) == (
        shape.address.start + sample,
        shape.row.start,
        shape.column.start,
    )
    least = sample // split
    for place in sorted(used, reverse=True):
        least = min([least, *used[place]])
        assert max(used[place], default=-1) < shape.guard.need(*place) <= sample // split
        assert shape.guard.low(*place) <= least
    need, low = need_low(shape.guard)
    assert (np.diff(low.ravel()) >= 0).all(), "words are given up in order"
    assert (need <= shape.guard.words).all()
    assert all(need[place] > low[place] for place, words in used.items() if words)
