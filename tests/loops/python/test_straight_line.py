"""What users write first: statements before, between and after loops, on both schedules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.kernel_agreement import (
    ANY,
    compare_fabric,
    compare_graphs,
    compare_pipeline,
    samples_within,
)
from support.kernel_examples import clean_kernel, results_of_python
from support.python_files import kernel_of

from hlsgen.fabric.file import load_fabric
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.python.kernel import PythonKernel
from hlsgen.schedule.grid_kernel.run_kernel import map_kernel

KERNELS = {
    "a dot product": """
def dot(a: In[s16, 8], b: In[s16, 8], out: Out[s32, 1]) -> None:
    s = 0
    for i in range(8):
        s += a[i] * b[i]
    out[0] = s
""",
    "a prefix sum with a first element": """
def prefix(a: In[s32, 8], d: Out[s32, 8]) -> None:
    d[0] = a[0]
    for i in range(1, 8):
        d[i] = d[i - 1] + a[i]
""",
    "a prefix sum in a scalar": """
def running(a: In[s32, 8], d: Out[s32, 8]) -> None:
    s = a[0]
    d[0] = s
    for i in range(1, 8):
        s += a[i]
        d[i] = s
""",
    "a search for the least and the greatest": """
def search(x: In[s16, 8], out: Out[s16, 2]) -> None:
    lo, hi = 32767, -32768
    for i in range(8):
        lo = min(lo, x[i])
        hi = max(hi, x[i])
    out[0] = lo
    out[1] = hi
""",
    "a place of the greatest": """
def argmax(x: In[s16, 8], out: Out[s32, 2]) -> None:
    best, place = x[0], 0
    for i in range(1, 8):
        if x[i] > best:
            best, place = x[i], i
    out[0], out[1] = place, best
""",
    "a polynomial, without any loop": """
def polynomial(x: In[s32, 1], c: In[s32, 4], y: Out[s32, 1]) -> None:
    t = x[0]
    y[0] = ((c[3] * t + c[2]) * t + c[1]) * t + c[0]
""",
    "a polynomial in a loop": """
def horner(x: In[s32, 1], c: In[s32, 6], y: Out[s32, 1]) -> None:
    t = x[0]
    r = c[5]
    for k in range(4, -1, -1):
        r = r * t + c[k]
    y[0] = r
""",
    "elements less their mean": """
def normalise(x: In[s16, 8], y: Out[s32, 8]) -> None:
    total = 0
    for i in range(8):
        total += x[i]
    mean = total >> 3
    for i in range(8):
        y[i] = x[i] - mean
""",
    "scalars, a truth and a counter from loop to loop": """
def handed(x: In[s32, 8], y: Out[s32, 8], z: Out[s32, 3]) -> None:
    acc = x[3]
    seen = False
    for i in range(8):
        acc = (acc << 1) ^ x[i]
        seen = seen or x[i] == 5
    if seen:
        acc += 7
    else:
        acc -= i
    z[1] = acc
    k = 3
    for i in range(0, 8, k):
        for j in range(2):
            acc += x[i] * j
        y[i] = acc
    z[2] = acc if seen else 9
    z[0] = k + i
""",
    "a list that loops change": """
def rotated(x: In[s32, 8], y: Out[s32, 4]) -> None:
    taps = [1, x[0], 3]
    for i in range(8):
        taps[0], taps[1], taps[2] = taps[1], taps[2], taps[0] + x[i]
    y[0] = taps[0]
    for i in range(3):
        taps[1] = taps[1] + x[i]
    for k in hlsgen.unroll(range(3)):
        y[k + 1] = taps[k]
""",
    "an element that a loop writes, before and after it": """
def rewritten(x: In[s32, 8], y: InOut[s32, 8], z: Out[s32, 2]) -> None:
    y[3] = 5
    old = y[2]
    for i in range(8):
        y[i] = y[i] + x[i]
    y[0] = y[7] - old
    z[0] = y[0]
    y[0] += 1
    z[1] = y[3]
""",
    "scalars that are exchanged between loops": """
def exchanged(x: In[s32, 8], y: Out[s32, 3]) -> None:
    a, b = x[0], 1
    for i in range(8):
        a, b = b, a + x[i]
    a, b = b, a
    for i in range(4):
        a -= b * x[i]
    y[0], y[1], y[2] = a, b, i
""",
}


def kernel_for(case: str, folder: Path) -> PythonKernel:
    return kernel_of(folder, "@hlsgen.kernel" + KERNELS[case])


def samples(kernel: PythonKernel) -> list[dict[str, np.ndarray]]:
    """Small elements, with ties, and any elements."""
    return samples_within(kernel, 11, [(-3, 6), ANY])


@pytest.mark.parametrize("case", KERNELS)
def test_graphs_and_pipelines_give_what_the_function_gives(case: str, tmp_path: Path) -> None:
    kernel = kernel_for(case, tmp_path)
    compare_graphs(kernel, samples(kernel))
    compare_pipeline(kernel, samples(kernel))


@pytest.mark.parametrize("case", KERNELS)
def test_fabrics_give_what_the_function_gives(case: str, tmp_path: Path) -> None:
    kernel = kernel_for(case, tmp_path)
    compare_fabric(kernel, samples(kernel))


@pytest.mark.parametrize(
    ("case", "iterations"),
    [
        ("a dot product", [8]),  # the store is the loop's
        ("a prefix sum with a first element", [1, 7]),
        ("a search for the least and the greatest", [8, 1]),  # one store to an array is
        ("a polynomial, without any loop", [1]),
        ("a polynomial in a loop", [5]),  # elements of inputs are read where they are used
        ("elements less their mean", [8, 1, 8]),
    ],
)
def test_statements_take_a_graph_only_where_they_compute(
    case: str, iterations: list[int], tmp_path: Path
) -> None:
    graphs = kernel_for(case, tmp_path).lower().graphs
    assert [graph.iterations for graph in graphs] == iterations


def test_a_store_after_a_loop_costs_no_initiation_interval(tmp_path: Path) -> None:
    cleaned = clean_kernel(kernel_for("a dot product", tmp_path))
    mapped = map_kernel(cleaned, load_fabric("cgra_4x4"), exact=False)
    assert [mapping.ii for mapping in mapped.mappings] == [1]


def test_a_table_and_a_scalar_of_one_name_are_different_arrays(tmp_path: Path) -> None:
    source = """T = [3, 1, 4, 1]
def s(k):
    return T[k]


@hlsgen.kernel
def tried(x: In[s32, 4], y: Out[s32, 4]) -> None:
    T_1 = 0
    for n in range(4):
        T_1 += x[n] * s(n)
    T_1 = T_1 ^ 5
    for n in range(4):
        y[n] = T_1 + s(n)
"""
    kernel = kernel_of(tmp_path, source)
    arrays = {"x": np.arange(4, dtype=np.int32)}
    graphs = kernel.lower()
    np.testing.assert_array_equal(
        evaluate_kernel(graphs, arrays)["y"], results_of_python(kernel, arrays)["y"]
    )
