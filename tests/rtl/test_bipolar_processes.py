"""Processes whose values are of one bit, against the interpreter: idle inputs, backpressure, the smallest buffers."""

from __future__ import annotations

import numpy as np
import pytest
from support.process_bench import Stalls, process_schedule, random_samples, run_process

from hlsgen.algebra.expression import Call, Operand
from hlsgen.algebra.scalar import Steps
from hlsgen.algebra.types import BIPOLAR, S8, ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.cost.factors import Factors
from hlsgen.dataflow.bipolar import with_bipolar
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.schedule.stream_network.legality import broken_rule

STALLS = [Stalls(), Stalls(0.5, 0.0, 1), Stalls(0.0, 0.5, 2), Stalls(0.4, 0.4, 3)]
SIGN = Call(Steps(0, 20, ((0, -1, 1),)), (Operand("r0"),))


def convolution(
    element: ElementType, signs: bool, outside: int | None = None, least: int = -1
) -> Dataflow:
    """3 x 2 windows of 4 channels to 6, of weights -1 and 1 (from ``least`` on); ``signs``: of the sums, which else are the result."""
    random, build = np.random.default_rng(2), DataflowBuilder("convolution")
    x = build.input("x", (4, 5, 4), element)
    weights = np.where(random.random((1, 6, 3, 2, 4)) < 0.5, least, 1)
    window = PlanarWindow((3, 2), before=(0, 0) if outside is None else (1, 1))
    size = (2, 4) if outside is None else (3, 5)
    finish = Epilogue(S8, bias=random.integers(-3, 4, 6))
    y = build.multiply_accumulate("p", x, weights, window, size, finish, outside)
    if signs:
        y = build.pointwise("s", [y], [], SIGN, BIPOLAR)
    dataflow = build.build()
    # the writer of one bit is looked at alone: an output has two
    narrow = with_bipolar(dataflow)
    return narrow if signs else with_bipolar(_with_output(build, y))


def _with_output(build: DataflowBuilder, channel: str) -> Dataflow:
    build.output(channel)
    return build.build()


def assert_computes(dataflow: Dataflow, unroll: Unroll, lanes: int, stalls: Stalls) -> None:
    schedule = process_schedule(dataflow, unroll, lanes, 1, 1)
    samples = random_samples(dataflow, 3, np.random.default_rng(stalls.seed))
    expected = interpret(dataflow, samples)[dataflow.processes[0].write.channel]
    results, _ = run_process(schedule, samples, stalls)
    assert np.array_equal(results, expected), (unroll, stalls)


@pytest.mark.parametrize("stalls", STALLS, ids=str)
@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("unroll", [Unroll(), Unroll(o=3, i=4), Unroll(x=2, o=4, ky=3, kx=2, i=2)])
def test_signs_are_compared_and_counted_under_any_stalls(
    unroll: Unroll, signs: bool, stalls: Stalls
) -> None:
    dataflow = convolution(BIPOLAR, signs)
    assert dataflow.channels["x"].element == dataflow.stores["p_weights"].element == BIPOLAR
    assert_computes(dataflow, unroll, 1, stalls)


@pytest.mark.parametrize("stalls", STALLS[::3], ids=str)
@pytest.mark.parametrize(
    ("element", "outside", "least"),
    [(ElementType(3, False), 0, -1), (BIPOLAR, 0, -1), (BIPOLAR, -1, -1), (BIPOLAR, None, -2)],
)
def test_signs_meet_numbers_of_more_bits(
    element: ElementType, outside: int | None, least: int, stalls: Stalls
) -> None:
    dataflow = convolution(element, True, outside, least)
    assert_computes(dataflow, Unroll(o=3, i=2), 1, stalls)
    assert_computes(dataflow, Unroll(o=2, kx=2), 2, stalls)


@pytest.mark.parametrize("stalls", STALLS[::3], ids=str)
def test_the_largest_and_the_sum_of_signs(stalls: Stalls) -> None:
    for kind in ("maximum", "sum"):
        build = DataflowBuilder(kind)
        x = build.input("x", (4, 4, 3), BIPOLAR)
        window = PlanarWindow((2, 2), stride=(2, 2))
        if kind == "maximum":
            out = build.window_maximum("p", x, window, (2, 2), Epilogue(BIPOLAR))
        else:
            out = build.window_sum("p", x, window, (2, 2), Epilogue(S8))
        dataflow = with_bipolar(build.build())
        assert dataflow.channels[out].element == (BIPOLAR if kind == "maximum" else S8)
        assert_computes(dataflow, Unroll(g=3, ky=2), 1, stalls)


def test_lanes_of_signs_are_never_filled_up() -> None:
    dataflow = convolution(BIPOLAR, True)
    factors = Factors(1, 1, 2, 2, 2, 4, 1, 1)
    text = broken_rule(dataflow, dataflow.processes[0], factors)
    assert text == "ky that divides 3, where weights are -1 and 1"
