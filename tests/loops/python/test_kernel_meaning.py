"""What Python means by names, lists, functions and integers is what the circuit does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.kernel_examples import results_of_python
from support.python_files import kernel_of

from hlsgen.loops.evaluate import evaluate_kernel

WORDS = "x: In[s32, 8], y: Out[s32, 8]"


def source(*lines: str, parameters: str = WORDS, before: str = "", constants: str = "") -> str:
    """A kernel whose body is a loop over n of 8 trips, after ``constants``."""
    inner = "".join(f"        {line}\n" for line in lines)
    top = f"    {constants}\n" if constants else ""
    head = f"import numpy as np\n{before}\n@hlsgen.kernel\ndef tried({parameters}) -> None:\n"
    return f"{head}{top}    for n in range(8):\n{inner}"


CASES = {
    "a variable set anew in every outer trip keeps its last value between them": source(
        "y[n] = t + x[n]", "t = 5", "for j in range(3):", "    t = t", constants="t = 0"
    ),
    "a value of the outer trip before": source(
        "a, d = d, 100",
        "for j in range(3):",
        "    w[n, j] = a",
        parameters=f"{WORDS}, w: Out[s32, 8, 3]",
        constants="a = d = 3",
    ).replace("a, d = d, 100", "a, d = d, 100\n        y[n] = x[n]"),
    "a function writes to an array that it is given": source(
        "t = put(y, n, x[n])",
        "y[n] += t",
        before="def put(a, n, v):\n    'A remark.'\n    a[n] = v\n    return v\n",
    ),
    "a function writes to the array that the loop reads": source(
        "t = w[0]",
        "for k in range(2):",
        "    u = put(w, 0, k)",
        "    y[n] += t + u + w[0] + x[n]",
        parameters=f"{WORDS}, w: InOut[s32, 2]",
        before="def put(a, n, v):\n    a[n] = a[n] + v\n    return v\n",
    ),
    "a row under another name": source(
        "row = w[n]",
        "t = w[0][0]",
        "for k in range(2):",
        "    row[k] += x[n] + t",
        "y[n] = t",
        parameters=f"{WORDS}, w: InOut[s32, 8, 2]",
    ),
    "a list of values": source(
        "a = [0] * 3",
        "for k in hlsgen.unroll(range(3)):",
        "    a[k] = x[n] + k",
        "y[n] = a[0] * a[2] + len(a)",
    ),
    "a function hides a built-in one": source(
        "y[n] = min(x[n], 3)", before="def min(a, b):\n    return a + b\n"
    ),
    "a function's own table has the name of a parameter": source(
        "y[n] = weight(n) + x[n]", before="x = [5, 6] * 4\ndef weight(k):\n    return x[k]\n"
    ),
    "two constants at once": source("y[n] = x[n] * a + b", constants="a = b = 3"),
    "a parameter with a default value": source(
        "y[n] = x[n] + taps", "taps = taps + 1", parameters=f"{WORDS}, taps=6"
    ),
    "a truth from outside": source("y[n] = x[n] if FLAG else 3", before="FLAG = True\n"),
    "a table of words wraps": source(
        "y[n] = (x[n] * T[n] * T[n]) >> 8", before="T = np.arange(8, dtype=np.int32) * 99999\n"
    ),
    "a generator of random numbers in words": source(
        "s = s * np.uint32(1103515245) + 12345",
        "y[n] = (s >> 16) ^ x[n]",
        parameters="x: In[u32, 8], y: Out[u32, 8]",
        constants="s = 1",
    ),
    "a count below zero in unsigned words": source(
        "c = c - 1",
        "y[n] = x[n] if c < -3 else 0",
        parameters="x: In[u32, 8], y: Out[u32, 8]",
        constants="c = 0",
    ),
    "a count in a long loop": source(
        "for k in range(1000):",
        "    c = 0 if c == 6 else c + 1",
        "y[n] = x[n] >> c",
        constants="c = 0",
    ),
    "a phase in a long loop": source(
        "for k in range(300):", "    c = (c + 37) & 1023", "y[n] = x[c >> 7]", constants="c = 0"
    ),
    "the largest of a word and a negative integer": source(
        "y[n] = max(x[n] >> 1, -1 - n) + min(n - 4, 0)"
    ),
    "conditions of counters guard an index": source(
        "y[n] = x[n + 1] - x[n - 1] if 0 < n < 7 and x[n + 1] > 0 else x[n]"
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_graphs_mean_what_python_does(case: str, tmp_path: Path) -> None:
    kernel = kernel_of(tmp_path, CASES[case])
    draw = np.random.default_rng(7)
    for low, high in ((-9, 10), (-(1 << 31), 1 << 31)):
        given = {
            name: draw.integers(low, high, type_.shape).astype(type_.element.native)
            for name, type_ in kernel.parameters.items()
            if type_.role != "output"
        }
        results = evaluate_kernel(kernel.lower(), given)
        for name, values in results_of_python(kernel, given).items():
            np.testing.assert_array_equal(results[name], values)
