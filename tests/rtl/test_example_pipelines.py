"""Every example kernel as a fixed pipeline: the circuit gives what the function gives, in the cycles of its schedule, under stalls."""

from __future__ import annotations

import numpy as np
import pytest
from support.kernel_bench import run_cycles, run_kernel
from support.kernel_examples import EXAMPLES, arrays_of, clean_kernel, load, results_of_python

from hlsgen.schedule.stream_kernel.pipeline import schedule_pipeline

QUICK = ("bitonic_step", "histogram", "spmv")
INTERVALS = {"fir": 1, "axpy": 1, "matrix_multiply": 1, "matrix_vector": 1, "convolution_3x3": 1}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else (pytest.mark.slow,), id=name)
        for name in EXAMPLES
    ],
)
def test_the_pipeline_of_an_example_gives_its_results_in_its_cycles(name: str) -> None:
    kernel = load(name)
    graphs = clean_kernel(kernel)
    plans = [schedule_pipeline(graph) for graph in graphs.graphs]
    predicted = run_cycles(plans)
    samples = [arrays_of(name, 5)]
    results, ran = run_kernel(
        graphs, samples, idle=0.3, backpressure=0.3, seed=EXAMPLES.index(name)
    )
    for array, values in results_of_python(kernel, samples[0]).items():
        np.testing.assert_array_equal(results[0][array], values)
    assert ran == predicted


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_interval_of_a_pipeline_is_its_lower_bound(name: str) -> None:
    for graph in clean_kernel(load(name)).graphs:
        plan = schedule_pipeline(graph)
        # Eight stores in the recurrence of sha256_round need the write port in the same cycle.
        above = 1 if name == "sha256_round" else 0
        assert plan.ii == max(plan.recurrence, plan.write_ports) + above
        assert plan.ii == INTERVALS.get(name, plan.ii)
