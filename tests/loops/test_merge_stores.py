"""Two stores of the branches of a condition become one, where that changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.kernel_examples import clean_kernel, results_of_python
from support.python_files import kernel_of

from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.ir import Kernel


def cleaned(folder: Path, *lines: str) -> tuple[Kernel, int]:
    """A kernel with these lines in a loop over n, equal to the function on some arrays, and the number of its stores."""
    inner = "".join(f"        {line}\n" for line in lines)
    head = "@hlsgen.kernel\ndef tried(x: In[s16, 12], z: In[u8, 12], y: InOut[s32, 12]) -> None:\n"
    python = kernel_of(folder, f"{head}    for n in range(12):\n{inner}")
    kernel = clean_kernel(python)
    draw = np.random.default_rng(4)
    for _ in range(4):
        arrays = {
            "x": draw.integers(-3, 4, 12).astype(np.int16),
            "z": draw.integers(0, 12, 12).astype(np.uint8),
            "y": draw.integers(-9, 9, 12).astype(np.int32),
        }
        expected = results_of_python(python, arrays)["y"]
        np.testing.assert_array_equal(evaluate_kernel(kernel, arrays)["y"], expected)
    operations = [operation for graph in kernel.graphs for operation in graph.operations]
    return kernel, sum(operation.operator == "store" for operation in operations)


MERGED = {
    "if and else": ["if x[n] > 0:", "    y[n] = 1", "else:", "    y[n] = x[n]"],
    "three branches": [
        "if x[n] > 0:",
        "    y[n] = 1",
        "elif x[n] < -1:",
        "    y[n] = 2",
        "else:",
        "    y[n] = x[n]",
    ],
    "under another condition": [
        "if z[n] > 3:",
        "    if x[n] > 0 and z[n] < 9:",
        "        y[n] = 1",
        "    else:",
        "        y[n] = x[n] * 3",
    ],
    "at a computed index": ["if x[n] > 0:", "    y[z[n]] = 1", "else:", "    y[z[n]] = x[n]"],
    "at an index that a counter guards": [
        "if n > 0:",
        "    if x[n] > 0:",
        "        y[n - 1] = 1",
        "    else:",
        "        y[n - 1] = 2",
    ],
}
APART = {
    "another element": ["if x[n] > 0:", "    y[n] = 1", "else:", "    y[11 - n] = x[n]"],
    "another condition": ["if x[n] > 0:", "    y[n] = 1", "if z[n] > 4:", "    y[n] = x[n]"],
    "a store of the element between them": [
        "if x[n] > 0:",
        "    y[n] = 1",
        "y[n] = 2",
        "if not (x[n] > 0):",
        "    y[n] = 3",
    ],
    "an array that is read": ["if x[n] > 0:", "    y[n] += 1", "else:", "    y[n] = x[n]"],
}


@pytest.mark.parametrize("case", MERGED)
def test_branches_that_write_one_element_have_one_store(case: str, tmp_path: Path) -> None:
    _, stores = cleaned(tmp_path, *MERGED[case])
    assert stores == 1


@pytest.mark.parametrize("case", APART)
def test_other_stores_stay_apart(case: str, tmp_path: Path) -> None:
    _, stores = cleaned(tmp_path, *APART[case])
    assert stores == 2 + ("between" in case)
