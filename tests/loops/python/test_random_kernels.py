"""Random kernels: what the compiler accepts means what the function does, at every step; what it does not is refused in three lines."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from support.kernel_agreement import compare
from support.kernel_examples import clean_kernel, results_of_python
from support.python_files import kernel_of
from support.random_kernels import random_kernel

from hlsgen.errors import DoesNotFit, HlsgenError
from hlsgen.fabric.file import load_fabric
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.ir import Kernel
from hlsgen.loops.python.kernel import PythonKernel
from hlsgen.schedule.grid_kernel.run_kernel import map_kernel, replay

Arrays = dict[str, np.ndarray]
TRIALS = 2
"""Sets of arrays for every kernel."""


def lowered(kernel: PythonKernel) -> Kernel | None:
    """The loop graphs, None where the kernel is refused: in three lines, with file and line."""
    try:
        return kernel.lower()
    except HlsgenError as error:
        lines = str(error).splitlines()
        assert len(lines) == 3 and "tried.py" in lines[0] and ", line " in lines[0], error
        return None


def arrays_for(kernel: PythonKernel, seed: int) -> tuple[Arrays, Arrays] | None:
    """Arrays, small elements and any, and what the function makes of them; None where NumPy refuses an integer beside a word."""
    draw = np.random.default_rng(seed)
    given = {}
    for name, type_ in kernel.parameters.items():
        if type_.role != "output":
            low, high = type_.element.minimum, type_.element.maximum
            every = draw.integers(low, high, type_.shape, endpoint=True)
            small = draw.integers(max(low, -4), 5, type_.shape)
            chosen = np.where(draw.random(type_.shape) < 0.5, every, small)
            given[name] = chosen.astype(type_.element.native)
    try:
        return given, results_of_python(kernel, given)
    except OverflowError:
        return None


def try_kernels(seeds: range, folder: Path) -> int:
    """How many kernels were accepted; graphs as lowered and after the clean-up against the function."""
    accepted = 0
    for seed in seeds:
        kernel = kernel_of(folder, random_kernel(seed))
        graphs = lowered(kernel)
        if graphs is None:
            continue
        accepted += 1
        cleaned = clean_kernel(kernel)
        for trial in range(TRIALS):
            tried = arrays_for(kernel, seed + trial)
            if tried is not None:
                given, expected = tried
                compare(evaluate_kernel(graphs, given), expected, f"seed {seed}, lowered")
                compare(evaluate_kernel(cleaned, given), expected, f"seed {seed}, cleaned")
    return accepted


def test_random_kernels_mean_what_the_function_does(tmp_path: Path) -> None:
    assert try_kernels(range(25), tmp_path) >= 15


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 3000, 500))
def test_many_random_kernels_mean_what_the_function_does(start: int, tmp_path: Path) -> None:
    assert try_kernels(range(start, start + 500), tmp_path) >= 270


def map_kernels(seeds: range, folder: Path) -> int:
    """How many kernels were mapped; the program on the cycle model against the function."""
    mapped = 0
    for seed in seeds:
        kernel = kernel_of(folder, random_kernel(seed, small=True))
        graphs, tried = lowered(kernel), arrays_for(kernel, seed)
        if graphs is None or tried is None:
            continue
        cleaned = clean_kernel(kernel)
        if sum(len(graph.operations) for graph in cleaned.graphs) > 40:
            continue
        compare(evaluate_kernel(cleaned, tried[0]), tried[1], f"seed {seed}")
        try:
            replay(map_kernel(cleaned, load_fabric("cgra_4x4"), exact=False), tried[0])
        except DoesNotFit as error:
            assert len(str(error).splitlines()) == 3
        else:
            mapped += 1
    return mapped


def test_random_kernels_run_on_the_fabric_as_the_function_does(tmp_path: Path) -> None:
    assert map_kernels(range(20), tmp_path) >= 8


@pytest.mark.slow
def test_many_random_kernels_run_on_the_fabric_as_the_function_does(tmp_path: Path) -> None:
    assert map_kernels(range(500, 700), tmp_path) >= 90


def random_step(kernel: PythonKernel, draw: random.Random) -> PythonKernel:
    """The kernel after one more step of a schedule. Raises HlsgenError where that is not legal."""
    nest = draw.choice([nest for nest in kernel.nests() if not nest.straight])
    loop = draw.choice(nest.loops)
    match draw.choice(("split", "reorder", "reorder", "reorder", "unroll", "pipeline")):
        case "split":
            factors = [factor for factor in (2, 3, 4) if loop.extent % factor == 0]
            return kernel.split(loop.name, draw.choice(factors or [5]))
        case "unroll":
            return kernel.unroll(loop.name)
        case "pipeline":
            return kernel.pipeline(loop.name)
    names = list(dict.fromkeys(loop.name for loop in nest.loops))
    first = draw.randrange(len(names))
    group = names[first : draw.randint(first + 1, len(names))]
    draw.shuffle(group)
    return kernel.reorder(*group)


def schedule_kernels(seeds: range, folder: Path) -> int:
    """How many schedules were accepted; the function itself against the graphs after them."""
    accepted = 0
    for seed in seeds:
        kernel, draw = kernel_of(folder, random_kernel(seed)), random.Random(seed)
        tried = arrays_for(kernel, seed)
        if lowered(kernel) is None or tried is None:
            continue
        for _ in range(3):
            scheduled = kernel
            for _ in range(draw.randint(1, 3)):
                try:
                    scheduled = random_step(scheduled, draw)
                except HlsgenError as error:
                    assert len(str(error).splitlines()) == 3
            graphs = lowered(scheduled) if scheduled.steps else None
            if graphs is not None:
                accepted += 1
                results = evaluate_kernel(graphs, tried[0])
                compare(results, tried[1], f"seed {seed}, {scheduled.steps}")
    return accepted


def test_random_schedules_keep_the_meaning_or_are_refused(tmp_path: Path) -> None:
    assert schedule_kernels(range(200, 215), tmp_path) >= 10


@pytest.mark.slow
def test_many_random_schedules_keep_the_meaning_or_are_refused(tmp_path: Path) -> None:
    assert schedule_kernels(range(3000, 3400), tmp_path) >= 400
