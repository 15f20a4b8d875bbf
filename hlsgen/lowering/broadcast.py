"""Operands of one elementwise process, brought to one shape: what has extent 1 is read again and again, and only the rest is copied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.lowering.layout import Placed, canonical_position, canonical_shape
from hlsgen.lowering.moves import arranged, copy


def broadcast(
    builder: DataflowBuilder,
    placed: Sequence[Placed],
    shapes: Sequence[tuple[int, ...]],
    shape: tuple[int, ...],
    where: str,
) -> list[str]:
    """Channels of operands of ``shapes``, in canonical order, whose extents are those of the channel of ``shape`` or 1, and at least one of them
    its own along each axis. Raises UnsupportedOp where a copy that is needed is not a chain of nests of loops."""
    whole = canonical_shape(shape)
    repeated = [_repeats(own, shape) for own in shapes]
    covered = [
        any(
            canonical_shape(own)[axis] == whole[axis]
            for own, r in zip(shapes, repeated, strict=True)
            if r
        )
        for axis in range(3)
    ]
    if not all(covered):  # the first is as large as the result, whatever the others are
        repeated[0] = shapes[0] == shape
    channels = []
    for operand, own, repeats in zip(placed, shapes, repeated, strict=True):
        if repeats:
            straight = canonical_position(own)
            own_channel = arranged(builder, operand, canonical_shape(own), straight, where).channel
            channels.append(own_channel)
            continue
        taken = np.broadcast_to(operand.position, shape)
        order = np.empty(taken.size, np.int64)
        order[canonical_position(shape).reshape(-1)] = taken.reshape(-1)
        channels.append(copy(builder, operand.channel, whole, order, where))
    return channels


def _repeats(own: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether the canonical channel of ``own`` has, along each axis, the extent of that of ``shape`` or 1, and broadcasts as the tensors do."""
    if own == shape or all(extent == 1 for extent in own):
        return True
    return len(own) == len(shape) in (3, 4) and own[0] == shape[0] == 1


def as_streamed(constants: Sequence[np.ndarray], shape: tuple[int, ...]) -> list[np.ndarray]:
    """Constants of ``shape`` in canonical order: one integer for each channel where that is all they vary with, else (height, width, channels)."""
    whole = canonical_shape(shape)
    position = canonical_position(shape).reshape(-1)
    ordered = []
    for constant in constants:
        stream = np.empty(constant.size, np.int64)
        stream[position] = constant.reshape(-1)
        ordered.append(stream.reshape(whole))
    if all(np.array_equal(array, np.broadcast_to(array[:1, :1], whole)) for array in ordered):
        return [array[0, 0] for array in ordered]
    return ordered
