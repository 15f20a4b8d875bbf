"""Functions whose constants differ along axes of their operand: its elements brought to where each has a channel, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.ops.reason import Reason
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.transpose import Transpose


def by_channel(
    build: GraphBuilder, value: str, axes: Sequence[int], make: Callable[[str], str | Reason]
) -> str | Reason:
    """``make`` of the value with its channels at axis 1: the indices of one axis or, of several, all positions as (1, positions).

    The result has the shape of the value. The positions are in the order of a stream, (height, width, channel), which costs no copy.
    """
    shape = build.types[value].shape
    if list(axes) == [1]:
        return make(value)
    order = _order(len(shape), axes)
    moved = build.node(Transpose(order), [value])
    flat = moved if len(axes) == 1 else build.node(Reshape((1, int(np.prod(shape)))), [moved])
    result = make(flat)
    if isinstance(result, Reason):
        return result
    whole = build.node(Reshape(build.types[moved].shape), [result]) if flat != moved else result
    return build.node(Transpose(tuple(int(k) for k in np.argsort(order))), [whole])


def channel_values(array: np.ndarray, shape: Sequence[int], axes: Sequence[int]) -> np.ndarray:
    """The elements (channels, ...) of an array (..., *extents) whose last dimensions broadcast to ``shape``, as ``by_channel`` orders them."""
    rank = len(shape)
    if len(axes) == 1:
        along = tuple(slice(None) if k == axes[0] else slice(1) for k in range(rank))
        return array[(..., *along)].reshape(*array.shape[:-rank], -1)
    before = array.shape[:-rank]
    full = np.broadcast_to(array, (*before, *shape))
    order = [k + len(before) for k in _order(rank, axes)]
    return full.transpose(*range(len(before)), *order).reshape(*before, -1)


def differing(results: np.ndarray) -> list[int]:
    """The axes from 1 on along which an array has more than one value."""
    return [
        axis
        for axis in range(1, results.ndim)
        if np.any(results != np.take(results, [0], axis=axis))
    ]


def _order(rank: int, axes: Sequence[int]) -> tuple[int, ...]:
    if len(axes) == 1:
        return (0, axes[0], *(k for k in range(1, rank) if k != axes[0]))
    return (0, *range(2, rank), 1)
