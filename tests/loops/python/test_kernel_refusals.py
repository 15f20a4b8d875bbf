"""What is outside the language of kernels, or wrong in it, is refused in three lines with file, line and reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from python_files import HEAD, kernel_of

from hlsgen.errors import BadFile, BadOption, HlsgenError, TypeMismatch
from hlsgen.loops.python.kernel import load_python_kernel

X = "x: In[s32, 8], y: Out[s32, 8]"


def body(*lines: str, parameters: str = X, before: str = "") -> str:
    """A kernel whose body is a loop over n of 8 trips; its first inner line is line 7 of the file (``before`` adds lines)."""
    inner = "\n".join(f"        {line}" for line in lines)
    return f"{before}\n@hlsgen.kernel\ndef tried({parameters}) -> None:\n    for n in range(8):\n{inner}\n"


CASES = {
    "while": (body("while n:", "    y[n] = 1"), 7, "an assignment or a condition"),
    "break": (body("if x[n] > 0:", "    break"), 8, "an assignment or a condition"),
    "call": (body("print(x[n])", "y[n] = 0"), 7, "an assignment or a condition"),
    "float": (body("y[n] = x[n] * 0.5"), 7, "found '0.5'"),
    "true division": (body("y[n] = x[n] / 2"), 7, "+ - * // % & | ^ << >>"),
    "division": (body("y[n] = x[n] // 3"), 7, "power of two"),
    "division by a variable": (body("y[n] = 5 // x[n]"), 7, "power of two"),
    "slice": (body("y[n] = x[n:n+2]"), 7, "an index"),
    "array": (body("y[n] = x"), 7, "Index the array"),
    "attribute": (body("y[n] = x.size"), 7, "found 'x.size'"),
    "unknown name": (body("y[n] = z"), 7, "'z'"),
    "text": (body("y[n] = 'a'"), 7, "integers, arrays"),
    "lambda": (body("f = lambda a: a", "y[n] = f(1)"), 7, "integers, arrays"),
    "comprehension": (body("y[n] = [k for k in range(2)][0]"), 7, "integers, arrays"),
    "number beside and": (body("y[n] = x[n] and 1"), 7, "a truth beside"),
    "truth in arithmetic": (body("y[n] = (x[n] > 1) + 1"), 7, "truths in arithmetic"),
    "variable bounds": (body("for k in range(n):", "    y[k] = 0"), 7, "constant bounds"),
    "no trips": (body("for k in range(0):", "    y[k] = 0"), 7, "at least one trip"),
    "loop over an array": (body("for v in x:", "    y[n] = v"), 7, "range(...)"),
    "loop in a condition": (
        body("if x[n]:", "    for k in range(2):", "        y[k] = 0"),
        8,
        "no loop inside a condition",
    ),
    "two inner loops": (
        body(
            "for k in range(2):",
            "    y[n] = k",
            "for k in range(2):",
            "    y[n] = k",
        ),
        9,
        "one loop inside a loop",
    ),
    "read before written": (body("y[n] = t", "t = x[n]"), 7, "a value of t before it is read"),
    "writes an input": (body("x[n] = 1", "y[n] = 1"), 7, "annotated Out or InOut"),
    "reads outside": (body("y[n] = x[n + 1]"), 7, "reads 1 to 8"),
    "reads before the start": (body("y[n] = x[n - 1]"), 7, "reads -1 to 6"),
    "writes outside": (body("y[n + 4] = 0"), 7, "writes 4 to 11"),
    "axis outside": (
        body("y[n] = x[n, 2]", parameters="x: In[s32, 8, 2], y: Out[s32, 8]"),
        7,
        "axis 1 of x from 0 to 1",
    ),
    "too few indices": (
        body("y[n] = x[n] + 1", parameters="x: In[s32, 8, 2], y: Out[s32, 8]"),
        7,
        "a number",
    ),
    "writes an element twice": (body("y[0] = x[n]"), 7, "iterations (n 0) and (n 1)"),
    "constant too wide": (body("y[n] = x[n] + (1 << 40)"), 7, "words of s32 hold"),
    "negative in unsigned": (
        body("y[n] = x[n] + -1", parameters="x: In[u32, 8], y: Out[u32, 8]"),
        7,
        "words of u32 hold",
    ),
    "index of a list": (body("t = [1, 2]", "y[n] = t[x[n]]"), 8, "constant index of a list"),
    "table of other things": (body("y[n] = T[0]", before="T = ['a']"), 7, "T of type list"),
    "never written": (body("t = x[n]"), 4, "writes to y"),
    "too deep": (
        body(
            *(f"{'    ' * k}for i{k} in range(1):" for k in range(6)),
            "                        y[n] = 1",
        ),
        12,
        "at most 6 nested loops",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_a_kernel_is_refused_with_its_line(case: str, tmp_path: Path) -> None:
    source, line, words = CASES[case]
    with pytest.raises(HlsgenError) as caught:
        kernel_of(tmp_path, source).lower()
    text = str(caught.value)
    assert len(text.splitlines()) == 3, text
    assert words in text
    assert f"tried.py, kernel tried, line {line}\n" in text


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("x, y: Out[s32, 8]", "parameter x"),
        ("x: int, y: Out[s32, 8]", "parameter x"),
        ("x: In[s32], y: Out[s32, 8]", "positive extent"),
        ("x: In[s32, 0], y: Out[s32, 8]", "positive extent"),
        ("x: In[8, s32], y: Out[s32, 8]", "one of s8"),
        ("x: In[u32, 8], y: Out[s32, 8]", "s16, u16, s32 or u32"),
    ],
)
def test_wrong_parameters_are_refused(parameters: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(TypeMismatch, match=words):
        kernel_of(tmp_path, body("y[n] = 1", parameters=parameters))


def test_a_kernel_without_loops_is_refused(tmp_path: Path) -> None:
    source = f"@hlsgen.kernel\ndef tried({X}) -> None:\n    y[0] = x[0]\n"
    with pytest.raises(HlsgenError, match="line 5"):
        kernel_of(tmp_path, source).lower()


def test_files_that_hold_no_such_kernel_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="found none"):
        load_python_kernel(tmp_path / "none.py", "tried")
    broken = tmp_path / "broken.py"
    broken.write_text("def (")
    with pytest.raises(BadFile, match="SyntaxError"):
        load_python_kernel(broken, "tried")
    path = tmp_path / "other.py"
    path.write_text(HEAD + body("y[n] = x[n]"))
    with pytest.raises(BadOption, match="found tried in the file"):
        load_python_kernel(path, "other")


def test_arguments_of_other_types_are_refused(tmp_path: Path) -> None:
    kernel = kernel_of(tmp_path, body("y[n] = x[n]"))
    with pytest.raises(TypeMismatch, match="argument x"):
        kernel(np.zeros(8, np.int64), np.zeros(8, np.int32))


def test_the_function_itself_refuses_indices_outside(tmp_path: Path) -> None:
    parameters = "x: In[s32, 8], y: Out[s32, 8]"
    kernel = kernel_of(tmp_path, body("y[n] = x[x[n]]", parameters=parameters))
    with pytest.raises(IndexError):
        kernel(np.full(8, -1, np.int32), np.zeros(8, np.int32))
