"""Loops that are left early or go over arrays do what Python does, whatever stands around them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from support.kernel_agreement import compare_fabric, compare_pipeline
from support.kernel_examples import clean_kernel, results_of_python
from support.python_files import kernel_of

from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.python.kernel import PythonKernel
from hlsgen.schedule.stream_kernel.pipeline import schedule_pipeline

WORDS = "x: In[s32, 8], z: In[s32, 8], y: Out[s32, 8]"


def source(text: str, parameters: str = WORDS) -> str:
    """A kernel with this body."""
    lines = text.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    body = "\n".join(f"    {line[indent:]}" for line in lines)
    return f"T = [3, 1, 4, 1, 5]\n@hlsgen.kernel\ndef tried({parameters}) -> None:\n{body}\n"


CASES = {
    "break": """
        total = 0
        for n in range(8):
            if x[n] < 0:
                break
            total += x[n]
            y[n] = total
    """,
    "the counter of a loop that was left": """
        for n in range(8):
            y[n] = z[n]
            if x[n] < 0:
                break
        y[7] = n
    """,
    "the counter of a loop that was not left": """
        for n in range(1, 7, 2):
            y[n] = z[n]
            if x[n] == 77:
                break
        y[0] = n
    """,
    "else of a loop": """
        for n in range(8):
            if x[n] < -7:
                break
        else:
            y[0] = 9
        for n in range(1, 8):
            y[n] = x[n]
        else:
            y[1] = 5
    """,
    "continue": """
        for n in range(8):
            if x[n] < 0:
                continue
            y[n] = x[n]
    """,
    "continue in the other branch": """
        total = 0
        for n in range(8):
            if x[n] < 0:
                total += 1
            else:
                continue
            y[n] = total
    """,
    "jumps of both kinds in branches of branches": """
        total = 0
        for n in range(8):
            if x[n] < 0:
                if z[n] < 0:
                    total += 100
                    continue
                elif z[n] > 5:
                    y[n] = 3
                    break
                total += 1
            if x[n] == 3:
                continue
            y[n] = total + x[n]
            total = total + z[n]
    """,
    "a jump from an inner loop": """
        for n in range(8):
            total = 0
            for k in range(8):
                if x[k] > z[n]:
                    break
                if x[k] == 0:
                    continue
                total += x[k]
            y[n] = total
    """,
    "loops left inside loops that are left": """
        found = 0
        for n in range(8):
            for k in range(3):
                if x[n] == k:
                    found = found + 1
                    break
            if found > 2:
                break
            y[n] = found
    """,
    "what follows a jump is never reached": """
        for n in range(8):
            y[n] = x[n]
            continue
            y[n] = 5
    """,
    "a jump in an unrolled loop": """
        for n in range(8):
            total = 0
            for k in hlsgen.unroll(range(4)):
                if x[k] > z[n]:
                    break
                total += x[k]
            y[n] = total
    """,
    "return out of two loops": """
        for n in range(4):
            for k in range(2):
                if x[2 * n + k] < 0:
                    return
                y[2 * n + k] = x[n]
            y[n] += 1
        for n in range(8):
            y[n] += 5
    """,
    "return before a loop, and at the end": """
        if x[0] < 0:
            y[0] = 1
            return
        for n in range(8):
            y[n] = x[n]
        return
    """,
    "return in a branch of a branch, and else of the loop": """
        for n in range(8):
            if x[n] > 2:
                if z[n] > 2:
                    return None
                y[n] = 4
            else:
                y[n] = 7
        else:
            y[0] = 9
        y[1] += 100
    """,
    "a loop with a most number of trips": """
        for n in range(8):
            value, count = x[n] & 255, 0
            for k in range(8):
                if not value:
                    break
                value = value >> 1
                count += 1
            y[n] = count
    """,
    "names that the kernel has already": """
        going, here = 5, 6
        for n in range(8):
            if x[n] > 4:
                if z[n] > 0:
                    continue
                going = going + 1
            if z[n] == 0:
                break
            y[n] = going + here
    """,
    "elements of an array": """
        k = 0
        for v in x:
            y[k] = v + 1
            k = k + 1
    """,
    "enumerate": """
        for k, v in enumerate(x):
            y[k] = v + len(z)
    """,
    "zip": """
        total = 0
        for a, b, c in zip(x, z, T):
            total += a * b + c
        y[0] = total
    """,
    "a range backwards": """
        for n in reversed(range(1, 8, 3)):
            y[n] = x[7 - n]
        for n in reversed(range(x.shape[0])):
            y[n] += z[n]
    """,
    "bounds of data below a constant": """
        for n in range(8):
            total = 0
            for k in range(min(x[n], 8)):
                total += z[k]
            y[n] = total
    """,
    "bounds that the loop changes": """
        limit = x[0]
        for n in range(8):
            for k in range(1, min(6, limit)):
                limit = limit - 1
                y[k] = limit
            limit = z[n]
    """,
    "no trips": """
        for n in range(8):
            y[n] = x[n]
            for k in range(n, n - 2):
                y[n] = 0
        for n in range(3, 3):
            y[n] = 7
    """,
    "numbers as conditions": """
        for n in range(8):
            if x[n] and not z[n] & 3 or n and x[n] & z[n]:
                y[n] = 1
            elif x[n] & 1:
                y[n] = 2 if z[n] and n else 3
    """,
    "the last of several writes": """
        for n in range(8):
            y[n // 4] = x[n]
            if z[n] > 0:
                y[2] = z[n]
            y[n & 3] = z[n] + 1
    """,
    "a list in loops": """
        taps = [0] * 4
        for n in range(8):
            for k in range(3, 0, -1):
                taps[k] = taps[k - 1]
            taps[0] = x[n]
            total = 0
            for k in range(len(taps)):
                total += taps[k] * T[k]
            y[n] = total
    """,
    "divisions": """
        for n in range(8):
            y[n] = x[n] // 3 + (x[n] % 3 << 3) + z[n] // 1000003 - z[n] % 7 + n // 3 * 100 + (n - 9) % 5
    """,
    "divisions of narrow elements": """
        for n in range(8):
            y[n] = a[n] // 10 + b[n] % 10 + (x[n] & 63) // 5
    """,
}
PARAMETERS = {"divisions of narrow elements": WORDS + ", a: In[s16, 8], b: In[u8, 8]"}


def jumping(draw: random.Random, depth: int = 0) -> list[str]:
    """Random statements of a loop over n, with jumps."""
    lines: list[str] = []
    for _ in range(draw.randint(1, 3)):
        term = draw.choice(("x[n]", "z[n]", "x[n] + 3", "1"))
        choices = ["t += " + term, "y[n] = t + " + term, "t = t ^ " + term]
        if depth < 3 and draw.random() < 0.6:
            test = draw.choice(("x[n] > 0", "z[n] > x[n]", "t & 1", "n > 2"))
            lines += [f"if {test}:", *(f"    {line}" for line in jumping(draw, depth + 1))]
            if draw.random() < 0.4:
                lines += ["else:", *(f"    {line}" for line in jumping(draw, depth + 1))]
        else:
            lines.append(draw.choice(choices))
    if depth and draw.random() < 0.5:
        lines.append(draw.choice(("break", "continue", "return")))
    return lines


@pytest.mark.parametrize("seed", range(40))
def test_random_jumps_mean_what_python_does(seed: int, tmp_path: Path) -> None:
    body = "\n".join(f"    {line}" for line in jumping(random.Random(seed)))
    text = f"t = 0\nfor n in range(8):\n{body}\n    y[n] = y[n] + t\ny[0] = t"
    kernel = kernel_of(tmp_path, source(text))
    graphs = clean_kernel(kernel)
    for draw in range(4):
        given = drawn(kernel, -3, 4, draw)
        results = evaluate_kernel(graphs, given)
        for name, values in results_of_python(kernel, given).items():
            np.testing.assert_array_equal(results[name], values, f"seed {seed}.{draw}:\n{text}")


def drawn(kernel: PythonKernel, low: int, high: int, seed: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    return {
        name: draw.integers(low, high, type_.shape).astype(type_.element.native)
        for name, type_ in kernel.parameters.items()
        if type_.role != "output"
    }


@pytest.mark.parametrize("case", CASES)
def test_loops_mean_what_python_does(case: str, tmp_path: Path) -> None:
    kernel = kernel_of(tmp_path, source(CASES[case], PARAMETERS.get(case, WORDS)))
    graphs = clean_kernel(kernel)
    for low, high in ((-1, 4), (-9, 10), (-(1 << 31), 1 << 31)):
        for seed in range(6):
            given = drawn(kernel, low, high, seed)
            results = evaluate_kernel(graphs, given)
            for name, values in results_of_python(kernel, given).items():
                np.testing.assert_array_equal(results[name], values, f"{low}, seed {seed}")


@pytest.mark.parametrize(
    ("case", "interval"), [("break", 2), ("continue", 1), ("a list in loops", 1), ("divisions", 1)]
)
def test_intervals_of_their_pipelines(case: str, interval: int, tmp_path: Path) -> None:
    (graph,) = clean_kernel(kernel_of(tmp_path, source(CASES[case]))).graphs
    assert schedule_pipeline(graph).ii == interval


def test_a_number_as_parameter(tmp_path: Path) -> None:
    kernel = kernel_of(
        tmp_path,
        source(
            "for n in range(8):\n    y[n] = x[n] * gain + offset if n else gain\n",
            "x: In[s32, 8], gain: s32, offset: s8, y: Out[s32, 8]",
        ),
    )
    x, y = np.arange(8, dtype=np.int32), np.zeros(8, np.int32)
    kernel(x, 3, -7, y)
    np.testing.assert_array_equal(y[1:], x[1:] * 3 - 7)
    given = {"x": x, "gain": np.array([3], np.int32), "offset": np.array([-7], np.int8)}
    np.testing.assert_array_equal(evaluate_kernel(clean_kernel(kernel), given)["y"], y)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    ["jumps of both kinds in branches of branches", "the last of several writes", "divisions"],
)
def test_circuits_and_fabrics_do_the_same(case: str, tmp_path: Path) -> None:
    kernel = kernel_of(tmp_path, source(CASES[case]))
    given = [drawn(kernel, -4, 5, seed) for seed in range(3)]
    compare_fabric(kernel, given)
    for stalls in (0.0, 0.3):
        compare_pipeline(kernel, given, stalls)
