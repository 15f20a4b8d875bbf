"""Every operator of Python that kernels may use, on words of arrays and on Python's own integers, as the function computes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.kernel_examples import results_of_python
from support.python_files import HEAD, kernel_of

from hlsgen.errors import IllegalGraph
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.python.kernel import load_python_kernel

EDGES = (
    0,
    1,
    2,
    3,
    5,
    64,
    127,
    (1 << 31) - 1,
    1 << 31,
    (1 << 31) + 1,
    (1 << 32) - 2,
    (1 << 32) - 1,
)
COUNT = len(EDGES) ** 2
OF_TWO = ("a + b", "a - b", "a * b", "a & b", "a | b", "a ^ b", "a << (b & 31)", "a >> (b & 31)")
OF_ONE = (
    *("-a", "~a", "+a", "abs(a)", "a // 1", "a // 2", "a // 64", "a % 1", "a % 2", "a % 64"),
    *(
        "min(a, b)",
        "max(a, b)",
        "min(a, b, 7)",
        "max(5, a, b)",
        "1 if a else 0",
        "1 if not a else 0",
    ),
    *("1 if (a > 5) & (b < 9) else 0", "1 if (a > 5) | (b < 9) else 0", "((a > 5) ^ (b < 9)) + a"),
    *("a >> 3", "a << 4", "a * 5 - 3", "9 - a", "1 if a != b else 2", "a if a <= b else b"),
)
OF_INTEGERS = (
    *("n - 70", "~n", "-n", "~(n - 5)", "abs(n - 70)", "n // 4", "n % 8", "(n - 70) // 4"),
    *("(n - 70) % 16", "(n - 70) >> 2", "n << 3", "min(n, 50)", "max(n - 9, 50, 3)", "n * n"),
    *("min(n - 70, 9 - n)", "1 if n - 70 < 5 else 0", "1 if n - 70 >= n // 2 else 0", "n & 12"),
)
LARGE_INTEGERS = ("1 if n * 20_000_000 > 1_000_000_000 else 0", "n * 20_000_000 >> 3")
"""Of integers that only unsigned words hold."""


def tried(tmp_path: Path, body: str, word: str) -> tuple[dict[str, np.ndarray], ...]:
    """What the kernel and what the function writes, for every pair of edges."""
    kernel = kernel_of(
        tmp_path,
        "@hlsgen.kernel\n"
        f"def tried(x: In[{word}, {COUNT}], y: In[{word}, {COUNT}], z: Out[{word}, {COUNT}]) -> None:\n"
        + body,
    )
    element = {"u32": np.uint32, "s32": np.int32}[word]
    x, y = (
        grid.reshape(-1).astype(element) for grid in np.meshgrid(*[np.array(EDGES, np.uint32)] * 2)
    )
    arrays = {"x": x, "y": y}
    return evaluate_kernel(kernel.lower(), arrays), results_of_python(kernel, arrays)


@pytest.mark.parametrize("word", ["u32", "s32"])
@pytest.mark.parametrize("expression", [*OF_TWO, *OF_ONE])
def test_an_operator_on_words_is_what_the_function_computes(
    expression: str, word: str, tmp_path: Path
) -> None:
    body = f"    for n in range({COUNT}):\n        a, b = x[n], y[n]\n        z[n] = {expression}\n"
    computed, expected = tried(tmp_path, body, word)
    np.testing.assert_array_equal(computed["z"], expected["z"])


@pytest.mark.parametrize(
    ("expression", "word"),
    [*((e, "s32") for e in OF_INTEGERS), *((e, "u32") for e in LARGE_INTEGERS)],
)
def test_an_operator_on_integers_is_what_the_function_computes(
    expression: str, word: str, tmp_path: Path
) -> None:
    body = f"    for n in range({COUNT}):\n        t = {expression}\n        z[n] = t + x[n]\n"
    computed, expected = tried(tmp_path, body, word)
    np.testing.assert_array_equal(computed["z"], expected["z"])


@pytest.mark.parametrize(
    "expression", ["-x[7]", "~x[7]", "abs(x[7])", "x[7] // 4", "max(x[7], y[9], 3)"]
)
def test_a_number_computed_before_the_loops_is_the_same_in_all_their_trips(
    expression: str, tmp_path: Path
) -> None:
    body = (
        f"    t = {expression}\n"
        f"    for m in range(12):\n        u = ~t\n        for n in range({COUNT // 12}):\n"
        f"            z[{COUNT // 12} * m + n] = t + ~u * m + x[n]\n"
    )
    computed, expected = tried(tmp_path, body, "s32")
    np.testing.assert_array_equal(computed["z"], expected["z"])


@pytest.mark.parametrize(
    ("word", "least", "greatest"),
    [("s32", -(1 << 31), (1 << 31) - 1), ("u32", -(1 << 31), (1 << 32) - 1)],
)
def test_a_constant_that_a_word_holds_is_taken_and_the_next_one_refused(
    word: str, least: int, greatest: int, tmp_path: Path
) -> None:
    for value in (least, greatest):
        computed, _ = tried(
            tmp_path, f"    for n in range({COUNT}):\n        z[n] = {value}\n", word
        )
        assert int(computed["z"][0]) % (1 << 32) == value % (1 << 32)
    for value in (least - 1, greatest + 1):
        with pytest.raises(IllegalGraph, match=f"expected integers from {least} to {greatest}"):
            tried(tmp_path, f"    for n in range({COUNT}):\n        z[n] = {value}\n", word)


@pytest.mark.parametrize(
    ("statements", "reported"),
    [
        (("t = 1", "t = t + t", "1 if t < 9 else 0"), "to infinity"),
        (("t = -1", "t = t + t", "1 if t < 9 else 0"), "from -infinity to"),
        (("t = 0", "t = t - 30_000_000", "1 if t < 9 else 0"), "from -3150000000 to 9"),
        (("t = 0", "t = n * 3000000000", "1 if t < 9 else 0"), "from 0 to 297000000000"),
        (  # -9 at least wherever it is an integer: not 5, since it need not be one
            ("t = 0", "t = max(5 if n < 9 else x[n], -9)", "1 if t - 2147483643 < 9 else 0"),
            "from -2147483652 to",
        ),
    ],
)
def test_integers_that_words_cannot_hold_are_refused_with_their_range(
    statements: tuple[str, str, str], reported: str, tmp_path: Path
) -> None:
    first, each, last = statements
    file = tmp_path / "kernel.py"
    file.write_text(
        f"{HEAD}@hlsgen.kernel\ndef tried(x: In[s32, 100], y: Out[s32, 100]) -> None:\n    {first}\n"
        f"    for n in range(100):\n        {each}\n        y[n] = {last}\n"
    )
    with pytest.raises(IllegalGraph) as error:
        load_python_kernel(file, "tried").lower()
    assert reported in str(error.value)
