"""Kernels of narrow words give the same on wider ones, and cost nothing where nothing looks at the upper bits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.kernel_agreement import compare, compare_fabric, samples_within
from support.kernel_examples import clean_kernel, results_of_python
from support.python_files import kernel_of
from support.random_kernels import random_kernel

from hlsgen.errors import HlsgenError
from hlsgen.loops.check import check
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.ir import Kernel
from hlsgen.loops.python.kernel import PythonKernel
from hlsgen.loops.wider_words import with_wider_words

EXTREMES = {
    "s16": [(-(1 << 15), 1 << 15), (-3, 3), (32760, 32767), (-32768, -32760)],
    "u16": [(0, 1 << 16), (0, 3), (32760, 32775), (65530, 65535)],
}
CASES = {
    "sums and products": (
        "x: In[s16, 8], y: Out[s16, 8]",
        "for n in range(8):\n    y[n] = x[n] * x[7 - n] + 3 * x[n] - 77",
        {},
    ),
    "a comparison of sums": (
        "x: In[s16, 8], y: Out[s16, 8]",
        "for n in range(8):\n    y[n] = 1 if x[n] + x[7 - n] < x[n] else 5",
        {"shift_left": 1, "shift_right": 1},
    ),
    "a comparison of elements": (
        "x: In[s16, 8], y: Out[s16, 8]",
        "for n in range(8):\n    y[n] = max(x[n], x[7 - n]) >> 3",
        {"shift_right": 1},
    ),
    "a shift of an unsigned sum": (
        "x: In[u16, 8], y: Out[u16, 8]",
        "for n in range(8):\n    y[n] = x[n] + x[7 - n] >> 2",
        {"and": 1, "shift_right_logical": 1},
    ),
    "an unsigned comparison with a sum that wraps": (
        "x: In[u16, 8], y: Out[u16, 8]",
        "for n in range(8):\n    y[n] = 1 if x[n] + x[7 - n] < x[n] else 0",
        {"and": 1},
    ),
    "amounts of shifts": (
        "x: In[u16, 8], y: Out[u16, 8]",
        "for n in range(8):\n    y[n] = (x[n] << (x[7 - n] * x[n])) + (x[n] >> (x[7 - n] * x[n]))",
        {"and": 1, "shift_left": 1, "shift_right_logical": 1},
    ),
    "a maximum that is carried": (
        "x: In[s16, 8], y: Out[s16, 8]",
        "m = -32768\nt = 0\nfor n in range(8):\n    t += x[n]\n    m = max(m, t)\n    y[n] = m",
        {"shift_left": 1, "shift_right": 1},
    ),
    "indices that are computed": (
        "x: In[s16, 8], y: Out[s16, 8]",
        "for n in range(8):\n    y[(x[n] + 3) & 7] = x[(x[n] * 5) & 7]",
        {"and": 2},
    ),
    "unsigned words that are compared with a start": (
        "x: In[u16, 8], y: Out[u16, 8]",
        "last = 65535\nfor n in range(8):\n    y[n] = 1 if last == x[n] else 0\n    last = x[n]",
        {},
    ),
}


def extremes(case: str) -> list[tuple[int, int]]:
    return EXTREMES[CASES[case][0][6:9]]


def narrow(folder: Path, case: str) -> PythonKernel:
    parameters, body, _ = CASES[case]
    word = parameters[6:9]
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return kernel_of(
        folder, f"@hlsgen.kernel(word={word})\ndef tried({parameters}) -> None:\n{lines}\n"
    )


def widened(kernel: Kernel, bits: int) -> Kernel:
    graphs = tuple(with_wider_words(graph, bits) for graph in kernel.graphs)
    for graph in graphs:
        check(graph)
    return Kernel(kernel.name, graphs, kernel.source)


@pytest.mark.parametrize("bits", [17, 24, 32])
@pytest.mark.parametrize("case", CASES)
def test_results_are_those_of_the_narrow_words(case: str, bits: int, tmp_path: Path) -> None:
    kernel = narrow(tmp_path, case)
    wide = widened(clean_kernel(kernel), bits)
    for seed in range(4):
        for given in samples_within(kernel, seed, extremes(case)):
            compare(evaluate_kernel(wide, given), results_of_python(kernel, given))


@pytest.mark.parametrize("case", CASES)
def test_words_are_extended_only_where_it_matters(case: str, tmp_path: Path) -> None:
    clean = clean_kernel(narrow(tmp_path, case))
    kinds = ("and", "shift_left", "shift_right", "shift_right_logical")
    extending = Counter(
        operation.operator
        for graph in widened(clean, 32).graphs
        for operation in graph.operations
        if operation.operator in kinds
    )
    assert extending == CASES[case][2]


@pytest.mark.parametrize("case", ["amounts of shifts", "indices that are computed"])
def test_a_fabric_of_wider_words_takes_them(case: str, tmp_path: Path) -> None:
    kernel = narrow(tmp_path, case)
    compare_fabric(kernel, samples_within(kernel, 1, extremes(case)))


def test_random_kernels_give_the_same(tmp_path: Path) -> None:
    assert sum(_same(seed, tmp_path) for seed in range(60)) >= 15


def _same(seed: int, folder: Path) -> bool:
    """Whether a random kernel is accepted with words of 16 bits."""
    text = random_kernel(seed)
    for name, narrower in (("s16", "s8"), ("u16", "u8"), ("s32", "s16"), ("u32", "u16")):
        text = text.replace(name, narrower)
    try:
        kernel = kernel_of(folder, text)
        clean = clean_kernel(kernel)
    except HlsgenError:
        return False
    wide = widened(clean, 32)
    for given in samples_within(kernel, seed, [(-(1 << 15), 1 << 16), (-4, 4)]):
        try:
            expected = results_of_python(kernel, given)
        except OverflowError:  # NumPy refuses an integer beside a word
            return False
        compare(evaluate_kernel(wide, given), expected, f"seed {seed}")
    return True


def test_an_index_wraps_as_the_narrow_word_does(tmp_path: Path) -> None:
    text = (
        "@hlsgen.kernel(word=u16)\n"
        "def tried(x: In[u16, 8], z: In[u16, 8], y: Out[u16, 8]) -> None:\n"
        "    for n in range(8):\n"
        "        y[x[n] + z[n]] = x[z[n] + x[n]]\n"
    )
    kernel = kernel_of(tmp_path, text)
    x = np.arange(65528, 65536, dtype=np.uint16)
    given = {"x": x, "z": (8 + np.arange(8)[::-1] - np.arange(8)).astype(np.uint16)}
    expected = results_of_python(kernel, given)
    compare(evaluate_kernel(widened(clean_kernel(kernel), 32), given), expected)


def test_words_that_are_as_wide_stay(tmp_path: Path) -> None:
    (graph,) = clean_kernel(narrow(tmp_path, "a comparison of sums")).graphs
    assert with_wider_words(graph, 16) is graph
    assert with_wider_words(graph, 32).word.bits == 32
