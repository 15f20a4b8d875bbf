"""The event model's figures for small plans that between them have every kind of unrolling, word and join, as they stand.

The figures are the model's own. How far a circuit is from them is measured (section 2 of ``benchmarks/README.md``); who changes the
model on purpose measures that again, and then corrects them here.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from support.example_nets import convolution_net, depthwise_net, residual_net, vector_net
from support.small_dataflows import chain, convolution, residual

from hlsgen.algebra.types import S8
from hlsgen.algebra.unroll import Unroll
from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.dataflow.ir import Dataflow
from hlsgen.schedule.stream_network.ir import ArrayPlan
from hlsgen.schedule.stream_network.solver import plan_buffers
from hlsgen.schedule.stream_network.timing import simulate


@dataclass(frozen=True)
class Array:
    """How a process is built: ``lanes`` results finished together in ``interval`` cycles."""

    unroll: Unroll
    lanes: int = 1
    interval: int = 1


@dataclass(frozen=True)
class Figures:
    """``interval``, ``latency``, cycles of a sample in which each process works, and depths of buffers."""

    interval: int
    latency: int
    working: tuple[int, ...]
    depths: tuple[int, ...]


def two_outputs() -> Dataflow:
    build = DataflowBuilder("two_outputs")
    first = convolution(build, "first", build.input("x", (6, 5, 3), S8), 4)
    build.output(convolution(build, "second", first, 4, stride=2))
    build.output(convolution(build, "third", first, 2, 1))
    return build.build()


PLANS: dict[str, tuple[Dataflow, int, dict[str, Array]]] = {
    "one multiplier each": (chain((6, 6, 2), ((3, 3, 1), (3, 3, 2))), 1, {}),
    "pixels side by side": (
        chain((6, 7, 4), ((6, 3, 1), (5, 1, 1), (4, 3, 2))),
        2,
        {
            "conv0": Array(Unroll(o=3, i=2), 3),
            "conv1": Array(Unroll(x=2, o=5), 5),
            "conv2": Array(Unroll(o=2, kx=3, i=5), 1, 2),
        },
    ),
    "ragged pixels": (
        chain((6, 7, 4), ((6, 3, 1), (5, 3, 1))),
        4,
        {
            "conv0": Array(Unroll(x=3, o=2, i=4, kx=3), 2),
            "conv1": Array(Unroll(x=2, o=5, i=3), 2),
        },
    ),
    "a join": (residual((8, 8, 3), 2), 1, {}),
    "a join of unequal branches": (
        residual((8, 8, 4), 3),
        4,
        {
            "conv0": Array(Unroll(o=2, i=4), 2),
            "conv1": Array(Unroll(o=2, i=4, kx=3), 2),
            "conv2": Array(Unroll(o=2, i=2), 1, 3),
            "join": Array(Unroll(g=2), 2),
        },
    ),
    "a window that is the whole map": (
        convolution_net(),
        3,
        {
            "conv1": Array(Unroll(o=5, kx=3), 5),
            "conv2": Array(Unroll(i=5, x=5), 4),
            "gemm": Array(Unroll(kx=5, i=4), 1, 4),
        },
    ),
    "groups and pools": (
        depthwise_net(),
        2,
        {"depthwise": Array(Unroll(g=2, kx=3), 2), "grouped": Array(Unroll(o=3), 3, 2)},
    ),
    "a join and a pool": (
        residual_net(),
        1,
        {
            "a": Array(Unroll(o=4, i=3), 4),
            "b": Array(Unroll(o=2, i=4), 2),
            "c": Array(Unroll(o=4, i=4), 4),
            "add": Array(Unroll(g=4), 4),
            "pool": Array(Unroll(g=4, kx=3), 4),
        },
    ),
    "words narrower than those read": (
        chain((5, 6, 6), ((6, 1, 1), (6, 3, 1), (4, 2, 2))),
        2,
        {
            "conv0": Array(Unroll(o=2, i=2), 2, 3),
            "conv1": Array(Unroll(o=3, i=4), 1, 4),
            "conv2": Array(Unroll(o=4, i=6)),
        },
    ),
    "finishing slower than summing": (
        chain((4, 5, 3), ((7, 1, 1), (6, 1, 1))),
        3,
        {"conv0": Array(Unroll(o=7, i=3), 1, 5), "conv1": Array(Unroll(x=2, o=6), 2, 6)},
    ),
    "two outputs": (
        two_outputs(),
        1,
        {"first": Array(Unroll(o=2)), "second": Array(Unroll(o=4, i=2))},
    ),
    "vectors": (
        vector_net(),
        5,
        {"gemm1": Array(Unroll(o=7, i=2), 1, 2), "gemm2": Array(Unroll(o=3, i=7), 3)},
    ),
}


def figures(name: str, exact: bool) -> Figures:
    dataflow, lanes, built = PLANS[name]
    arrays = {}
    for process in dataflow.processes:
        array = built.get(process.name, Array(Unroll()))
        arrays[process.name] = ArrayPlan(
            process.name, array.unroll, array.lanes, array.interval, "dsp", "dsp"
        )
    plan = plan_buffers(dataflow, arrays, {name: lanes for name in dataflow.inputs}, exact)
    timing = simulate(plan)
    assert (timing.interval, timing.latency) == (plan.interval, plan.latency)
    working = tuple(round(share * timing.interval) for share in timing.busy.values())
    return Figures(timing.interval, timing.latency, working, tuple(b.depth for b in plan.buffers))


SMALLEST: dict[str, Figures] = {
    "one multiplier each": Figures(
        interval=2047, latency=2168, working=(1944, 729), depths=(30, 45)
    ),
    "pixels side by side": Figures(
        interval=1612, latency=1694, working=(1512, 144, 96), depths=(34, 12, 17)
    ),
    "ragged pixels": Figures(interval=492, latency=603, working=(162, 432), depths=(19, 38)),
    "a join": Figures(
        interval=10027, latency=10793, working=(5184, 5184, 192), depths=(57, 57, 3, 57)
    ),
    "a join of unequal branches": Figures(
        interval=4649, latency=5026, working=(1152, 384, 2304, 128), depths=(19, 19, 38, 2, 56)
    ),
    "a window that is the whole map": Figures(
        interval=330, latency=437, working=(270, 120, 18), depths=(39, 5, 30)
    ),
    "groups and pools": Figures(
        interval=245, latency=323, working=(120, 80, 96, 24), depths=(34, 4, 36, 24)
    ),
    "a join and a pool": Figures(
        interval=2988,
        latency=3231,
        working=(576, 1152, 576, 64, 48),
        depths=(19, 19, 19, 19, 1, 19),
    ),
    "words narrower than those read": Figures(
        interval=1188, latency=1361, working=(270, 1080, 36), depths=(3, 30, 8)
    ),
    "finishing slower than summing": Figures(
        interval=844, latency=950, working=(700, 432), depths=(1, 14)
    ),
    "two outputs": Figures(
        interval=1692, latency=1759, working=(1620, 162, 240), depths=(39, 26, 4)
    ),
    "vectors": Figures(interval=19, latency=55, working=(14, 1), depths=(4, 1)),
}
FULL_PACE: dict[str, Figures] = {
    "one multiplier each": Figures(
        interval=1944, latency=2074, working=(1944, 729), depths=(32, 64)
    ),
    "pixels side by side": Figures(
        interval=1512, latency=1599, working=(1512, 144, 96), depths=(64, 16, 32)
    ),
    "ragged pixels": Figures(interval=432, latency=543, working=(162, 432), depths=(32, 64)),
    "a join": Figures(
        interval=5184, latency=6072, working=(5184, 5184, 192), depths=(64, 64, 4, 64)
    ),
    "a join of unequal branches": Figures(
        interval=2304, latency=2735, working=(1152, 384, 2304, 128), depths=(32, 32, 64, 2, 64)
    ),
    "a window that is the whole map": Figures(
        interval=270, latency=382, working=(270, 120, 18), depths=(64, 8, 32)
    ),
    "groups and pools": Figures(
        interval=126, latency=250, working=(120, 80, 96, 24), depths=(64, 8, 64, 32)
    ),
    "a join and a pool": Figures(
        interval=1152,
        latency=1446,
        working=(576, 1152, 576, 64, 48),
        depths=(32, 32, 32, 32, 1, 32),
    ),
    "words narrower than those read": Figures(
        interval=1080, latency=1255, working=(270, 1080, 36), depths=(4, 32, 8)
    ),
    "finishing slower than summing": Figures(
        interval=700, latency=793, working=(700, 432), depths=(2, 32)
    ),
    "two outputs": Figures(
        interval=1620, latency=1693, working=(1620, 162, 240), depths=(64, 32, 4)
    ),
    "vectors": Figures(interval=14, latency=55, working=(14, 1), depths=(8, 1)),
}


@pytest.mark.parametrize("name", PLANS)
def test_figures_of_the_smallest_buffers_are_as_they_were(name: str) -> None:
    assert figures(name, exact=True) == SMALLEST[name]


@pytest.mark.parametrize("name", PLANS)
def test_figures_at_full_pace_are_as_they_were(name: str) -> None:
    assert figures(name, exact=False) == FULL_PACE[name]
    slowest = max(FULL_PACE[name].working)
    assert slowest <= FULL_PACE[name].interval
