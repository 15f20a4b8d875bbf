"""Schedule primitives keep the meaning, or are refused with the dependence that they would change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.kernel_examples import arrays_of, load, results_of_python
from support.python_files import kernel_of

from hlsgen.errors import BadOption, HlsgenError, IllegalGraph
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.python.kernel import PythonKernel

Schedule = Callable[[PythonKernel], PythonKernel]


@pytest.mark.parametrize(
    ("name", "schedule", "loops"),
    [
        ("matrix_multiply", lambda k: k.reorder("k", "i", "j"), "kij"),
        ("matrix_multiply", lambda k: k.reorder("j", "i"), "jik"),
        (
            "matrix_multiply",
            lambda k: k.split("i", 4).reorder("j", "i_inner"),
            ["i_outer", "j", "i_inner", "k"],
        ),
        ("matrix_multiply", lambda k: k.split("k", 4).unroll("k_inner"), ["i", "j", "k_outer"]),
        ("convolution_3x3", lambda k: k.reorder("j", "i"), "yxji"),
        ("convolution_3x3", lambda k: k.pipeline("x"), "yx"),
        ("convolution_3x3", lambda k: k.reorder("x", "y").unroll("j"), "xyi"),
        ("bicg", lambda k: k.reorder("j", "i"), "ji"),
        ("smith_waterman", lambda k: k.split("j", 4).unroll("j_inner"), ["i", "j_outer"]),
        ("iir", lambda k: k.split("n", 2).unroll("n_inner"), ["n_outer"]),
    ],
)
def test_legal_schedules_keep_the_meaning(
    name: str, schedule: Schedule, loops: str | list[str]
) -> None:
    kernel = schedule(load(name))
    nests = [nest for nest in kernel.nests() if not nest.straight]
    assert [loop.name for nest in nests for loop in nest.loops] == list(loops)
    arrays = arrays_of(name, 5)
    results = evaluate_kernel(kernel.lower(), arrays)
    for array, values in results_of_python(kernel, arrays).items():
        np.testing.assert_array_equal(results[array], values)


def refused(error: HlsgenError, *words: str) -> None:
    lines = str(error).splitlines()
    assert len(lines) == 3
    for word in words:
        assert word in str(error)


@pytest.mark.parametrize(
    ("name", "schedule", "words"),
    [
        ("matrix_multiply", lambda k: k.split("i", 3), ("a divisor of the 8 trips", "3")),
        ("matrix_multiply", lambda k: k.unroll("q"), ("loops i, j, k", "q")),
        ("matrix_multiply", lambda k: k.unroll("i"), ("i, the outermost",)),
        ("matrix_multiply", lambda k: k.reorder("i", "k"), ("between i and k",)),
        ("smith_waterman", lambda k: k.reorder("j", "i"), ("between i and j",)),
    ],
)
def test_schedules_that_do_not_fit_are_refused(
    name: str, schedule: Schedule, words: tuple[str, ...]
) -> None:
    with pytest.raises(BadOption) as caught:
        schedule(load(name))
    refused(caught.value, *words)


SKEWED = """
@hlsgen.kernel
def skewed(x: InOut[s32, 8, 8]) -> None:
    for i in range(1, 8):
        for j in range(7):
            x[i, j] = x[i - 1, j + 1] + 1
"""
LAST = """
@hlsgen.kernel
def last(x: In[s32, 4, 4], y: Out[s32, 1]) -> None:
    for k in range(1):
        kept = 0
        for i in range(4):
            for j in range(4):
                kept = x[i, j] ^ (kept << 1)
        y[0] = kept
"""
SCATTER = """
@hlsgen.kernel
def scatter(x: In[u8, 4, 4], y: InOut[s32, 256]) -> None:
    for i in range(4):
        for j in range(4):
            y[x[i, j]] = i
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (SKEWED, ("element", "of x")),
        (LAST, ("no variable but sums", "found")),
        (SCATTER, ("index that is computed", "y")),
    ],
)
def test_reordering_against_a_dependence_is_refused(
    source: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    kernel = kernel_of(tmp_path, source)
    with pytest.raises(IllegalGraph) as caught:
        kernel.reorder("j", "i")
    refused(caught.value, *words)


SEVERAL = """
@hlsgen.kernel
def several(x: In[s32, 4, 6], y: Out[s32, 4]) -> None:
    for i in range(4):
        s = 0
        for j in range(4):
            s += x[i, j]
        t = s
        for k in range(6):
            t = t * 3 + x[i, k]
        y[i] = t
"""


def test_loops_beside_one_another_are_split_and_unrolled_but_not_reordered(tmp_path: Path) -> None:
    kernel = kernel_of(tmp_path, SEVERAL)
    arrays = {"x": np.random.default_rng(2).integers(-99, 99, (4, 6)).astype(np.int32)}
    expected = results_of_python(kernel, arrays)["y"]
    for scheduled in (
        kernel.split("k", 2).unroll("k_inner"),
        kernel.unroll("j"),
        kernel.pipeline("i"),
        kernel.split("j", 2),
    ):
        np.testing.assert_array_equal(evaluate_kernel(scheduled.lower(), arrays)["y"], expected)
    with pytest.raises(BadOption) as caught:
        kernel.reorder("k", "i")
    refused(caught.value, "at most one loop inside each loop", "j and k inside i")
    flat = kernel.unroll("j").split("k", 2)
    with pytest.raises(BadOption) as caught:
        flat.reorder("k_outer", "i")
    refused(caught.value, "between i and k_outer")


def test_what_a_kernel_is_scheduled_to_be_is_another_kernel() -> None:
    kernel = load("convolution_3x3")
    assert kernel.unroll("j").steps and not kernel.steps
