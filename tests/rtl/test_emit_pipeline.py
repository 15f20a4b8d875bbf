"""The circuit of a fixed pipeline gives what the kernel's meaning says, sample after sample, however its streams stall."""

from __future__ import annotations

import numpy as np
import pytest
from support.example_graphs import fir, histogram
from support.kernel_bench import run_cycles, run_kernel

from hlsgen.loops.ir import Kernel
from hlsgen.schedule.stream_kernel.pipeline import schedule_pipeline

STALLS = [(idle, pressure) for idle in (0.0, 0.4) for pressure in (0.0, 0.4)]


@pytest.mark.parametrize(("idle", "backpressure"), STALLS)
def test_a_reduction_under_idle_and_backpressure(idle: float, backpressure: float) -> None:
    random = np.random.default_rng(0)
    samples = [
        {"x": random.integers(-99, 99, 8), "h": random.integers(-99, 99, 4)} for _ in range(3)
    ]
    kernel = Kernel("fir", (fir(),), "test")
    results, cycles = run_kernel(kernel, samples, idle, backpressure, seed=1)
    for sample, result in zip(samples, results, strict=True):
        expected = np.convolve(sample["x"], sample["h"][::-1], "valid")
        np.testing.assert_array_equal(result["y"], expected)
    assert cycles == 3 * run_cycles([schedule_pipeline(fir())])


@pytest.mark.parametrize(("idle", "backpressure"), STALLS)
def test_a_scatter_is_cleared_between_samples(idle: float, backpressure: float) -> None:
    random = np.random.default_rng(1)
    samples = [{"x": random.integers(0, 8, 16)} for _ in range(3)]
    kernel = Kernel("histogram", (histogram(),), "test")
    results, _ = run_kernel(kernel, samples, idle, backpressure, seed=2)
    for sample, result in zip(samples, results, strict=True):
        np.testing.assert_array_equal(result["bins"], np.bincount(sample["x"], minlength=8))
