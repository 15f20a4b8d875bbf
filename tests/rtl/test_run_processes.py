"""What is reduced over runs of neighbouring channels, and quotients of their elements, in hardware; with idle inputs and backpressure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.process_bench import Stalls, process_schedule, random_samples, run_process

from hlsgen.algebra import scalar
from hlsgen.algebra.expression import Call, Operand
from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.cost.factors import Factors
from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.dataflow.check import check
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.dataflow.runs import run_maximum, run_pointwise, run_squares, run_sum
from hlsgen.schedule.stream_network.legality import UNROLLED, broken_rule

HEIGHT, WIDTH, RUNS, LENGTH = 2, 3, 2, 6


def reduced(make: Callable[[DataflowBuilder, str, str, int], str]) -> Dataflow:
    build = DataflowBuilder("runs")
    source = build.input("x", (HEIGHT, WIDTH, RUNS * LENGTH), S8)
    build.output(make(build, "p", source, LENGTH))
    dataflow = build.build()
    check(dataflow)
    return dataflow


def squares(build: DataflowBuilder, name: str, source: str, length: int) -> str:
    return run_squares(build, name, source, length, -100)


def quotients(rows: int, places: int) -> Dataflow:
    """(x + parameter) / s of every element x of a run with s; ``rows``, ``places``: how many parameters there are along both axes."""
    build = DataflowBuilder("quotients")
    x = build.input("x", (HEIGHT, WIDTH, RUNS * LENGTH), S8)
    s = build.input("s", (HEIGHT, WIDTH, RUNS), U8)
    random = np.random.default_rng(rows + places)
    own = random.integers(-500, 500, (1, rows, places))
    parameters = np.broadcast_to(own, (1, HEIGHT * WIDTH * RUNS, LENGTH))
    raised = Call(scalar.Add(), (Operand("r0"), Operand("r2")))
    expression = Call(scalar.Divide(-20, 21), (raised, Operand("r1")))
    element = ElementType.holding(-20, 21)
    build.output(run_pointwise(build, "p", (x, s), LENGTH, expression, element, parameters))
    dataflow = build.build()
    check(dataflow)
    return dataflow


def assert_computes(dataflow: Dataflow, unroll: Unroll, seed: int) -> None:
    schedule = process_schedule(dataflow, unroll, 1, 1, seed % 2)
    samples = random_samples(dataflow, 3, np.random.default_rng(seed))
    expected = interpret(dataflow, samples)[dataflow.outputs[0]]
    results, _ = run_process(schedule, samples, Stalls(0.4 * (seed % 2), 0.4 * (seed // 2), seed))
    assert np.array_equal(results, expected), (unroll, seed)


@pytest.mark.parametrize("make", [run_maximum, run_sum, squares])
def test_runs_are_reduced_by_any_number_of_lanes_that_divides_them(
    make: Callable[[DataflowBuilder, str, str, int], str],
) -> None:
    dataflow = reduced(make)
    process = dataflow.processes[0]
    for seed, lanes in enumerate((1, 2, 3, 6)):
        assert_computes(dataflow, Unroll(i=lanes), seed)
    for lanes in (4, 5):
        factors = Factors(*(getattr(Unroll(i=lanes), name) for name in UNROLLED), 1, 1)
        assert broken_rule(dataflow, process, factors) is not None


@pytest.mark.parametrize(("rows", "places"), [(1, LENGTH), (12, 1), (12, LENGTH)])
def test_every_element_of_a_run_is_divided_by_what_belongs_to_the_run(
    rows: int, places: int
) -> None:
    dataflow = quotients(rows, places)
    for seed in (0, 3):
        assert_computes(dataflow, Unroll(), seed)


def test_pixels_side_by_side_are_not_legal_where_a_parameter_differs_by_pixel() -> None:
    beside = Factors(2, 1, 1, 1, 1, 1, 1, 1)
    of_places, of_runs = quotients(1, LENGTH), quotients(12, 1)
    assert broken_rule(of_places, of_places.processes[0], beside) is None
    text = "x = 1 where a finish takes constants by place"
    assert broken_rule(of_runs, of_runs.processes[0], beside) == text
