"""Every kind of process, in hardware, against the interpreter; with idle inputs, backpressure and the smallest buffers."""

from __future__ import annotations

import numpy as np
import pytest
from support.process_bench import (
    Stalls,
    process_schedule,
    random_process,
    random_samples,
    random_unroll,
    run_process,
)

from hlsgen.algebra.types import S8, ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.dataflow.builder import DataflowBuilder, Finish, Window
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.schedule.stream_network.geometry import sample_cycles

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
    found, _ = run_process(schedule, samples, Stalls(idle, backpressure, seed))
    assert np.array_equal(found, expected)


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


def line_buffer() -> tuple[Dataflow, Unroll]:
    build = DataflowBuilder("line")
    source = build.input("x", (5, 6, 2), S8)
    weights = np.arange(36).reshape(1, 2, 3, 3, 2) - 18
    window = Window((3, 3), before=(1, 1))
    finish = Finish(ElementType(16, True))
    build.output(build.multiply_accumulate("p", source, weights, window, (5, 6), finish, 0))
    return build.build(), Unroll(kx=3)


def test_the_least_depth_suffices_and_one_word_less_stalls_for_ever() -> None:
    dataflow, unroll = line_buffer()
    samples = random_samples(dataflow, 2, np.random.default_rng(0))
    expected = interpret(dataflow, samples)[dataflow.outputs[0]]
    found, _ = run_process(process_schedule(dataflow, unroll, 1, 1, 0), samples, Stalls())
    assert np.array_equal(found, expected)
    with pytest.raises(TimeoutError):
        run_process(process_schedule(dataflow, unroll, 1, 1, -1), samples, Stalls())
