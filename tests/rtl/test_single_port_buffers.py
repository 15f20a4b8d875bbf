"""Processes whose buffers lie in memory of a single port: the same results under any stalls, for a cycle of the nest for each word that is written."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

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

from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.schedule.stream_network.geometry import sample_cycles
from hlsgen.schedule.stream_network.ir import StreamSchedule

SAMPLES = 3
SHARES = (0.0, 0.3, 0.7)


def single_port(
    seed: int, write: int | None, spare: int
) -> tuple[Dataflow, StreamSchedule, dict[str, np.ndarray]]:
    """A random process, its schedule with buffers of a single port, and samples."""
    generator = np.random.default_rng(seed)
    dataflow = random_process(generator)
    unroll, lanes = random_unroll(dataflow, generator, 1 + seed % 3)
    word = max(unroll.g, unroll.i)
    written = int(generator.choice([1, word, 2 * word])) if write is None else word
    plan = process_schedule(dataflow, unroll, lanes, written, spare)
    plan = replace(plan, buffers=tuple(replace(b, single_port=True) for b in plan.buffers))
    return dataflow, plan, random_samples(dataflow, SAMPLES, generator)


@pytest.mark.parametrize(("idle", "backpressure"), list(product(SHARES, SHARES)))
@pytest.mark.parametrize("seed", range(3))
def test_a_process_computes_its_loop_nest_under_any_stalls(
    seed: int, idle: float, backpressure: float
) -> None:
    seed += 3 * SHARES.index(idle) + 9 * SHARES.index(backpressure)
    dataflow, plan, samples = single_port(seed, None, seed % 3)
    expected = interpret(dataflow, samples)[dataflow.outputs[0]]
    results, _ = run_process(plan, samples, Stalls(idle, backpressure, seed))
    assert np.array_equal(results, expected)


@pytest.mark.parametrize("seed", range(30, 38))
def test_a_word_that_is_written_takes_a_cycle_of_the_array_and_no_more(seed: int) -> None:
    dataflow, plan, samples = single_port(seed, 1, 10_000)
    process = dataflow.processes[0]
    (height, width, channels) = dataflow.channels[dataflow.inputs[0]].shape
    words = height * width * -(-channels // plan.buffers[0].lanes)
    _, cycles = run_process(plan, samples, Stalls())
    taken = cycles[-1] - cycles[-1 - len(cycles) // SAMPLES]
    steps = sample_cycles(process, plan.arrays[process.name])
    assert steps - 2 <= taken <= max(steps + words, 2 * words) + 2
