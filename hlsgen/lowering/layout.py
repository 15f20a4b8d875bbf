"""Where the elements of a graph's tensor are in a channel's stream, and processes that copy them in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import prod

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.dataflow.ir import Channel, Loop, Pass, Plain, Process, Read, Write

Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Placed:
    """A tensor in a channel: ``position`` has the tensor's shape and holds each element's place in the stream."""

    channel: str
    position: np.ndarray


def canonical_shape(shape: Sequence[int]) -> Shape:
    """(1, C, H, W) is (H, W, C), (1, C, L) is (1, L, C), anything else a vector (1, 1, K)."""
    match tuple(shape):
        case (1, channels, height, width):
            return height, width, channels
        case (1, channels, length):
            return 1, length, channels
    return 1, 1, prod(shape)


def canonical_position(shape: Sequence[int]) -> np.ndarray:
    """The positions of a tensor of ``shape`` in the row-major stream of its canonical shape."""
    stream = np.arange(prod(shape)).reshape(canonical_shape(shape))
    if len(shape) in (3, 4) and shape[0] == 1:
        stream = stream.transpose(2, 0, 1)
    return stream.reshape(tuple(shape))


def stream_axes(position: np.ndarray) -> tuple[int, ...] | None:
    """The permutation p for which ``tensor.transpose(p)`` in row-major order is the stream; None if there is none."""
    if position.ndim > 6:
        return None
    straight = np.arange(position.size)
    for axes in permutations(range(position.ndim)):
        if np.array_equal(position.transpose(axes).reshape(-1), straight):
            return axes
    return None


def is_whole(position: np.ndarray, size: int) -> bool:
    """Whether a tensor takes every element of a stream of ``size`` once."""
    return position.size == size and np.array_equal(np.sort(position, axis=None), np.arange(size))


def copying_process(
    name: str, source: Channel, target: Channel, order: np.ndarray
) -> Process | None:
    """Writes element ``order[d]`` of the source's stream as element d of the target's; None where that takes more than four
    nested loops with affine indices."""
    taken = np.stack(np.unravel_index(order, source.shape), axis=1)
    written = np.stack(np.unravel_index(np.arange(order.size), target.shape), axis=1)
    points = np.concatenate([taken, written], axis=1)
    nest = _loop_nest(points)
    if nest is None or len(nest) > 4:
        return None
    names = ("y", "x", "g", "o") if len(nest) == 4 else ("y", "x", "g")[3 - len(nest) :]
    extents = {loop: extent for loop, (extent, _) in zip(names, nest, strict=True)}
    loops = [Loop(loop, extents.get(loop, 1)) for loop in ("y", "x", "g", "o")]
    loops += [Loop(loop, 1, reduce=True) for loop in ("ky", "kx", "i")]

    def index(axis: int) -> Affine:
        steps = [(loop, int(step[axis])) for loop, (_, step) in zip(names, nest, strict=True)]
        return Affine(int(points[0, axis]), tuple((loop, c) for loop, c in steps if c != 0))

    return Process(
        name,
        tuple(loops),
        (Read(source.name, (index(0), index(1), index(2))),),
        Write(target.name, (index(3), index(4), index(5))),
        Pass(),
        Plain(),
    )


def _loop_nest(points: np.ndarray) -> list[tuple[int, np.ndarray]] | None:
    """Loops (extent, step), outermost first, that walk through ``points`` (count, coordinates) in order; None if none do."""
    count = len(points)
    if count == 1:
        return []
    step = points[1] - points[0]
    differs = np.any(np.diff(points, axis=0) != step, axis=1)
    run = int(np.argmax(differs)) + 1 if np.any(differs) else count
    for extent in range(run, 1, -1):
        if count % extent:
            continue
        blocks = points.reshape(count // extent, extent, -1)
        if np.all(np.diff(blocks, axis=1) == step):
            outer = _loop_nest(blocks[:, 0])
            return None if outer is None else [*outer, (extent, step)]
    return None
