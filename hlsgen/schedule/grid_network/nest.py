"""The loops of a run that uses the whole array, and what every column holds for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.dataflow.ir import Loop
from hlsgen.schedule.grid_network.layers import Chunk, Layer

COLUMN = "column"
"""The loop over columns: each takes part in every step, so it appears in the order of results only."""


@dataclass(frozen=True)
class ArrayNest:
    """``parallel`` loops, the rows of the result (``y``) first, then ``reduce`` loops. ``read`` and ``write``: indices over those loops, ``write``
    also over COLUMN, with y counted from the first row of the result and groups from the first of the chunk."""

    parallel: tuple[Loop, ...]
    reduce: tuple[Loop, ...]
    read: tuple[Affine, ...]
    write: tuple[Affine, ...]

    def of_rows(self, count: int) -> tuple[Loop, ...]:
        """All loops, with ``count`` rows of the result."""
        return (Loop("y", count), *self.parallel[1:], *self.reduce)


def nest(layer: Layer, chunk: Chunk, size: tuple[int, int]) -> ArrayNest:
    """The nest of a chunk of a layer across channels or pixels; ``size``: height and width of the result."""
    return (
        _channels(layer, chunk, size)
        if layer.template == "channels"
        else _pixels(layer, chunk, size)
    )


def _channels(layer: Layer, chunk: Chunk, size: tuple[int, int]) -> ArrayNest:
    process, reduction = layer.process, layer.across
    columns = reduction.columns
    tiles = -(-len(chunk.outputs) // columns)
    ky, kx, i = reduction.extents
    first = chunk.groups.start * process.extent("o") + chunk.outputs.start
    row, column, channel = process.reads[0].index
    inner = chunk.groups.start * channel.coefficient("g")
    return ArrayNest(
        (Loop("y", size[0]), Loop("x", size[1]), Loop("tile", tiles)),
        (Loop("ky", ky), Loop("kx", kx), Loop("i", i)),
        (row, column, Affine(channel.offset + inner, channel.terms)),
        (
            Affine(0, (("y", 1),)),
            Affine(0, (("x", 1),)),
            Affine(first, (("tile", columns), (COLUMN, 1))),
        ),
    )


def _pixels(layer: Layer, chunk: Chunk, size: tuple[int, int]) -> ArrayNest:
    """Input pixel ``span`` of the step for output pixels tile * columns ...; weights of column c are shifted by c strides."""
    process, reduction = layer.process, layer.across
    columns = reduction.columns
    ky, span = reduction.extents
    row, column, channel = process.reads[0].index
    outputs = process.extent("o")
    step = column.coefficient("x") * columns
    return ArrayNest(
        (
            Loop("y", size[0]),
            Loop("tile", size[1] // columns),
            Loop("g", len(chunk.groups)),
            Loop("o", outputs),
        ),
        (Loop("ky", ky), Loop("span", span)),
        (
            row,
            Affine(column.offset, (("tile", step), ("span", 1))),
            Affine(channel.offset + chunk.groups.start, (("g", 1),)),
        ),
        (
            Affine(0, (("y", 1),)),
            Affine(0, (("tile", columns), (COLUMN, 1))),
            Affine(chunk.groups.start * outputs, (("g", outputs), ("o", 1))),
        ),
    )


def weights_of_columns(layer: Layer, chunk: Chunk) -> np.ndarray | None:
    """What each north tile holds, in the order of reading: (columns, elements) int64; None without weights."""
    if layer.weights is None:
        return None
    groups, outputs = chunk.groups, chunk.outputs
    part = layer.weights[groups.start : groups.stop, outputs.start : outputs.stop]
    columns, extents = layer.across.columns, layer.across.extents
    if layer.template == "channels":
        surplus = [(0, longer - n) for longer, n in zip(extents, part.shape[2:], strict=True)]
        padded = np.pad(part[0], [(0, -part.shape[1] % columns), *surplus])
        tiles = padded.reshape(-1, columns, layer.across.steps)
        return tiles.transpose(1, 0, 2).reshape(columns, -1)
    column = layer.process.reads[0].index[1]
    shifted = np.zeros((columns, *part.shape[:2], *extents), dtype=np.int64)
    for c in range(columns):
        for kx in range(part.shape[3]):
            at = c * column.coefficient("x") + kx * column.coefficient("kx")
            shifted[c, ..., at] = part[:, :, :, kx, 0]
    return shifted.reshape(columns, -1)
