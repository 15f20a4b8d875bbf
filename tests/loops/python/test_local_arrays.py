"""Arrays and lists that a kernel makes for itself and indexes by what it computes do what Python's do."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.kernel_agreement import (
    ANY,
    compare_fabric,
    compare_graphs,
    compare_pipeline,
    samples_within,
)
from support.python_files import kernel_of

from hlsgen.errors import UnsupportedOp
from hlsgen.loops.python.kernel import PythonKernel

WORDS = "x: In[s32, 8], z: In[s32, 8], y: Out[s32, 8]"
RANGES = [(-5, 5), (0, 3), ANY]
# body, and the trips of the nests that it becomes
CASES = {
    "a histogram in a list": (
        """
        h = [0] * 8
        for n in range(8):
            h[x[n] & 7] += 1
        for n in range(8):
            y[n] = h[n]
        """,
        [8, 8, 8],
    ),
    "a ring buffer": (
        """
        d = 4 * [0]
        p = 0
        for n in range(8):
            y[n] = d[p]
            d[p] = x[n]
            p = (p + 1) & 3
        """,
        [4, 8],
    ),
    "a table of a kernel's own": (
        """
        t = [3, 1, 4, 1]
        for n in range(8):
            y[n] = t[x[n] & 3]
        """,
        [1, 8],
    ),
    "a list that begins anew in each trip": (
        """
        for m in range(2):
            t = [0] * 4
            for n in range(4):
                t[x[n] & 3] += z[n]
            for n in range(4):
                y[4 * m + n] = t[n]
        """,
        [24],
    ),
    "sums in a list": (
        """
        d = [0] * 4
        t = 0
        for n in range(8):
            t += x[n]
            d[z[n] & 3] = t
            y[n] = d[n & 3]
        """,
        [4, 8],
    ),
    "a stack": (
        """
        s = [0] * 8
        p = 0
        for n in range(8):
            if x[n] > 0 and p < 8:
                s[p] = x[n]
                p += 1
            elif p > 0:
                p -= 1
                y[n] = s[p]
        """,
        [8, 8],
    ),
    "an array of zeros": (
        """
        t = np.zeros(8, np.int32)
        for n in range(8):
            t[x[n] & 7] = n
        for n in range(8):
            y[n] = t[n]
        """,
        [8, 8, 8],
    ),
    "an array of two axes": (
        """
        t = np.zeros((2, 4), dtype=np.int32)
        for n in range(8):
            t[n & 1, x[n] & 3] += z[n] * 5
        for n in range(8):
            y[n] = t[n // 4][n & 3] >> 1
        """,
        [8, 8, 8],
    ),
    "an array that is full of a number, whose words wrap": (
        """
        t = np.full(8, 7, np.int32)
        for n in range(8):
            t[z[n] & 7] = t[n] * t[x[n] & 7]
            y[n] = t[z[n] & 7] >> 1
        """,
        [8, 8],
    ),
    "a loop over the items": (
        """
        t = [0] * 4
        for n in range(8):
            t[x[n] & 3] += 2
        for k, item in enumerate(t):
            y[k] = item + len(t)
        """,
        [4, 8, 4],
    ),
}
REFUSED = {
    "a product of an item": (
        "d = [1] * 8\nfor n in range(8):\n    d[z[n] & 7] = d[n] * 3\ny[0] = d[1]",
        "words in d, .*np.zeros",
    ),
    "a product of an item, by way of variables": (
        "d = [1] * 8\nfor n in range(8):\n    a = d[n] * 3\n    b = a + 1\n    d[z[n] & 7] = b + 0\ny[0] = d[1]",
        "words in d, .*np.zeros",
    ),
    "an item that is doubled": (
        "d = [1] * 8\nfor n in range(8):\n    d[z[n] & 7] *= 2\ny[0] = d[1]",
        "words in d, .*np.zeros",
    ),
    "elements of another type": (
        "t = np.zeros(4, np.int16)\nfor n in range(8):\n    t[n & 3] = x[n]\ny[0] = t[1]",
        r"found 'np.zeros\(4, np.int16\)'",
    ),
    "a shape of data": (
        "t = np.zeros(x[0], np.int32)\nfor n in range(8):\n    t[n] = x[n]\ny[0] = t[1]",
        "an array of a constant shape",
    ),
    "another length": (
        "t = [0] * 4\nfor n in range(4):\n    t[x[n] & 3] = x[n]\nt = [0] * 5\ny[0] = t[x[1] & 3]",
        r"t to stay an array of shape \(4,\)",
    ),
    "a name for something else": (
        "t = [0] * 4\nfor n in range(4):\n    t[x[n] & 3] = x[n]\nt = x[0]\ny[0] = t",
        r"t to stay an array of shape \(4,\)",
    ),
}


def tried(folder: Path, text: str) -> PythonKernel:
    """The kernel with this body."""
    lines = text.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    body = "\n".join(f"    {line[indent:]}" for line in lines)
    head = f"import numpy as np\n@hlsgen.kernel\ndef tried({WORDS}) -> None:"
    return kernel_of(folder, f"{head}\n{body}\n")


@pytest.mark.parametrize("case", CASES)
def test_arrays_mean_what_pythons_do(case: str, tmp_path: Path) -> None:
    body, trips = CASES[case]
    kernel = tried(tmp_path, body)
    compare_graphs(kernel, samples_within(kernel, 7, RANGES))
    assert [graph.iterations for graph in kernel.lower().graphs] == trips


def test_a_second_execution_begins_anew(tmp_path: Path) -> None:
    kernel = tried(tmp_path, CASES["a histogram in a list"][0])
    given = samples_within(kernel, 1, [(0, 7), (0, 7)])
    compare_pipeline(kernel, given)
    compare_fabric(kernel, given)


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_differ_is_refused_with_its_remedy(case: str, tmp_path: Path) -> None:
    body, message = REFUSED[case]
    with pytest.raises(UnsupportedOp, match=f"(?s){message}"):
        tried(tmp_path, body).lower()


@pytest.mark.slow
@pytest.mark.parametrize("case", ["a stack", "a list that begins anew in each trip"])
def test_circuits_and_fabrics_do_the_same(case: str, tmp_path: Path) -> None:
    kernel = tried(tmp_path, CASES[case][0])
    given = samples_within(kernel, 3, RANGES)
    compare_fabric(kernel, given)
    for stalls in (0.0, 0.3):
        compare_pipeline(kernel, given, stalls)
