"""``while`` loops whose trips are bounded by what they do are taken and do what Python does; any other is refused."""

from __future__ import annotations

import random
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
RANGES = [(-5, 5), (-3, 9), (0, 3), ANY]
# body, and the trips of the nests that it becomes
CASES = {
    "a counter up to a constant": (
        """
            i = 0
            while i < 8:
                y[i] = x[i] + 1
                i += 1
        """,
        [8],
    ),
    "a counter down in steps of two, read afterwards": (
        """
            i = 7
            while i >= 0:
                y[i] = x[i] - i
                i = i - 2
            y[0] = i
        """,
        [4, 1],
    ),
    "a counter and a condition of data": (
        """
            i = 0
            while i < 8 and x[i] > 0:
                y[i] = x[i]
                i += 1
            y[7] = i
        """,
        [8, 1],
    ),
    "a counter that data stops": (
        """
            i = 0
            while i < 8 and x[i] > 0:
                i += 1
            y[7] = i
        """,
        [8, 1],
    ),
    "a counter that starts at one of a loop around": (
        """
            for n in range(8):
                k = n
                s = 0
                while k < 8:
                    s += x[k]
                    k += 1
                y[n] = s
        """,
        [64],
    ),
    "a place that only goes forward in all trips around": (
        """
            i = 0
            for n in range(8):
                while i < 8 and x[i] < z[n]:
                    i += 1
                y[n] = i
        """,
        [64],
    ),
    "a word that is shifted until nothing is left": (
        """
            for n in range(8):
                v, b = x[n] & 255, 0
                while v:
                    v >>= 1
                    b += 1
                y[n] = b
        """,
        [64],
    ),
    "a word that loses its lowest bit": (
        """
            for n in range(8):
                v = x[n] & 65535
                c = 0
                while v != 0:
                    v &= v - 1
                    c += 1
                y[n] = c
        """,
        [128],
    ),
    "a word that is divided": (
        """
            for n in range(8):
                v = x[n] & 4095
                s = 0
                while v > 0:
                    s += v % 10
                    v //= 10
                y[n] = s
        """,
        [32],
    ),
    "a binary search of a half-open interval": (
        """
            for n in range(8):
                lo, hi = 0, 8
                while lo < hi:
                    mid = (lo + hi) // 2
                    if x[mid] < z[n]:
                        lo = mid + 1
                    else:
                        hi = mid
                y[n] = lo
        """,
        [32],
    ),
    "a binary search that is left where it finds": (
        """
            for n in range(8):
                lo = 0
                hi = 7
                found = -1
                while lo <= hi:
                    mid = (lo + hi) >> 1
                    if x[mid] == z[n]:
                        found = mid
                        break
                    elif x[mid] < z[n]:
                        lo = mid + 1
                    else:
                        hi = mid - 1
                y[n] = found
        """,
        [32],
    ),
    "no condition but a break": (
        """
            i = 0
            s = 0
            while True:
                s += x[i]
                y[i] = s
                i += 1
                if i >= 8 or s > 100:
                    break
        """,
        [9],
    ),
    "else of a counted loop that may be left": (
        """
            i = 0
            while i < 8:
                if x[i] == 3:
                    break
                i += 1
            else:
                y[0] = 7
            y[1] = i
        """,
        [8, 1],
    ),
    "else of a loop that data ends": (
        """
            i = 0
            while i < 8 and x[i] != 5:
                if x[i] == 3:
                    y[2] = 1
                    break
                i += 1
                y[3] = i
            else:
                y[0] = 7
            y[1] = i
        """,
        [8, 1],
    ),
    "continue": (
        """
            i = 0
            s = 0
            while i < 8:
                i += 1
                if x[i - 1] < 0:
                    continue
                s += x[i - 1]
            y[0] = s
        """,
        [8],
    ),
    "a counter as the condition": (
        """
            n = 5
            while n:
                y[n] = x[n]
                n -= 1
        """,
        [5],
    ),
    "one counter for two loops": (
        """
            i = 0
            while i < 4:
                y[i] = x[i]
                i += 1
            while i < 8:
                y[i] = z[i]
                i += 1
        """,
        [4, 8],
    ),
    "a loop inside a loop": (
        """
            i = 0
            while i < 4:
                j = 0
                while j < 2:
                    y[2 * i + j] = x[2 * i + j] + z[j]
                    j += 1
                i += 1
        """,
        [8],
    ),
    "a counter that doubles": (
        """
            i = 1
            while i <= 8:
                y[i - 1] = x[i - 1]
                i *= 2
        """,
        [1],
    ),
    "bounds that follow a counter that doubles": (
        """
            w = 1
            while w < 8:
                for i in range(0, 8, 2 * w):
                    for j in range(w):
                        y[i + j] = y[i + j] + x[i + j + w]
                w *= 2
        """,
        [4, 4, 4],
    ),
    "a counter that is halved, read afterwards": (
        """
            w = 4
            while w > 0:
                for i in range(w):
                    y[i] = y[i] + x[i + w]
                w >>= 1
            y[7] = w
        """,
        [4, 2, 1, 1],
    ),
    "a counter beside data that goes up and down": (
        """
            for n in range(8):
                v = x[n] & 7
                c = 0
                while v > 1 and c < 20:
                    if v & 1:
                        v = 3 * v + 1
                    else:
                        v = v >> 1
                    c += 1
                y[n] = c
        """,
        [160],
    ),
    "four conditions": (
        """
            for n in range(8):
                a, b = x[n] & 15, z[n] & 15
                t = 0
                while a != b and t < 16 and a > 0 and b > 0:
                    if a > b:
                        a -= b
                    else:
                        b -= a
                    t += 1
                y[n] = a
        """,
        [128],
    ),
}
REFUSED = {
    "a condition that nothing bounds": "n = 0\nwhile x[n & 7] > 0:\n    n += 1\ny[0] = n",
    "a product in the condition": "r = 0\nwhile r * r < x[0]:\n    r += 1\ny[0] = r",
    "a counter that goes back": "i = 0\nwhile i < 8:\n    i += 1\n    if x[i & 7] > 0:\n        i -= 1\ny[0] = i",
    "a counter that not every trip moves": "i = 0\nwhile i < 8:\n    if x[i & 7] > 0:\n        i += 1\ny[0] = i",
    "continue before the counter moves": "i = 0\nwhile i < 8:\n    if x[i] > 0:\n        continue\n    i += 1\ny[0] = i",
    "a limit of data": "i = 0\nwhile i < x[0]:\n    i += 1\ny[0] = i",
    "a start of data": "i = x[0]\nwhile i < 8:\n    i += 1\ny[0] = i",
    "an interval that keeps its middle": "lo, hi = 0, 7\nwhile lo < hi:\n    mid = (lo + hi) // 2\n    if x[mid] < 0:\n        lo = mid\n    else:\n        hi = mid\ny[0] = lo",
    "a limit that is stepped over": "i = 0\nwhile i != 7:\n    i += 2\ny[0] = i",
    "a local name that is a constant outside": "LIMIT = x[0]\ni = 0\nwhile i < LIMIT:\n    i += 1\ny[0] = i",
    "more trips than a circuit should make": "i = 0\nwhile i < 100000 and x[0] > 0:\n    i += 1\n    y[0] = i",
}


def tried(folder: Path, text: str) -> PythonKernel:
    """The kernel with this body."""
    lines = text.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    body = "\n".join(f"    {line[indent:]}" for line in lines)
    head = f"LIMIT = 8\n@hlsgen.kernel\ndef tried({WORDS}) -> None:"
    return kernel_of(folder, f"{head}\n{body}\n")


@pytest.mark.parametrize("case", CASES)
def test_loops_mean_what_python_does_in_the_trips_that_they_can_have(
    case: str, tmp_path: Path
) -> None:
    body, trips = CASES[case]
    kernel = tried(tmp_path, body)
    compare_graphs(kernel, samples_within(kernel, 7, RANGES))
    assert [graph.iterations for graph in kernel.lower().graphs] == trips


@pytest.mark.parametrize("case", REFUSED)
def test_a_loop_without_a_known_bound_is_refused_with_its_remedy(case: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedOp, match=r"(?s)found 'while .*for k in range\(N\)"):
        tried(tmp_path, REFUSED[case]).lower()


def drawn_loop(draw: random.Random) -> str:
    """A loop with a counter, jumps and an ``else`` in places that are drawn."""
    up = draw.random() < 0.6
    start, limit = draw.choice((0, 1, 2)), draw.choice((5, 7, 8))
    start, limit = (start, limit) if up else (limit - 1, start)
    test = f"i {draw.choice(('<', '<=') if up else ('>', '>='))} {limit - (up and 1)}"
    if draw.random() < 0.5:
        test += draw.choice((" and x[i] != 2", " and t < 9", " and (z[i] > 0 or t & 1)"))
    moves = f"i {'+' if up else '-'}= {draw.choice((1, 1, 2, 3))}"
    body = [draw.choice(("y[i] = x[i] + t", "t += z[i]", "y[i] += t")) for _ in range(2)]
    if draw.random() < 0.5:
        jump = draw.choice(("break", "continue", "t = t ^ 5"))
        body.append(f"if x[i] {draw.choice(('>', '=='))} 1:\n        {jump}")
    body.insert(draw.choice((0, len(body))), moves)
    if body[0] == moves and not up:
        body[0] = f"{moves}\n    if i < 0:\n        break"
    if body[0] == moves and up:
        body[0] = f"{moves}\n    if i > 7:\n        break"
    if "continue" in body[-2]:
        body = [body[-1], *body[:-1]]  # the counter moves before it
        body[0] += "\n    if i > 7 or i < 0:\n        break"
    lines = [f"i, t = {start}, 0", f"while {test}:", *(f"    {line}" for line in body)]
    if draw.random() < 0.4:
        lines += ["else:", "    y[6] = t + 1"]
    return "\n".join([*lines, "y[7] = i", "y[0] = t"])


@pytest.mark.parametrize("seed", range(40))
def test_random_loops_mean_what_python_does(seed: int, tmp_path: Path) -> None:
    text = drawn_loop(random.Random(seed))
    kernel = tried(tmp_path, text)
    compare_graphs(kernel, samples_within(kernel, seed, [(-1, 3), (0, 2)]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", ["a counter and a condition of data", "a binary search that is left where it finds"]
)
def test_circuits_and_fabrics_do_the_same(case: str, tmp_path: Path) -> None:
    kernel = tried(tmp_path, CASES[case][0])
    given = samples_within(kernel, 3, RANGES)
    compare_fabric(kernel, given)
    for stalls in (0.0, 0.3):
        compare_pipeline(kernel, given, stalls)
