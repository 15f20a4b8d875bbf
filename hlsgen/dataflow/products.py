"""Products of two matrices that are both computed: the second is held whole while rows of the first pass by."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue
from hlsgen.dataflow.ir import MultiplyAccumulate, Read
from hlsgen.dataflow.nest import nest
from hlsgen.dataflow.step import less, product_ends


@dataclass(frozen=True)
class Factor:
    """Where the elements of one factor are: the index of a channel by the loops of the process, and the zero point."""

    channel: str
    index: tuple[Affine, ...]
    zero: int


@dataclass(frozen=True)
class ProductShape:
    """``batch`` products of (rows, inner) by (inner, columns): loops g, x, i and o."""

    batch: int
    rows: int
    inner: int
    columns: int


def sum_type(
    first: ElementType, second: ElementType, zeros: tuple[int, int], inner: int
) -> ElementType:
    """What holds every sum of ``inner`` products of the elements less their zero points, and zero."""
    low, high = product_ends(less(first, zeros[0]), less(second, zeros[1]))
    return ElementType.holding(min(inner * low, 0), max(inner * high, 0))


def matrix_product(
    builder: DataflowBuilder,
    name: str,
    factors: tuple[Factor, Factor],
    shape: ProductShape,
    epilogue: Epilogue,
) -> str:
    """The channel (1, rows, batch * columns) of all products: a row holds that row of every batch."""
    first, second = factors
    zeros = first.zero, second.zero
    a, b = (builder.channels[factor.channel].element for factor in factors)
    step = MultiplyAccumulate(sum_type(a, b, zeros, shape.inner), zeros=zeros)
    loops = nest((1, shape.rows), shape.batch, shape.columns, (1, 1), shape.inner)
    reads = Read(first.channel, first.index), Read(second.channel, second.index)
    return builder.reducing(name, loops, reads, step, epilogue)
