"""Processes that multiply two computed matrices, in every layout that hardware takes."""

from __future__ import annotations

from itertools import product

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.types import S8, U8
from hlsgen.algebra.unroll import Unroll
from hlsgen.cost.factors import Factors
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue
from hlsgen.dataflow.ir import Dataflow
from hlsgen.dataflow.products import Factor, ProductShape, matrix_product, sum_type
from hlsgen.schedule.stream_network.legality import UNROLLED, broken_rule
from support.process_bench import requantise


def product_process(
    shape: ProductShape,
    along_outputs: bool,
    zeros: tuple[int, int] = (117, -3),
    plain: bool = False,
) -> Dataflow:
    """Products of u8 by s8; ``along_outputs``: the outputs are neighbours in the second factor, not the reduction."""
    build = DataflowBuilder("product")
    batch, rows, inner, columns = shape.batch, shape.rows, shape.inner, shape.columns
    a = build.input("a", (1, rows, batch * inner), U8)
    row, neighbours = (inner, columns) if along_outputs else (columns, inner)
    b = build.input("b", (1, row, batch * neighbours), S8)
    near, far = ("o", "i") if along_outputs else ("i", "o")
    zero = Affine(0)
    first = (zero, Affine(0, (("x", 1),)), Affine(0, (("g", inner), ("i", 1))))
    second = (zero, Affine(0, ((far, 1),)), Affine(0, (("g", neighbours), (near, 1))))
    finish = requantise(batch * columns, np.random.default_rng(inner))
    sums = Epilogue(sum_type(U8, S8, zeros, inner))
    factors = Factor(a, first, zeros[0]), Factor(b, second, zeros[1])
    build.output(matrix_product(build, "p", factors, shape, sums if plain else finish))
    return build.build()


def squares_process(rows: int, inner: int, zero: int) -> Dataflow:
    """The sum of squares of every row: both factors are one channel, and differ by pixel."""
    build = DataflowBuilder("squares")
    a = build.input("a", (1, rows, inner), U8)
    index = (Affine(0), Affine(0, (("x", 1),)), Affine(0, (("i", 1),)))
    factor = Factor(a, index, zero)
    sums = Epilogue(sum_type(U8, U8, (zero, zero), inner))
    build.output(
        matrix_product(build, "p", (factor, factor), ProductShape(1, rows, inner, 1), sums)
    )
    return build.build()


def legal_plans(dataflow: Dataflow) -> list[tuple[Unroll, int]]:
    """Every legal choice of pixels, outputs, lanes and finished word."""
    process = dataflow.processes[0]
    plans = []
    for x, o, i in product(*(range(1, process.extent(loop) + 1) for loop in ("x", "o", "i"))):
        unroll = Unroll(x=min(x, 3), o=o, i=i)
        for lanes in range(1, o + 1):
            factors = Factors(*(getattr(unroll, name) for name in UNROLLED), lanes, 1)
            if broken_rule(dataflow, process, factors) is None and (unroll, lanes) not in plans:
                plans.append((unroll, lanes))
    return plans
