"""Shorter forms of Python mean what they do: powers, membership, comprehensions, annotated assignments."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.kernel_agreement import ANY, compare_graphs, samples_within
from support.python_files import kernel_of

from hlsgen.errors import UnsupportedOp
from hlsgen.loops.python.kernel import PythonKernel

CASES = {
    "powers": "for n in range(8):\n    y[n] = x[n] ** 3 + n**2 + 2**3 - z[n] ** 1",
    "membership": "for n in range(8):\n    y[n] = 1 if x[n] in (1, 2, z[n]) else 0",
    "no membership": "for n in range(8):\n    if x[n] not in [1, 2] and z[n] in {3}:\n        y[n] = 4",
    "a comprehension": "s = [x[k] + z[k] for k in range(8)]\nfor n in range(8):\n    y[n] = s[7 - n]",
    "a comprehension whose counter is a variable": (
        "k = 5\ns = [x[k] * k for k in range(8)]\nfor n in range(8):\n    y[n] = s[z[n] & 7] + k"
    ),
    "annotated assignments": "t: int = 0\nu: int\nfor n in range(8):\n    t += x[n]\n    y[n] = t",
}


def tried(folder: Path, text: str) -> PythonKernel:
    body = "\n".join(f"    {line}" for line in text.splitlines())
    head = "@hlsgen.kernel\ndef tried(x: In[s32, 8], z: In[s32, 8], y: Out[s32, 8]) -> None:"
    return kernel_of(folder, f"{head}\n{body}\n")


@pytest.mark.parametrize("case", CASES)
def test_they_mean_what_python_does(case: str, tmp_path: Path) -> None:
    kernel = tried(tmp_path, CASES[case])
    compare_graphs(kernel, samples_within(kernel, 7, [(-5, 5), (0, 3), ANY]))


@pytest.mark.parametrize("power", ["x[n] ** z[n]", "x[n] ** 0", "x[n] ** 17"])
def test_other_powers_are_refused(power: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedOp, match=r"found 'x\[n\] \*\* "):
        tried(tmp_path, f"for n in range(8):\n    y[n] = {power}").lower()
