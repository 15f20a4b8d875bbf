"""Every kind of process, in hardware, against the interpreter; with idle inputs, backpressure and the smallest buffers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.process_bench import (
    Stalls,
    process_schedule,
    random_process,
    random_samples,
    random_unroll,
    requantise,
    run_process,
)

from hlsgen.algebra.expression import Call, Expression, Operand
from hlsgen.algebra.scalar import Add, Multiply
from hlsgen.algebra.types import S8, ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.cost.factors import Factors
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.schedule.stream_network.geometry import sample_cycles
from hlsgen.schedule.stream_network.legality import UNROLLED, broken_rule

SAMPLES = 3


@pytest.mark.parametrize("pixels", [1, 3])
@pytest.mark.parametrize("seed", range(20))
def test_a_process_computes_its_loop_nest_under_any_stalls(seed: int, pixels: int) -> None:
    generator = np.random.default_rng(seed)
    dataflow = random_process(generator)
    unroll, lanes = random_unroll(dataflow, generator, pixels)
    word = max(unroll.g, unroll.i)
    write = int(generator.choice([1, word, 2 * word]))
    idle, backpressure = generator.choice([0.0, 0.3, 0.7], 2)
    schedule = process_schedule(dataflow, unroll, lanes, write, int(generator.integers(0, 3)))
    samples = random_samples(dataflow, SAMPLES, generator)
    expected = interpret(dataflow, samples)[dataflow.outputs[0]]
    results, _ = run_process(schedule, samples, Stalls(idle, backpressure, seed))
    assert np.array_equal(results, expected)


@pytest.mark.parametrize("seed", range(30, 45))
def test_an_array_that_has_its_inputs_loses_no_cycle(seed: int) -> None:
    generator = np.random.default_rng(seed)
    dataflow = random_process(generator)
    unroll, lanes = random_unroll(dataflow, generator, 1 + seed % 3)
    process = dataflow.processes[0]
    word = max(unroll.g, unroll.i)
    channel = dataflow.channels[dataflow.inputs[0]]
    whole = channel.shape[0] * channel.shape[1] * -(-channel.shape[2] // word)
    schedule = process_schedule(dataflow, unroll, lanes, word, 2 * whole)
    samples = random_samples(dataflow, SAMPLES, generator)
    _, cycles = run_process(schedule, samples, Stalls())
    words = len(cycles) // SAMPLES
    predicted = sample_cycles(process, schedule.arrays[process.name])
    arriving = whole  # one word per cycle: an array faster than its input waits for it
    assert cycles[-1] - cycles[-1 - words] == pytest.approx(max(predicted, arriving), abs=2)


@pytest.mark.parametrize(("outputs", "side"), [(3, 2), (5, 2), (7, 3)])
def test_a_ragged_last_result_behind_a_slow_finish_loses_no_cycle(outputs: int, side: int) -> None:
    """Fewer words than the others leave in fewer cycles, in which the next result must come through the array."""
    random = np.random.default_rng(outputs)
    build = DataflowBuilder("ragged")
    source = build.input("x", (3, 4, 1), S8)
    weights = random.integers(-8, 8, (1, outputs, 2, 3, 1))
    finish = requantise(outputs, random)
    build.output(
        build.multiply_accumulate("p", source, weights, PlanarWindow((2, 3)), (2, 2), finish, 3)
    )
    dataflow = build.build()
    schedule = process_schedule(dataflow, Unroll(o=side), 1, 1, 24, finish_interval=9)
    samples = random_samples(dataflow, SAMPLES, random)
    expected = interpret(dataflow, samples)[dataflow.outputs[0]]
    results, cycles = run_process(schedule, samples, Stalls())
    assert np.array_equal(results, expected)
    words = len(cycles) // SAMPLES
    assert words * 9 == sample_cycles(dataflow.processes[0], schedule.arrays["p"])
    assert cycles[-1] - cycles[-1 - words] == words * 9


def line_buffer() -> tuple[Dataflow, Unroll]:
    build = DataflowBuilder("line")
    source = build.input("x", (5, 6, 2), S8)
    weights = np.arange(36).reshape(1, 2, 3, 3, 2) - 18
    window = PlanarWindow((3, 3), before=(1, 1))
    finish = Epilogue(ElementType(16, True))
    build.output(build.multiply_accumulate("p", source, weights, window, (5, 6), finish, 0))
    return build.build(), Unroll(kx=3)


def test_the_least_depth_suffices_and_one_word_less_stalls_for_ever() -> None:
    dataflow, unroll = line_buffer()
    samples = random_samples(dataflow, 2, np.random.default_rng(0))
    expected = interpret(dataflow, samples)[dataflow.outputs[0]]
    results, _ = run_process(process_schedule(dataflow, unroll, 1, 1, 0), samples, Stalls())
    assert np.array_equal(results, expected)
    with pytest.raises(TimeoutError):
        run_process(process_schedule(dataflow, unroll, 1, 1, -1), samples, Stalls())


def grouped_convolution(groups: int, outputs: int, inner: int) -> Dataflow:
    """Pads that differ on all four sides, a window of 2 x 2, and a bias and multiplier for every channel."""
    random = np.random.default_rng(groups * 100 + outputs * 10 + inner)
    build = DataflowBuilder("grouped")
    source = build.input("x", (3, 5, groups * inner), S8)
    weights = random.integers(-8, 8, (groups, outputs, 2, 2, inner))
    window = PlanarWindow((2, 2), (2, 1), before=(1, 0))
    finish = requantise(groups * outputs, random)
    build.output(build.multiply_accumulate("p", source, weights, window, (2, 5), finish, 3))
    return build.build()


def legal_plans(dataflow: Dataflow) -> list[tuple[Unroll, int]]:
    """Every legal choice of g, o, i and finished word, each with another number of pixels and window lanes."""
    process = dataflow.processes[0]
    extents = [range(1, process.extent(loop) + 1) for loop in ("g", "o", "i")]
    plans = []
    for number, (g, o, i) in enumerate(product(*extents)):
        unroll = Unroll(1 + number % 3, g, o, 1 + number % 2, 1 + number // 2 % 2, i)
        for lanes in range(1, g * o + 1):
            factors = Factors(*(getattr(unroll, name) for name in UNROLLED), lanes, 1)
            if broken_rule(dataflow, process, factors) is None:
                plans.append((unroll, lanes))
    return plans


def check_grouped(dataflow: Dataflow, unroll: Unroll, lanes: int, seed: int) -> None:
    word = max(unroll.g, unroll.i)
    schedule = process_schedule(dataflow, unroll, lanes, (1, word, 2 * word)[seed % 3], seed % 2)
    samples = random_samples(dataflow, 2, np.random.default_rng(seed))
    expected = interpret(dataflow, samples)[dataflow.outputs[0]]
    stalls = Stalls(0.3 * (seed % 2), 0.3 * (seed % 3), seed)
    result, _ = run_process(schedule, samples, stalls)
    assert np.array_equal(result, expected), (unroll, lanes, seed)


@pytest.mark.parametrize(("groups", "outputs", "inner"), [(4, 2, 1), (2, 4, 3), (3, 3, 2)])
def test_several_outputs_of_a_group_leave_in_order(groups: int, outputs: int, inner: int) -> None:
    dataflow = grouped_convolution(groups, outputs, inner)
    plans = legal_plans(dataflow)
    for seed in range(0, len(plans), max(1, len(plans) // 4)):
        check_grouped(dataflow, *plans[seed], seed)


@pytest.mark.slow
@pytest.mark.parametrize("inner", [1, 2, 4])
@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
@pytest.mark.parametrize("groups", [2, 3, 4])
def test_every_legal_array_of_a_grouped_convolution_computes_it(
    groups: int, outputs: int, inner: int
) -> None:
    dataflow = grouped_convolution(groups, outputs, inner)
    for seed, (unroll, lanes) in enumerate(legal_plans(dataflow)):
        check_grouped(dataflow, unroll, lanes, seed)


@pytest.mark.parametrize("by_channel", [False, True])
@pytest.mark.parametrize(("unroll", "lanes"), [(Unroll(), 1), (Unroll(g=2), 2), (Unroll(g=5), 1)])
def test_constants_by_place_meet_their_pixels(unroll: Unroll, lanes: int, by_channel: bool) -> None:
    random = np.random.default_rng(lanes)
    build = DataflowBuilder("places")
    source = build.input("x", (3, 4, 5), S8)
    places = [random.integers(-9, 10, (3, 4, 1)), random.integers(-9, 10, (3, 1, 1))]
    constants = [*places, random.integers(-9, 10, 5)] if by_channel else places
    total: Expression = Operand("r0")
    for k in range(len(constants)):
        total = Call(Multiply() if k == 0 else Add(), (total, Operand(f"r{k + 1}")))
    build.output(build.pointwise("p", [source], constants, total, ElementType(16, True)))
    check_grouped(build.build(), unroll, lanes, 3 + by_channel)
