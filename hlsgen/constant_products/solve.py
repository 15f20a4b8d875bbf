"""Constant matrices as adder graphs."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from hlsgen.algebra.adder_graph import AdderGraph, Addition, Range, ShiftedNode, check
from hlsgen.constant_products.growing import GrowingGraph
from hlsgen.constant_products.subexpressions import SharedTerms
from hlsgen.constant_products.totals import total

Rows: TypeAlias = tuple[tuple[int, ...], ...]


@lru_cache(maxsize=64)
def adder_graph(matrix: Rows, constants: tuple[int, ...], inputs: tuple[Range, ...]) -> AdderGraph:
    """The graph of ``matrix @ inputs + constants`` , of few bits of carry chains; proved equal to it.

    ``matrix`` (outputs, inputs); ``inputs``: the range of each.
    """
    weights = np.array(matrix, np.int64).reshape(len(matrix), len(inputs))
    growing = GrowingGraph(inputs)
    shared = SharedTerms(growing, weights)
    shared.share()
    outputs = [
        total(growing, terms, int(constant))
        for terms, constant in zip(shared.terms, constants, strict=True)
    ]
    graph = growing.finished(outputs)
    check(graph, weights, np.array(constants, np.int64))
    return graph


def scaled_graph(
    matrix: Rows, factors: tuple[int, ...], constants: tuple[int, ...], inputs: tuple[Range, ...]
) -> AdderGraph:
    """The graph of ``factors * (matrix @ inputs) + constants``, row by row, with the factors behind the sums."""
    sums = adder_graph(matrix, (0,) * len(matrix), inputs)
    ends = [(0, 0) if isinstance(o, int) else sums.ranges[o.node] for o in sums.outputs]
    shifts = [0 if isinstance(o, int) else o.shift for o in sums.outputs]
    diagonal = tuple(
        tuple(
            factor << shifts[k] if k == column and not isinstance(sums.outputs[k], int) else 0
            for column in range(len(matrix))
        )
        for k, factor in enumerate(factors)
    )
    scaled = adder_graph(diagonal, constants, tuple(ends))
    graph = _after(sums, scaled)
    weights = np.array(matrix, np.int64) * np.array(factors, np.int64)[:, None]
    check(graph, weights, np.array(constants, np.int64))
    return graph


def _after(sums: AdderGraph, scaled: AdderGraph) -> AdderGraph:
    """``scaled`` of the nodes that ``sums`` gives out, whose shifts are part of its factors."""
    count, own = len(sums.outputs), len(sums.inputs) + len(sums.sums)

    def moved(term: ShiftedNode | int) -> ShiftedNode | int:
        if isinstance(term, int):
            return term
        if term.node >= count:
            return replace(term, node=term.node - count + own)
        source = sums.outputs[term.node]
        return 0 if isinstance(source, int) else replace(term, node=source.node)

    more = []
    for added in scaled.sums:
        first = moved(added.first)
        assert isinstance(first, ShiftedNode), "a sum of nothing is not scaled"
        more.append(Addition(first, moved(added.second)))
    return AdderGraph(sums.inputs, (*sums.sums, *more), tuple(map(moved, scaled.outputs)))
