"""What is outside the language of kernels, or wrong in it, is refused in three lines with file, line and reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.python_files import HEAD, kernel_of

from hlsgen.errors import BadFile, BadOption, HlsgenError, TypeMismatch
from hlsgen.loops.python.kernel import load_python_kernel
from hlsgen.verify.kernel_inputs import random_arrays

X = "x: In[s32, 8], y: Out[s32, 8]"


def body(*lines: str, parameters: str = X, before: str = "") -> str:
    """A kernel whose body is a loop over n of 8 trips; its first inner line is line 7 of the file (``before`` adds lines)."""
    inner = "\n".join(f"        {line}" for line in lines)
    return f"{before}\n@hlsgen.kernel\ndef tried({parameters}) -> None:\n    for n in range(8):\n{inner}\n"


CASES = {
    "while": (body("while n:", "    y[n] = 1"), 7, "an assignment or a condition"),
    "call": (body("print(x[n])", "y[n] = 0"), 7, "an assignment or a condition"),
    "float": (body("y[n] = x[n] * 0.5"), 7, "found '0.5'"),
    "true division": (body("y[n] = x[n] / 2"), 7, "+ - * // % & | ^ << >>"),
    "division by a negative constant": (body("y[n] = x[n] // -3"), 7, "positive constant"),
    "division by a variable": (body("y[n] = 5 // x[n]"), 7, "positive constant"),
    "slice": (body("y[n] = x[n:n+2]"), 7, "an index"),
    "array": (body("y[n] = x"), 7, "Index the array"),
    "attribute": (body("y[n] = x.size"), 7, "found 'x.size'"),
    "unknown name": (body("y[n] = z"), 7, "'z'"),
    "text": (body("y[n] = 'a'"), 7, "integers, arrays"),
    "lambda": (body("f = lambda a: a", "y[n] = f(1)"), 7, "integers, arrays"),
    "comprehension": (body("y[n] = [k for k in range(2)][0]"), 7, "integers, arrays"),
    "number beside and": (body("y[n] = x[n] and 1"), 7, "a truth beside"),
    "truth in arithmetic": (body("y[n] = (x[n] > 1) + 1"), 7, "truths in arithmetic"),
    "loop of two counters": (body("for a, b in f(x):", "    y[n] = a"), 7, "'for name in range"),
    "loop over a call": (body("for v in f(x):", "    y[n] = v"), 7, "range(...)"),
    "assigned number": (
        body("a = n", "y[n] = a", parameters=f"{X}, a: s32"),
        7,
        "a to stay what the kernel is given",
    ),
    "variable bounds": (body("for k in range(x[n]):", "    y[k] = 0"), 7, "constant bounds"),
    "variable steps": (body("for k in range(0, 8, n):", "    y[k] = 0"), 7, "constant step"),
    "unrolled loop of variable bounds": (
        body("for k in hlsgen.unroll(range(n)):", "    y[k] = 0"),
        7,
        "constant bounds",
    ),
    "read before the second inner loop writes it": (
        body("for k in range(2):", "    y[n] = t", "for k in range(2):", "    t = k"),
        8,
        "a value of t before it is read",
    ),
    "reads outside in the second inner loop": (
        body("t = 0", "for k in range(2):", "    t += k", "for k in range(9):", "    t += x[k]"),
        11,
        "indices of x from 0 to 7",
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
    "constant too wide": (body("y[n] = x[n] + (1 << 40)"), 7, "words of s32 hold"),
    "negative in unsigned": (
        body("y[n] = x[n] + -1", parameters="x: In[u32, 8], y: Out[u32, 8]"),
        7,
        "words of u32 hold",
    ),
    "index of a list": (body("t = [x[n], 2]", "y[n] = t[x[n]]"), 8, "constant index of a list"),
    "table of other things": (body("y[n] = T[0]", before="T = ['a']"), 7, "T of type list"),
    "never written": (
        body("z[n] = x[n]", parameters=f"{X}, z: Out[s32, 8]"),
        4,
        "writes to y",
    ),
    "a loop without effect": (body("t = x[n]"), 6, "a loop that writes to an array"),
    "reads outside under a condition": (
        body("if n != 3:", "    y[n] = x[n + 1]"),
        8,
        "'x[n + 1]', which reads 8 in iteration (n 7)",
    ),
    "reads outside at a product": (body("y[n] = x[n * n]"), 7, "reads 9 in iteration (n 3)"),
    "reads outside an axis under a condition": (
        body(
            "if x[n, 0] > 0 and n > 3:",
            "    y[n] = x[n - 4, 2]",
            parameters="x: In[s32, 8, 2], y: Out[s32, 8]",
        ),
        8,
        "from 0 to 1",
    ),
    "negative index": (body("y[n] = x[-1]"), 7, "reads -1 to -1"),
    "sum outside": (body("y[n + 1] += x[n]"), 7, "reads 1 to 8"),
    "Python integers that grow": (
        body("for k in range(8):", "    s = s * 1103515245 + 12345", "y[n] = s >> 16").replace(
            "    for n", "    s = 1\n    for n"
        ),
        10,
        "words of s32 wrap and Python integers do not",
    ),
    "products of a table": (
        body("y[n] = T[n] * T[n] >> 8", before="T = [100000] * 8"),
        7,
        "Python integers from",
    ),
    "table of another NumPy type": (
        body("y[n] = T[n] + x[n]", before="import numpy as np; T = np.arange(8)"),
        7,
        "NumPy's type int32",
    ),
    "truth that is carried": (
        body("y[n] = p + 1", "p = x[n] > 0").replace("    for n", "    p = 0\n    for n"),
        8,
        "truths in arithmetic",
    ),
    "negative power": (body("y[n] = x[n] * 2 ** -1"), 7, "from 0 to 64"),
    "assigned array": (body("y[n] = x[n]", "x = 5"), 8, "x to stay what"),
    "list of two names": (body("a = [0, 0]", "b = a", "b[0] = 1", "y[n] = a[0]"), 9, "one name"),
    "name of other letters": (body("größe = x[n]", "y[n] = größe"), 7, "ASCII"),
    "walrus": (body("y[n] = (t := x[n]) + t"), 7, "integers, arrays"),
    "return": (body("y[n] = x[n]") + "    return y\n", 8, "an assignment or a condition"),
    "try": (body("try:", "    y[n] = 1", "except ValueError:", "    pass"), 7, "an assignment"),
    "with": (body("with x:", "    y[n] = 1"), 7, "an assignment"),
    "assert": (body("assert n < 8", "y[n] = 1"), 7, "an assignment"),
    "global": (body("global G", "y[n] = 1"), 7, "an assignment"),
    "delete": (body("t = 1", "del t", "y[n] = 1"), 8, "an assignment"),
    "nested function": (body("def tried(a):", "    return a", "y[n] = 1"), 7, "an assignment"),
    "dictionary": (body("d = {1: 2}", "y[n] = d[1]"), 7, "integers, arrays"),
    "identity": (body("y[n] = 1 if x[n] is x[n] else 0"), 7, "a comparison of numbers"),
    "starred": (body("a, *b = x[n], 1, 2", "y[n] = a"), 7, "2 values"),
    "step of zero": (body("for k in range(0, 8, 0):", "    y[k] = 0"), 7, "step that is not 0"),
    "keyword": (body("y[n] = min(x[n], 1, key=abs)"), 7, "by position only"),
    "recursion": (body("y[n] = f(x[n])", before="f = lambda a: f(a)"), 7, "written with 'def'"),
    "call of a kernel": (body("y[n] = tried(x, y)"), 7, "a plain function"),
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
        ("x: In[s32, 8], *y: Out[s32, 8]", "given by name"),
        ("x: In[s32, 8], /, y: Out[s32, 8]", "given by name"),
        ("x: In[s32, 8], **y", "given by name"),
        ("x: In[s32], y: Out[s32, 8]", "positive extent"),
        ("x: In[s32, 0], y: Out[s32, 8]", "positive extent"),
        ("x: In[8, s32], y: Out[s32, 8]", "one of s8"),
        ("x: In[u32, 8], y: Out[s32, 8]", "s16, u16, s32 or u32"),
    ],
)
def test_wrong_parameters_are_refused(parameters: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(TypeMismatch, match=words):
        kernel_of(tmp_path, body("y[n] = 1", parameters=parameters))


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        (["pass"], 5, "at least one statement"),
        (["t = x[0]"], 4, "writes to y"),
        (["y[0] = t"], 6, "a name that has a value here"),
        (["y[0] = x[8]"], 6, "reads 8 to 8"),
        (["y[8] = 0"], 6, "writes 8 to 8"),
        (["y[0] = x[0] / 2"], 6, "+ - * // % & | ^ << >>"),
        (["t = x[0]", "while t:", "    t -= 1"], 7, "an assignment or a condition"),
        (["m = x[0]", "for n in range(m):", "    y[n] = 0"], 7, "constant bounds"),
        (["for n in range(8):", "    y[n] = t", "t = 1"], 7, "a name that has a value here"),
        (["row = z[x[0]]", "for n in range(8):", "    y[n] = row[n]"], 6, "indices that are known"),
    ],
)
def test_statements_outside_loops_are_refused_with_their_line(
    lines: list[str], line: int, words: str, tmp_path: Path
) -> None:
    body = "".join(f"    {text}\n" for text in lines)
    with pytest.raises(HlsgenError) as caught:
        source = f"\n@hlsgen.kernel\ndef tried({X}, z: In[s32, 8, 8]) -> None:\n{body}"
        kernel_of(tmp_path, source).lower()
    text = str(caught.value)
    assert len(text.splitlines()) == 3 and words in text, text
    assert f"tried.py, kernel tried, line {line}\n" in text


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


@pytest.mark.parametrize(
    "source",
    [
        "@hlsgen.kernel\nasync def tried(x: InOut[s32, 8]) -> None:\n    pass\n",
        "@hlsgen.kernel\ndef tried(x: InOut[s32, 8]):\n    yield x\n",
        "tried = hlsgen.kernel(lambda n=3: n)  # def tried()\n",
        "@hlsgen.kernel\nclass tried:  # def tried()\n    pass\n",
        "@hlsgen.kernel(word=5)\ndef tried(x: InOut[s32, 8]) -> None:\n    pass\n",
    ],
)
def test_what_is_no_function_of_words_is_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(TypeMismatch) as caught:
        kernel_of(tmp_path, source)
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_that_exits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "exits.py"
    path.write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(BadFile, match=r"(?s)exits.py, line 2.*SystemExit: 3"):
        load_python_kernel(path, "tried")


def test_arguments_that_are_missing_or_no_arrays_are_refused(tmp_path: Path) -> None:
    kernel = kernel_of(tmp_path, body("y[n] = x[n]"))
    with pytest.raises(TypeMismatch, match="missing"):
        kernel(np.zeros(8, np.int32))
    with pytest.raises(TypeMismatch, match="argument x"):
        kernel([0] * 8, np.zeros(8, np.int32))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("def inputs(random):\n    return 1 // 0\n", "ZeroDivisionError"),
        ("def inputs():\n    return {}\n", "TypeError"),
        ("inputs = 5\n", "not callable"),
        ("def inputs(random):\n    return {}\n", "found no x"),
        ("def inputs(random):\n    return {'x': 'abc'}\n", "expected int32"),
    ],
)
def test_arrays_of_a_file_that_do_not_fit_are_refused(
    function: str, words: str, tmp_path: Path
) -> None:
    source = body("y[n] = x[n]")
    kernel = kernel_of(tmp_path, source).lower()
    with pytest.raises(HlsgenError, match=words) as caught:
        random_arrays(kernel, (HEAD + source + function).encode(), "tried", 0)
    assert len(str(caught.value).splitlines()) == 3
