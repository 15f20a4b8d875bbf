"""Several loops inside one loop, loops inside conditions and loops of varying length, on both schedules."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from support.kernel_agreement import (
    ANY,
    compare,
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
from hlsgen.schedule.stream_kernel.pipeline import schedule_pipeline

KERNELS = {
    "two sums and their product": """
def tried(a: In[s16, 4, 3], b: In[s16, 4, 5], out: Out[s32, 4]) -> None:
    for i in range(4):
        s = 0
        for j in range(3):
            s += a[i, j]
        t = 0
        for k in range(5):
            t += b[i, k]
        out[i] = s * t
""",
    "rows less their greatest element": """
def tried(x: In[s16, 4, 5], y: Out[s32, 4, 5], total: Out[s32, 4]) -> None:
    for i in range(4):
        m = x[i, 0]
        for j in range(1, 5):
            m = max(m, x[i, j])
        s = 0
        for j in range(5):
            d = m - x[i, j]
            y[i, j] = d
            s += d
        total[i] = s
""",
    "innermost loops of different length": """
def tried(a: In[s16, 3, 4], b: In[s16, 2, 6], y: Out[s32, 2, 3], z: Out[s32, 2, 2]) -> None:
    for i in range(2):
        for j in range(3):
            s = i
            for k in range(4):
                s += a[j, k] * (k + i)
            y[i, j] = s
        u = s
        for j in range(2):
            p = 1
            for k in range(6):
                p = p * 3 + b[j, k]
            z[i, j] = p - u
            u += p
""",
    "a shallow loop beside a deep one": """
def tried(a: In[s16, 3, 4], b: In[s16, 10], y: Out[s32, 2], z: Out[s32, 2, 10]) -> None:
    for i in range(2):
        s = 0
        for j in range(3):
            for k in range(4):
                s += a[j, k]
            s = s << 1
        for m in range(10):
            z[i, m] = b[m] + s
        y[i] = s
""",
    "three loops, a statement before and after each": """
def tried(x: In[s32, 6], y: InOut[s32, 6], out: Out[s32, 3, 4]) -> None:
    for i in range(3):
        a = x[i]
        out[i, 0] = a
        for j in range(2):
            a += x[j]
        out[i, 1] = a
        b = a ^ 5
        for k in range(4):
            y[k] += b
        out[i, 2] = y[0]
        b = b + y[1]
        for k in range(1, 6):
            b -= y[k] * i
        out[i, 3] = b
""",
    "loops inside loops inside loops": """
def tried(x: In[s16, 8], y: Out[s32, 2]) -> None:
    for i in range(2):
        total = 0
        for j in range(2):
            s = 0
            for k in range(3):
                s += x[k + j]
            for k in range(2):
                s = s ^ x[k + i]
            total += s
        for j in range(3):
            p = x[j]
            for k in range(2):
                p = p * x[k]
            for k in range(4):
                p -= x[k + j]
            total += p
        y[i] = total
""",
    "loops in branches": """
def tried(x: In[s16, 4, 4], y: Out[s32, 4]) -> None:
    for i in range(4):
        s = 0
        if x[i, 0] > 2:
            t = x[i, 1]
            for j in range(4):
                s += x[i, j] + t
            s = s << 1
        elif x[i, 0] < 0:
            for j in range(3):
                s -= x[i, j + 1]
        else:
            s = 7
            for j in range(2):
                if x[i, j] == 1:
                    for k in range(2):
                        s += k + x[i, k]
        y[i] = s
""",
    "a condition around everything": """
def tried(x: In[s16, 6], mode: In[u8, 2], y: Out[s32, 6]) -> None:
    if mode[0] > 5:
        for i in range(6):
            y[i] = x[i] + 1
        if mode[1] > 5:
            for i in range(5):
                y[i + 1] += y[i]
    else:
        y[0] = 3
        for i in range(1, 6):
            y[i] = y[i - 1] + x[i]
""",
    "a condition that changes under its loop": """
def tried(x: In[s16, 6], y: Out[s32, 6]) -> None:
    s = x[0]
    if s > 0:
        for i in range(6):
            s -= x[i]
            y[i] = s
    else:
        s = 1
    y[0] += s
""",
    "a sum of deep loops that others read": """
def tried(x: In[s16, 3, 4], y: Out[s32, 2, 2, 3]) -> None:
    for i in range(2):
        for j in range(3):
            s = 0
            for k in range(4):
                s += x[j, k]
        for j in range(2):
            for k in range(3):
                y[i, j, k] = s + x[j, k + i]
""",
    "triangles": """
def tried(x: In[s16, 6], y: Out[s32, 6], z: InOut[s32, 6]) -> None:
    for i in range(6):
        s = 0
        for j in range(i + 1):
            s += x[j]
        y[i] = s
        for j in range(5 - i):
            z[j] = z[j + 1] - z[j]
        for j in range(5, i, -2):
            z[i] ^= x[j]
""",
    "windows that move with the loop outside": """
def tried(x: In[s16, 12], y: Out[s32, 4]) -> None:
    for i in range(4):
        s = 0
        for j in range(2 * i, 2 * i + 5):
            s = s * 3 + x[j]
        y[i] = s
""",
    "counters that are read after their loops": """
def tried(x: In[s16, 8], y: Out[s32, 3, 4]) -> None:
    j = 9
    for i in range(3):
        y[i, 0] = j
        for j in range(i, 4):
            y[i, 1] += x[j]
        y[i, 2] = j
        for j in range(i):
            y[i, 3] += x[j] * j
        for k in range(2):
            j = j + k
""",
    "a list that both loops change": """
def tried(x: In[s32, 6], y: Out[s32, 3]) -> None:
    taps = [1, 2]
    for i in range(3):
        for j in range(2):
            taps[0], taps[1] = taps[1], taps[0] + x[j]
        taps[1] += i
        for j in range(3):
            taps[0] = taps[0] ^ x[j + 2]
        y[i] = taps[0] - taps[1]
""",
    "unrolled loops between loops": """
def tried(x: In[s32, 6], y: Out[s32, 3]) -> None:
    for i in range(3):
        s = 0
        for j in range(2):
            s += x[j]
        for u in hlsgen.unroll(range(3)):
            s = s * (u + 2) + x[u + i]
        for j in range(3):
            for u in hlsgen.unroll(range(2)):
                s ^= x[j + u] << u
        y[i] = s
""",
}


def kernel_for(case: str, folder: Path) -> PythonKernel:
    return kernel_of(folder, "@hlsgen.kernel" + KERNELS[case])


def samples(kernel: PythonKernel) -> list[dict[str, np.ndarray]]:
    """Small elements, which meet every branch, and any elements."""
    return samples_within(kernel, 3, [(-3, 8), (-3, 8), ANY])


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
    ("case", "extents"),
    [
        ("two sums and their product", (4, 3 + 5)),
        ("rows less their greatest element", (4, 4 + 5)),
        ("innermost loops of different length", (2, 3 + 2, 6)),
        ("a shallow loop beside a deep one", (2, 3 + 3, 4)),  # 10 trips are 3 times 4, and 2 idle
        ("loops inside loops inside loops", (2, 2 + 3, 2 + 4)),
        ("triangles", (6, 6 + 5 + 3)),
    ],
)
def test_loops_beside_one_another_take_the_sum_of_their_trips(
    case: str, extents: tuple[int, ...], tmp_path: Path
) -> None:
    (graph,) = kernel_for(case, tmp_path).lower().graphs
    assert tuple(loop.extent for loop in graph.loops) == extents
    assert graph.iterations == math.prod(extents)


@pytest.mark.parametrize(
    ("case", "least"),
    [
        ("two sums and their product", (1, 1)),
        ("windows that move with the loop outside", (3, 2)),  # a product and a sum
    ],
)
def test_start_values_between_loops_cost_nothing(
    case: str, least: tuple[int, int], tmp_path: Path
) -> None:
    """A select in the recurrence would make both intervals larger by 1."""
    cleaned = clean_kernel(kernel_for(case, tmp_path))
    mapped = map_kernel(cleaned, load_fabric("cgra_4x4"), exact=False)
    assert (schedule_pipeline(cleaned.graphs[0]).ii, mapped.mappings[0].ii) == least


def test_what_is_only_read_before_the_next_start_is_in_no_recurrence(tmp_path: Path) -> None:
    """A sum that is cut off after its loop: the cut is not carried, so that the interval is that of the sum and its start."""
    source = """
@hlsgen.kernel
def tried(x: In[s16, 4, 6], bias: In[s16, 4], y: Out[s32, 4], last: Out[s32, 1]) -> None:
    for i in range(4):
        s = bias[i]
        for j in range(6):
            s += x[i, j]
        s = max(min(s, 100), -100)
        y[i] = s
"""
    kernels = []
    for read, end in (("1", "unread"), ("s", "read")):  # is the cut read after the loops?
        (tmp_path / end).mkdir()
        kernels.append(kernel_of(tmp_path / end, f"{source}    last[0] = {read}\n"))
    graphs = [clean_kernel(kernel).graphs[0] for kernel in kernels]
    assert [schedule_pipeline(graph).ii for graph in graphs] == [2, 5]
    for kernel in kernels:
        for arrays in samples(kernel):
            compare(evaluate_kernel(kernel.lower(), arrays), results_of_python(kernel, arrays))


def test_a_loop_under_a_condition_that_never_holds_does_nothing(tmp_path: Path) -> None:
    source = """
DEBUG = False


@hlsgen.kernel
def tried(x: In[s32, 4], y: Out[s32, 4]) -> None:
    if DEBUG:
        for i in range(4):
            y[i] = 0
    for i in range(4):
        y[i] = x[i]
"""
    assert len(kernel_of(tmp_path, source).lower().graphs) == 1
