"""Comparisons of words, signed and unsigned, where they decide: at equality and at both ends of the range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.kernel_agreement import compare_fabric, compare_graphs, compare_pipeline
from support.python_files import kernel_of

OPERATORS = {"<": "less", "<=": "at_most", ">": "greater", ">=": "at_least", "==": "equal"}
EDGES = (0, 1, 2, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 32) - 2, (1 << 32) - 1)
PAIRS = len(EDGES) ** 2


@pytest.mark.parametrize("word", ["u32", "s32"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_a_comparison_decides_as_the_function_does(
    operator: str, word: str, tmp_path: Path
) -> None:
    name = OPERATORS[operator]
    kernel = kernel_of(
        tmp_path,
        "@hlsgen.kernel\n"
        f"def {name}(x: In[{word}, {PAIRS}], y: In[{word}, {PAIRS}], z: Out[u8, {PAIRS}]) -> None:\n"
        f"    for n in range({PAIRS}):\n"
        f"        z[n] = 1 if x[n] {operator} y[n] else 0\n",
    )
    left, right = np.meshgrid(np.array(EDGES, np.uint32), np.array(EDGES, np.uint32))
    element = np.uint32 if word == "u32" else np.int32
    arrays = {"x": left.reshape(-1).astype(element), "y": right.reshape(-1).astype(element)}
    compare_graphs(kernel, [arrays])
    compare_pipeline(kernel, [arrays])
    compare_fabric(kernel, [arrays])
