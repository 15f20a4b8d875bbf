"""Whether a kernel computes what its function does: as graphs, as a pipeline in simulation, as a program for a fabric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hlsgen.fabric.file import load_fabric
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.python.kernel import PythonKernel
from hlsgen.schedule.grid_kernel.run_kernel import map_kernel, replay
from support.kernel_bench import run_kernel
from support.kernel_examples import clean_kernel, results_of_python

Arrays = Mapping[str, np.ndarray]
ANY = (-(1 << 32), 1 << 32)
"""A range that leaves out no element."""


def samples_within(
    kernel: PythonKernel, seed: int, ranges: Sequence[tuple[int, int]]
) -> list[dict[str, np.ndarray]]:
    """Arrays of random elements for each of the ranges (least and greatest element)."""
    draw = np.random.default_rng(seed)
    every = []
    for least, greatest in ranges:
        arrays = {}
        for name, type_ in kernel.parameters.items():
            if type_.role != "output":
                low, high = max(type_.element.minimum, least), min(type_.element.maximum, greatest)
                values = draw.integers(low, high, type_.shape, endpoint=True)
                arrays[name] = values.astype(type_.element.native)
        every.append(arrays)
    return every


def compare(results: Arrays, expected: Arrays, what: str = "the kernel") -> None:
    """Every array that the function writes."""
    for name, values in expected.items():
        np.testing.assert_array_equal(results[name], values, err_msg=f"{name} of {what}")


def compare_graphs(kernel: PythonKernel, given: Sequence[Arrays]) -> None:
    """The graphs as lowered and after the clean-up."""
    lowered, cleaned = kernel.lower(), clean_kernel(kernel)
    for arrays in given:
        expected = results_of_python(kernel, arrays)
        compare(evaluate_kernel(lowered, arrays), expected, "the graphs as lowered")
        compare(evaluate_kernel(cleaned, arrays), expected, "the graphs after the clean-up")


def compare_pipeline(kernel: PythonKernel, given: Sequence[Arrays], stalls: float = 0.0) -> None:
    """The circuit in simulation; ``stalls``: the share of cycles in which its streams are idle."""
    simulated, _ = run_kernel(clean_kernel(kernel), list(given), stalls, stalls)
    for arrays, outputs in zip(given, simulated, strict=True):
        compare(outputs, results_of_python(kernel, arrays), "the pipeline")


def compare_fabric(kernel: PythonKernel, given: Sequence[Arrays]) -> None:
    """The program for a fabric of 4 x 4 PEs, in the cycle model."""
    mapped = map_kernel(clean_kernel(kernel), load_fabric("cgra_4x4"), exact=False)
    for arrays in given:
        expected = results_of_python(kernel, arrays)
        compare(evaluate_kernel(mapped.kernel, arrays), expected, "the graphs that were mapped")
        replay(mapped, arrays)  # raises where results or cycles differ from those of the graphs
