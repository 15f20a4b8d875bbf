"""Matrices of a product, and runs of neighbours, as they lie in channels: indices by loops, and copies where the order is of no use."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.lowering.layout import Placed, Shape
from hlsgen.lowering.moves import copy

FIRST, SECOND = ("g", "x", "i"), ("g", "i", "o")
"""The loops of the axes (batch, row, column) of the factors."""


def first_factor(
    builder: DataflowBuilder, operand: Placed, batch: tuple[int, ...], where: str
) -> tuple[str, tuple[Affine, ...]]:
    """A channel with the first factor, and its index: what is reduced are neighbouring channels."""
    return _factor(builder, operand, batch, FIRST, ("i",), where)


def second_factor(
    builder: DataflowBuilder, operand: Placed, batch: tuple[int, ...], where: str
) -> tuple[str, tuple[Affine, ...]]:
    """The same of the second factor: what is reduced, or the outputs, are neighbouring channels."""
    return _factor(builder, operand, batch, SECOND, ("i", "o"), where)


def _factor(
    builder: DataflowBuilder,
    operand: Placed,
    batch: tuple[int, ...],
    loops: tuple[str, str, str],
    neighbours: tuple[str, ...],
    where: str,
) -> tuple[str, tuple[Affine, ...]]:
    rows, columns = operand.position.shape[-2:]
    whole = np.broadcast_to(operand.position, (*batch, rows, columns))
    position = whole.reshape(-1, rows, columns)
    shape = builder.channels[operand.channel].shape
    index = affine_index(shape, position, loops)
    inner = {name: extent for name, extent in zip(loops, position.shape, strict=True)}
    if index is not None and any(
        index[2].coefficient(name) == 1 or inner[name] == 1 for name in neighbours
    ):
        return operand.channel, index
    order = position.transpose(1, 0, 2).reshape(-1)
    target = 1, rows, len(position) * columns
    channel = copy(builder, operand.channel, target, order, where)
    straight = np.arange(position.size).reshape(rows, -1, columns).transpose(1, 0, 2)
    index = affine_index(target, straight, loops)
    assert index is not None, "rows, then batches of columns, are affine"
    return channel, index


def affine_index(
    shape: Shape, position: np.ndarray, loops: tuple[str, ...]
) -> tuple[Affine, ...] | None:
    """The index into a channel of ``shape`` whose element at ``position`` is read, by a loop for each axis; None where it is not affine."""
    result = []
    for coordinate in np.unravel_index(position, shape):
        start = int(coordinate.flat[0])
        steps = [
            int(np.take(coordinate, 1, axis).flat[0]) - start if extent > 1 else 0
            for axis, extent in enumerate(position.shape)
        ]
        grid = np.indices(position.shape)
        straight = start + sum(step * along for step, along in zip(steps, grid, strict=True))
        if not np.array_equal(straight, coordinate):
            return None
        terms = tuple((name, step) for name, step in zip(loops, steps, strict=True) if step)
        result.append(Affine(start, terms))
    return tuple(result)


def product_position(shape: tuple[int, ...]) -> np.ndarray:
    """Where the elements of the products (*batch, rows, columns) are in the stream of ``products.matrix_product``."""
    rows, columns = shape[-2:]
    stream = np.arange(prod(shape)).reshape(rows, -1, columns)
    return stream.transpose(1, 0, 2).reshape(shape)


def runs_along(
    builder: DataflowBuilder, operand: Placed, axes: tuple[int, ...], where: str
) -> tuple[str, int, np.ndarray]:
    """A channel in which the elements along ``axes`` are runs of neighbouring channels, in their order; the length of a run, and where the
    operand's elements are in its stream. It is the operand's own where that has such runs, else a copy (1, runs, length)."""
    shape = operand.position.shape
    others = tuple(k for k in range(len(shape)) if k not in axes)
    turned = operand.position.transpose(*others, *axes)
    length = prod(shape[axis] for axis in axes)
    rows = turned.reshape(-1, length)
    channel = builder.channels[operand.channel].shape
    neighbours = rows == rows[:, :1] + np.arange(length)
    if channel[2] % length == 0 and np.all(neighbours) and np.all(rows[:, 0] % length == 0):
        return operand.channel, length, operand.position
    target = 1, len(rows), length
    copied = copy(builder, operand.channel, target, rows.reshape(-1), where)
    straight = np.arange(rows.size).reshape(turned.shape)
    return copied, length, straight.transpose(np.argsort((*others, *axes)))
