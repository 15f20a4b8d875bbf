"""Marks beyond those for which a circuit has lines are computed: the graph means the same."""

from __future__ import annotations

import numpy as np
import pytest
from support.random_loop_graphs import inputs, random_graph

from hlsgen.algebra.mark import Mark
from hlsgen.errors import DoesNotFit
from hlsgen.loops.check import check
from hlsgen.loops.clean import clean
from hlsgen.loops.evaluate import evaluate
from hlsgen.loops.few_marks import with_few_marks
from hlsgen.loops.ir import LoopGraph
from hlsgen.loops.text import parse

CLEARED = """loop_graph g s32
loop i 2
loop j 2
loop k 2
array a 8 s32 input
array y 8 s32 output
x = load a[4*i + 2*j + k]
s = multiply_accumulate x x clear first 0
t = multiply_accumulate x s clear first 1
u = multiply_accumulate x t clear first 2
w = store y[4*i + 2*j + k] u
"""


def marks(graph: LoopGraph) -> set[Mark]:
    """The different marks of loops that are in a graph."""
    every: set[Mark] = set()
    for operation in graph.operations:
        every |= {Mark("first", value.level) for value in operation.values if value.distance}
        every |= {m for m in (operation.predicate, operation.clear) if isinstance(m, Mark)}
    return {mark for mark in every if mark.level < len(graph.loops)}


def test_random_graphs_mean_the_same_with_few_marks() -> None:
    changed = 0
    for seed in range(150):
        graph = clean(random_graph(seed, 20))
        clears = {o.clear for o in graph.operations if o.clear is not None} & marks(graph)
        for most in (1, 2, 3):
            if len(clears) >= most:
                continue
            few = with_few_marks(graph, most)
            check(few)
            assert len(marks(few)) <= most, f"seed {seed}"
            changed += few != graph
            before, after = (evaluate(one, inputs(seed)) for one in (graph, few))
            for name, values in before.items():
                np.testing.assert_array_equal(after[name], values, err_msg=f"{name}, seed {seed}")
    assert changed >= 50


def test_a_graph_with_few_marks_stays_as_it_is() -> None:
    graph = parse(CLEARED)
    assert with_few_marks(graph, 3) is graph


def test_accumulators_that_are_cleared_at_too_many_marks_are_refused() -> None:
    with pytest.raises(DoesNotFit, match="at 2 different marks"):
        with_few_marks(parse(CLEARED), 2)
