"""Tensors brought into another order, put together and surrounded: chains of copying processes, and processes that read several channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from hlsgen.dataflow.assembly import assemble
from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.errors import UnsupportedOp
from hlsgen.lowering.layout import (
    Placed,
    Shape,
    canonical_position,
    canonical_shape,
    copying_process,
    is_whole,
    stream_axes,
)
from hlsgen.ops.tensor_type import TensorType

LONGEST = 3
"""Processes of a chain of copies."""

MOST_PIECES = 16
"""Channels that one process puts together in place of one copy."""

Part = Placed | np.ndarray
"""An operand: where it is, or its values where it is constant."""


def arranged(
    builder: DataflowBuilder, old: Placed, shape: Shape, position: np.ndarray, where: str
) -> Placed:
    """A tensor in a channel of ``shape`` at ``position``; the one it is in where that is so."""
    if builder.channels[old.channel].shape == shape and np.array_equal(position, old.position):
        return old
    order = np.empty(position.size, dtype=np.int64)
    order[position.reshape(-1)] = old.position.reshape(-1)
    return Placed(copy(builder, old.channel, shape, order, where), position)


def copy(builder: DataflowBuilder, source: str, shape: Shape, order: np.ndarray, where: str) -> str:
    """A new channel of ``shape`` whose element d is element ``order[d]`` of the source's stream.

    Where one nest of loops does not do it, channels in between are tried (``_between``). Raises UnsupportedOp where none help.
    """
    if (channel := _chain(builder, source, shape, order, LONGEST)) is not None:
        return channel
    if (channel := _in_pieces(builder, source, shape, order)) is not None:
        return channel
    raise UnsupportedOp(
        where,
        "expected a change of element order that is a nest of at most 4 loops, or a chain of them, "
        f"found another from {builder.channels[source].shape} to {shape}",
        "Export the model without this combination of Transpose, Reshape, Resize and Gather.",
    )


def _in_pieces(
    builder: DataflowBuilder, source: str, shape: Shape, order: np.ndarray, depth: int = 3
) -> str | None:
    """The copy as pieces along the rows or columns or channels that are put together (mirrored edges, places of a Gather)."""
    whole = order.reshape(shape)
    for axis in range(3):
        lines = np.moveaxis(whole, axis, 0).reshape(shape[axis], -1)
        cuts = _cuts(lines)
        if not 1 < len(cuts) <= MOST_PIECES:
            continue
        trial, parts = builder.copy(), []
        for start, stop in zip(cuts, [*cuts[1:], shape[axis]], strict=True):
            piece = np.take(whole, np.arange(start, stop), axis=axis)
            size = (piece.shape[0], piece.shape[1], piece.shape[2])
            copied = _chain(trial, source, size, piece.reshape(-1), LONGEST)
            if copied is None and depth > 1:
                copied = _in_pieces(trial, source, size, piece.reshape(-1), depth - 1)
            at = [0, 0, 0]
            at[axis] = start
            parts.append((copied, (at[0], at[1], at[2])))
        present = [(channel, at) for channel, at in parts if channel is not None]
        if len(present) == len(parts):
            builder.take(trial)
            return assemble(builder, f"{source}_pieces", present, shape, None, None)
    return None


def _cuts(lines: np.ndarray) -> list[int]:
    """Where runs of lines begin in which each line is the one before, moved by one distance."""
    cuts, step = [0], None
    for k in range(1, len(lines)):
        moved = lines[k] - lines[k - 1]
        even = bool(np.all(moved == moved[0]))
        if even and (step is None or moved[0] == step):
            step = moved[0]
        else:
            cuts.append(k)
            step = None
    return cuts


def _chain(
    builder: DataflowBuilder, source: str, shape: Shape, order: np.ndarray, longest: int
) -> str | None:
    """The copy in at most ``longest`` processes; None, and nothing added, where there is no such chain."""
    if (channel := _copied(builder, source, shape, order)) is not None or longest == 1:
        return channel
    for middle, first, second in _between(builder.channels[source].shape, shape, order):
        trial = builder.copy()
        name = _copied(trial, source, middle, first)
        if name is None:
            continue
        if (result := _chain(trial, name, shape, second, longest - 1)) is not None:
            builder.take(trial)
            return result
    return None


def _copied(builder: DataflowBuilder, source: str, shape: Shape, order: np.ndarray) -> str | None:
    """The copy in one process; None, and nothing added, where it is not one nest of loops."""
    name = f"{source}_copy"
    trial = builder.copy()
    channel = trial.channels[source]
    target = trial.channel(f"{name}_out", shape, channel.element)
    process = copying_process(trial.unique(name), channel, trial.channels[target], order)
    if process is None:
        return None
    builder.take(trial)
    return builder.process(process)


def _between(
    source: Shape, target: Shape, order: np.ndarray
) -> Iterator[tuple[Shape, np.ndarray, np.ndarray]]:
    """Channels in between that may help: their shape, their order of the source's stream, and the target's order of theirs.

    1. Columns and channels as in the target, rows as in the source (each axis by itself: Resize, Slice).
    2. The source's or the target's order in a channel whose pixels hold several pixels (SpaceToDepth, DepthToSpace).
    3. The channels of each pixel in the order in which the target takes them.
    """
    taken = np.stack(np.unravel_index(order, source), axis=-1).reshape(*target, 3)
    rows, columns, channels = taken[:, 0, 0, 0], taken[0, :, 0, 1], taken[0, 0, :, 2]
    apart = np.stack(np.broadcast_arrays(*np.ix_(rows, columns, channels)), axis=-1)
    if np.array_equal(apart, taken):
        middle = (source[0], target[1], target[2])
        inner = np.stack(np.broadcast_arrays(*np.ix_(np.arange(source[0]), columns, channels)))
        first = np.ravel_multi_index(tuple(inner), source).reshape(-1)
        places = np.broadcast_arrays(*np.ix_(rows, np.arange(target[1]), np.arange(target[2])))
        yield middle, first, np.ravel_multi_index(tuple(places), middle).reshape(-1)
    for size in range(2, source[1] + 1):
        if source[1] % size == 0:
            yield (source[0], source[1] // size, source[2] * size), np.arange(prod(source)), order
    straight = np.arange(order.size)
    for size in range(1, target[1] + 1):
        if target[1] % size == 0:
            yield (target[0], target[1] // size, target[2] * size), order, straight
    for size in range(2, target[2] + 1):
        if target[2] % size == 0:
            yield (target[0], target[1] * size, target[2] // size), order, straight
    if order.size == prod(source) and is_whole(order, order.size):
        by_pixel = np.argsort(order // source[2], kind="stable")
        back = np.empty_like(by_pixel)
        back[by_pixel] = straight
        yield source, order[by_pixel], back


def join(
    builder: DataflowBuilder,
    name: str,
    parts: Sequence[Part],
    types: Sequence[TensorType],
    axis: int,
    where: str,
) -> Placed:
    """Operands one after the other along ``axis``: one process that reads, of every channel, what lies within."""
    shapes = [type.shape for type in types]
    axes, row = _common_order(builder, parts, shapes, axis)
    if row is None:
        parts = [_canonical(builder, part, where) for part in parts]
        axes, row = _common_order(builder, parts, shapes, axis)
    if row is None or axes is None:
        parts = [_in_rows(builder, part, axis, where) for part in parts]
        axes, row = tuple(range(len(shapes[0]))), 0 if prod(shapes[0][:axis]) == 1 else 1
    extent = sum(shape[axis] for shape in shapes)
    whole = (*shapes[0][:axis], extent, *shapes[0][axis + 1 :])
    ordered = [whole[k] for k in axes]
    position = np.arange(prod(whole)).reshape(ordered).transpose(np.argsort(axes))
    sizes = [shape[axis] for shape in shapes]
    target = _stream_shape(builder, parts, whole, axes, axis, row)
    starts = np.cumsum([0, *sizes[:-1]]).tolist()
    channels, fixed = [], np.full(prod(whole), types[0].integer.minimum, np.int64)
    index = [slice(None)] * len(whole)
    for part, start, size in zip(parts, starts, sizes, strict=True):
        index[axis] = slice(start, start + size)
        if isinstance(part, np.ndarray):
            fixed[position[tuple(index)].reshape(-1)] = part.reshape(-1)
            continue
        places = [0, 0, 0]
        places[row] = start * (builder.channels[part.channel].shape[row] // size)
        channels.append((part.channel, (places[0], places[1], places[2])))
    constant = fixed.reshape(target) if len(channels) < len(parts) else None
    assert channels, "operands that are all constant are folded"
    return Placed(assemble(builder, name, channels, target, None, constant), position)


def _stream_shape(
    builder: DataflowBuilder,
    parts: Sequence[Part],
    whole: Sequence[int],
    axes: Sequence[int],
    axis: int,
    row: int,
) -> Shape:
    """The shape of the channel of a joined tensor: as those of its parts, but along the axis of the channel that grows."""
    first = next(part for part in parts if not isinstance(part, np.ndarray))
    shape = list(builder.channels[first.channel].shape)
    shape[row] = prod(whole) // (prod(shape) // shape[row])
    return shape[0], shape[1], shape[2]


def _common_order(
    builder: DataflowBuilder, parts: Sequence[Part], shapes: Sequence[tuple[int, ...]], axis: int
) -> tuple[tuple[int, ...] | None, int | None]:
    """The order of axes in which the streams of all operands are, and which axis of the channels is ``axis``, along which alone they differ;
    None where there is none."""
    placed = [
        (part, shape)
        for part, shape in zip(parts, shapes, strict=True)
        if not isinstance(part, np.ndarray)
    ]
    channels = [builder.channels[part.channel].shape for part, _ in placed]
    whole = all(is_whole(p.position, prod(c)) for (p, _), c in zip(placed, channels, strict=True))
    orders = [stream_axes(part.position) for part, _ in placed] if whole else [None]
    longest = max(range(len(placed)), key=lambda k: placed[k][1][axis], default=0)
    axes = orders[longest] if whole else None
    if axes is None:
        return None, None
    for part, shape in placed:  # extents of 1 leave the order open
        straight = np.arange(prod(shape)).reshape([shape[k] for k in axes])
        if not np.array_equal(straight.transpose(np.argsort(axes)), part.position):
            return None, None
    before = axes[: axes.index(axis)]
    for row in (2, 1, 0):
        others = {channel[:row] + channel[row + 1 :] for channel in channels}
        if len(others) == 1 and all(
            prod(channel[:row]) == prod(shape[k] for k in before) and channel[row] == shape[axis]
            for (_, shape), channel in zip(placed, channels, strict=True)
        ):
            return axes, row
    return axes, None


def _canonical(builder: DataflowBuilder, part: Part, where: str) -> Part:
    if isinstance(part, np.ndarray):
        return part
    shape = part.position.shape
    return arranged(builder, part, canonical_shape(shape), canonical_position(shape), where)


def _in_rows(builder: DataflowBuilder, part: Part, axis: int, where: str) -> Part:
    """A tensor of any rank in row-major order, its ``axis`` the columns of the channel (the rows where nothing is before it)."""
    if isinstance(part, np.ndarray):
        return part
    shape = part.position.shape
    outer, inner = prod(shape[:axis]), prod(shape[axis + 1 :])
    channel = (shape[axis], 1, inner) if outer == 1 else (outer, shape[axis], inner)
    return arranged(builder, part, channel, np.arange(prod(shape)).reshape(shape), where)


def surround(
    builder: DataflowBuilder,
    name: str,
    operand: Placed,
    pads: tuple[Sequence[int], Sequence[int]],
    value: int,
    where: str,
) -> Placed:
    """A tensor with elements of ``value`` before and after it along each axis; fewer than it has where a pad is below 0."""
    before, after = pads
    shape = operand.position.shape
    if len(shape) in (3, 4) and shape[0] == 1 and before[0] == after[0] == 0:
        placed = _canonical(builder, operand, where)
        assert isinstance(placed, Placed)
        whole = tuple(n + b + a for n, b, a in zip(shape, before, after, strict=True))
        starts = (before[2], before[3], before[1]) if len(shape) == 4 else (0, before[2], before[1])
        channel = assemble(
            builder, name, [(placed.channel, starts)], canonical_shape(whole), value, None
        )
        return Placed(channel, canonical_position(whole))
    for axis in range(len(shape)):
        if not before[axis] and not after[axis]:
            continue
        placed = _in_rows(builder, operand, axis, where)
        assert isinstance(placed, Placed)
        extents = list(placed.position.shape)
        extents[axis] += before[axis] + after[axis]
        size = list(builder.channels[placed.channel].shape)
        row = 0 if prod(extents[:axis]) == 1 else 1
        size[row] = extents[axis]
        starts = (before[axis], 0, 0) if row == 0 else (0, before[axis], 0)
        target = (size[0], size[1], size[2])
        channel = assemble(builder, name, [(placed.channel, starts)], target, value, None)
        operand = Placed(channel, np.arange(prod(extents)).reshape(extents))
    return operand
