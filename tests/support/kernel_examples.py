"""The kernels of examples/kernels and arrays to run them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from hlsgen.loops.clean import clean
from hlsgen.loops.ir import Kernel
from hlsgen.loops.python.kernel import PythonKernel, load_python_kernel

FOLDER = Path(__file__).parents[2] / "examples" / "kernels"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.py"))


def load(name: str) -> PythonKernel:
    return load_python_kernel(FOLDER / f"{name}.py", name)


def clean_kernel(kernel: PythonKernel) -> Kernel:
    lowered = kernel.lower()
    return replace(lowered, graphs=tuple(clean(graph) for graph in lowered.graphs))


def arrays_of(name: str, seed: int) -> dict[str, np.ndarray]:
    """Input and inout arrays: those that the example gives itself, else any elements."""
    kernel, random = load(name), np.random.default_rng(seed)
    given = kernel.function.__globals__.get("inputs")
    if given is not None:
        return dict(given(random))
    return {
        array: random.integers(
            type_.element.minimum, type_.element.maximum, type_.shape, endpoint=True
        ).astype(type_.element.native)
        for array, type_ in kernel.parameters.items()
        if type_.role != "output"
    }


def results_of_python(
    kernel: PythonKernel, arrays: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """What the function itself writes."""
    every = {
        array: arrays[array].copy()
        if array in arrays
        else np.zeros(type_.shape, type_.element.native)
        for array, type_ in kernel.parameters.items()
    }
    kernel(**every)
    return {
        array: every[array] for array, type_ in kernel.parameters.items() if type_.role != "input"
    }
