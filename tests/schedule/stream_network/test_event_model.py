"""The event model against hand-made examples: depths, deadlock, joins and intervals."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.random_graphs import random_graph
from support.small_dataflows import chain, residual

from hlsgen.algebra.unroll import Unroll
from hlsgen.board import load_board
from hlsgen.dataflow.ir import Dataflow
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.lowering.lower import lower
from hlsgen.passes import to_integer
from hlsgen.schedule.stream_network.geometry import sample_cycles
from hlsgen.schedule.stream_network.ir import ArrayPlan, StreamSchedule
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.solver import plan_buffers, schedule
from hlsgen.schedule.stream_network.timing import simulate


def planned(dataflow: Dataflow, exact: bool = True, **unrolls: Unroll) -> StreamSchedule:
    arrays = {
        p.name: ArrayPlan(p.name, unrolls.get(p.name, Unroll()), 1, 1, "dsp", "dsp")
        for p in dataflow.processes
    }
    return plan_buffers(dataflow, arrays, {name: 1 for name in dataflow.inputs}, exact)


def with_depth(plan: StreamSchedule, process: str, read: int, depth: int) -> StreamSchedule:
    return replace(
        plan,
        buffers=tuple(
            replace(b, depth=depth) if (b.process, b.read) == (process, read) else b
            for b in plan.buffers
        ),
    )


def test_a_3x3_window_needs_two_rows_and_three_pixels() -> None:
    plan = planned(chain((8, 8, 2), ((4, 3, 1),)))
    assert plan.buffer("conv0", 0).depth == (2 * 8 + 3) * 2


def test_a_pointwise_convolution_needs_one_pixel() -> None:
    plan = planned(chain((8, 8, 6), ((4, 1, 1),)), conv0=Unroll(i=3))
    assert (plan.buffer("conv0", 0).lanes, plan.buffer("conv0", 0).depth) == (3, 2)


def test_one_word_less_is_a_deadlock() -> None:
    plan = planned(chain((6, 6, 2), ((3, 3, 1), (3, 3, 2))))
    simulate(plan)
    for buffer in plan.buffers:
        with pytest.raises(RuntimeError, match="deadlock"):
            simulate(with_depth(plan, buffer.process, buffer.read, buffer.depth - 1))


def test_the_short_branch_of_a_join_holds_what_the_long_one_lags() -> None:
    width, channels, deep = 10, 4, 2
    plan = planned(residual((10, width, channels), deep))
    skip = plan.buffer("join", 1).depth
    lag = deep * (width + 1) * channels
    assert lag <= skip <= lag + 3 * channels
    with pytest.raises(RuntimeError, match="deadlock"):
        simulate(with_depth(plan, "join", 1, lag - 1))


def test_the_interval_is_that_of_the_slowest_process() -> None:
    dataflow = chain((8, 8, 2), ((4, 3, 1), (6, 3, 1)))
    plan = planned(dataflow, exact=False, conv1=Unroll(i=2))
    assert plan.interval == pytest.approx(8 * 8 * 6 * 9 * 2, rel=0.002)
    assert simulate(plan).busy["conv1"] == pytest.approx(1, rel=0.002)


def test_a_fast_design_waits_for_its_input() -> None:
    dataflow = chain((8, 8, 4), ((1, 1, 1),))
    plan = planned(dataflow, exact=False, conv0=Unroll(i=4))
    assert plan.interval == 8 * 8 * 4


def test_depths_beyond_the_live_ones_keep_the_slowest_process_busy() -> None:
    dataflow = residual((10, 10, 4), 3)
    unroll = Unroll(o=2, i=4)
    tight = planned(dataflow, True, conv0=unroll, conv1=unroll, conv2=unroll)
    loose = planned(dataflow, False, conv0=unroll, conv1=unroll, conv2=unroll)
    assert loose.interval <= tight.interval
    assert loose.interval == pytest.approx(10 * 10 * 2 * 9, rel=0.01)
    assert all(a.depth <= b.depth for a, b in zip(tight.buffers, loose.buffers, strict=True))


def test_a_word_needs_room_from_the_first_of_the_words_that_make_it() -> None:
    # pixels of 9 channels, in memory words of 3, each made of 3 of the producer's
    plan = planned(chain((4, 4, 2), ((9, 1, 1), (3, 1, 1))), conv1=Unroll(i=3))
    pixel, a_word_more, two_pixels = (
        simulate(with_depth(plan, "conv1", 0, depth)).interval for depth in (3, 4, 6)
    )
    # with one word more the first three channels of the next pixel have room beside the pixel that is read
    assert two_pixels == a_word_more < pixel


def test_the_latency_covers_the_first_window_and_every_later_stage() -> None:
    shallow = planned(chain((8, 8, 2), ((2, 3, 1),)), exact=False)
    deeper = planned(chain((8, 8, 2), ((2, 3, 1), (2, 3, 1))), exact=False)
    assert shallow.latency >= 8 * 8 * 2 * 18
    assert shallow.latency + 8 * 2 < deeper.latency < shallow.latency + deeper.interval


def test_samples_do_not_follow_one_another_faster_than_the_slowest_process() -> None:
    """A random network of single elements, whose first samples leave at once out of the buffers of a join."""
    model, _ = random_graph(23)
    dataflow = lower(to_integer(read_model(model)).hardware).dataflow
    plan = schedule(dataflow, load_board("ulx3s_85f"), StreamOptions(effort="small"))
    slowest = max(sample_cycles(p, plan.arrays[p.name]) for p in dataflow.processes)
    assert slowest > 1 and plan.interval >= slowest
