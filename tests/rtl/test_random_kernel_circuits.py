"""Random kernels with statements and loops beside one another: the function, its loop graphs and both circuits give the same.

A test that fails names the seed; ``random_kernel(seed, small=True)`` is the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.kernel_agreement import ANY, compare, samples_within
from support.kernel_bench import run_kernel
from support.kernel_examples import clean_kernel, results_of_python
from support.kernels_together import arrays_together, write_together
from support.python_files import kernel_of
from support.random_kernels import random_kernel

from hlsgen.artefact.manifest import DESIGN
from hlsgen.errors import DoesNotFit, HlsgenError
from hlsgen.fabric.file import load_fabric
from hlsgen.flow import emit_fabric
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.ir import Kernel
from hlsgen.schedule.grid_kernel.kernel_image import compare as compare_with_graphs
from hlsgen.schedule.grid_kernel.kernel_image import program
from hlsgen.schedule.grid_kernel.run_kernel import map_kernel
from hlsgen.verify.executables import build_executable
from hlsgen.verify.fabric_simulation import Stalls, simulate_program
from hlsgen.verify.simulation import simulate
from hlsgen.verify.simulators import find_simulator

Arrays = dict[str, np.ndarray]
PATTERNS = ("none", "random", "bursty")
EXECUTIONS = 3


@dataclass(frozen=True)
class RandomKernel:
    """``answers[n]``: what the function writes on ``arrays[n]``."""

    seed: int
    kernel: Kernel
    arrays: list[Arrays]
    answers: list[Arrays]


def examples(first: int, folder: Path) -> Iterator[RandomKernel]:
    """The kernels with inputs that are taken, of seeds from ``first`` on; their graphs give what the function gives."""
    seed = first - 1
    while True:
        seed += 1
        python = kernel_of(folder, random_kernel(seed, small=True))
        try:
            kernel = clean_kernel(python)
        except HlsgenError as error:
            assert len(str(error).splitlines()) == 3, seed
            continue
        roles = {array.role for graph in kernel.graphs for array in graph.arrays}
        if roles.isdisjoint(("input", "inout")):
            continue  # its pipeline waits for nothing: it runs again and again
        arrays = samples_within(python, seed, [(-4, 4), ANY, (-60, 60)])
        try:
            answers = [results_of_python(python, given) for given in arrays]
        except OverflowError:  # NumPy refuses an integer beside a word
            continue
        for given, expected in zip(arrays, answers, strict=True):
            compare(evaluate_kernel(kernel, given), expected, f"seed {seed}")
        yield RandomKernel(seed, kernel, arrays, answers)


def with_beside(kernels: Iterator[RandomKernel]) -> Iterator[RandomKernel]:
    """Those in which loops are beside one another, or under conditions: guarded accesses tell."""
    for example in kernels:
        if any(o.partial for graph in example.kernel.graphs for o in graph.operations):
            yield example


@pytest.mark.parametrize(
    ("first", "idle", "backpressure"),
    [(0, 0.0, 0.0), (100, 0.3, 0.0), (200, 0.0, 0.3), (300, 0.3, 0.3)],
)
def test_the_pipeline_of_a_random_kernel_gives_what_the_function_gives(
    first: int, idle: float, backpressure: float, tmp_path: Path
) -> None:
    example = next(with_beside(examples(first, tmp_path)))
    results, _ = run_kernel(example.kernel, example.arrays, idle, backpressure, example.seed)
    for outputs, expected in zip(results, example.answers, strict=True):
        compare(outputs, expected, f"seed {example.seed}")


@pytest.mark.slow
@pytest.mark.parametrize("first", [1000, 2000])
def test_many_pipelines_in_verilator_give_what_the_function_gives(
    first: int, tmp_path: Path
) -> None:
    """Ten kernels in one circuit, each on streams of its own."""
    kernels = examples(first, tmp_path)
    beside = with_beside(examples(first + 500, tmp_path))
    together = [next(kernels) for _ in range(5)] + [next(beside) for _ in range(5)]
    manifest = write_together([example.kernel for example in together], tmp_path)
    executable = build_executable(tmp_path, manifest, find_simulator(), "fast")
    inputs = arrays_together([example.arrays for example in together])
    for pattern in (*PATTERNS, "mixed"):
        done = simulate(executable, "fast", manifest, inputs, EXECUTIONS, pattern, first)
        assert not done.stopped and not done.violations, (pattern, done.violations)
        for k, example in enumerate(together):
            for n, expected in enumerate(example.answers):
                outputs = {name: done.outputs[f"k{k}_{name}"][n] for name in expected}
                compare(outputs, expected, f"seed {example.seed}")


@pytest.mark.slow
def test_programs_of_random_kernels_in_the_verilog_of_a_fabric_give_what_the_function_gives(
    tmp_path: Path,
) -> None:
    """One simulator for all kernels; idle and backpressure in all pairs."""
    fabric = load_fabric("cgra_4x4")
    emit_fabric("cgra_4x4", tmp_path / "fabric")
    assert (tmp_path / "fabric" / DESIGN).is_file()
    kernels = with_beside(examples(3000, tmp_path))
    pairs = [(idle, backpressure) for idle in PATTERNS for backpressure in PATTERNS]
    while pairs:
        example = next(kernels)
        try:
            image = map_kernel(example.kernel, fabric, example.seed, exact=False).image
        except DoesNotFit:
            continue
        stalls = Stalls(*pairs.pop(), example.seed)
        words = program(image, example.arrays)
        done = simulate_program(tmp_path / "fabric", fabric, words, stalls=stalls, top="cgra_4x4")
        compare_with_graphs(image, example.answers, done)
