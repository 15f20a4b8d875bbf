"""Functions of one integer, or of two by their sum, product, maximum or minimum, as cells with at most one change each; exact by enumeration."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from hlsgen.algebra.scalar import Steps

Combination: TypeAlias = Literal["sum", "product", "minimum", "maximum"]
COMBINE = {"sum": np.add, "product": np.multiply, "minimum": np.minimum, "maximum": np.maximum}
MOST_CELLS = 4096
"""The largest table of cells; one of 8-bit results takes about 20 kbit for each 512."""
MOST_EXCEPTIONS = 64
"""The most pairs that a form leaves to be put right one by one, some 20 LUTs each."""
_FEW = 16
_BITS = (*range(8, 24, 2), *range(24, 43, 3))
_NEAR_WHOLE = 1e-3
_SAMPLES = 1 << 14


@dataclass(frozen=True, eq=False)
class PairForm:
    """``steps(combine(first[a], second[b]))``; entry 0 of the int64 tables is for the least operand.

    ``exceptions``: (a, b, addend) of the pairs, by entries of the tables, to whose result something is added.
    """

    combination: Combination
    first: np.ndarray
    second: np.ndarray
    steps: Steps
    exceptions: tuple[tuple[int, int, int], ...] = ()


def find_steps(points: np.ndarray, results: np.ndarray) -> Steps | None:
    """Steps with these results at these ascending int64 points, and no change but next to a point; None for one that takes too many cells."""
    changes = np.flatnonzero(np.diff(results)) + 1
    if not changes.size:
        value = int(results[0])
        return Steps(int(points[0]), 0, ((int(points[0]), value, value),))
    thresholds = points[changes]
    origin = int(thresholds[0])
    if changes.size > MOST_CELLS:
        return None
    closest = int(np.diff(thresholds).min(initial=1 << 40))
    for shift in range(closest.bit_length(), -1, -1):
        cell = (thresholds - origin) >> shift
        if np.all(np.diff(cell) > 0):
            break
    count = int(cell[-1]) + 1
    if count > MOST_CELLS:
        return None
    above = np.empty(count, np.int64)
    threshold = origin + (np.arange(count, dtype=np.int64) << shift)
    below = above.copy()
    last = np.searchsorted(cell, np.arange(count), side="right") - 1
    above[:] = below[:] = results[changes[last]]
    below[cell] = results[changes - 1]
    threshold[cell] = thresholds
    cells = zip(threshold.tolist(), below.tolist(), above.tolist(), strict=True)
    return Steps(origin, shift, tuple(cells))


def find_changes(function: Callable[[np.ndarray], np.ndarray], low: int, high: int) -> np.ndarray:
    """Ascending integers of [low, high], both sides of every place where the function changes among them."""
    for _ in range(3):  # only a part of a wide range may be alive
        points = np.unique(np.linspace(low, high, _SAMPLES).astype(np.int64))
        changes = np.flatnonzero(np.diff(function(points)))
        if changes.size == 0:
            return np.array([low, high])
        low, high = int(points[changes[0]]), int(points[changes[-1] + 1])
    points = np.unique(np.linspace(low, high, _SAMPLES).astype(np.int64))
    while True:
        results = function(points)
        differ = np.flatnonzero(np.diff(results))
        wide = differ[np.diff(points)[differ] > 1]
        if wide.size == 0:
            return points
        middle = points[wide] + (points[wide + 1] - points[wide]) // 2
        points = np.union1d(points, middle)


def find_pair_form(
    truth: np.ndarray, first: np.ndarray, second: np.ndarray, combination: Combination
) -> PairForm | int:
    """The form that equals ``truth[a, b]`` for every pair, where that is a function of ``combine(first[a], second[b])`` but for rounding.

    The operands' reals (float64) are rounded to as few bits as suffice; of a product the second may be infinite. Where no form has all pairs
    right, one with few exceptions; else the least number of pairs that no such form had right.
    """
    least, tried = truth.size, []
    for a, b in _integers(first, second, combination):
        steps = _steps_of(truth, COMBINE[combination](a[:, None], b[None, :]).reshape(-1))
        if isinstance(steps, Steps):
            return PairForm(combination, a, b, steps)
        least = min(least, steps or least)
        tried.append((a, b))
    spare = None
    for a, b in tried:
        points, results, wrong = _by_majority(truth, COMBINE[combination](a[:, None], b[None, :]))
        if wrong <= MOST_EXCEPTIONS and (spare is None or wrong <= _FEW):
            form = _with_exceptions(truth, a, b, combination, points, results)
            if form is not None and len(form.exceptions) <= _FEW:
                return form
            spare = spare or form
    return least if spare is None else spare


def _by_majority(truth: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The different values, of each the result that most of its pairs have, and how many pairs have another."""
    points, place = np.unique(values, return_inverse=True)
    low, span = int(truth.min()), int(truth.max() - truth.min()) + 1
    keys, counts = np.unique(
        place.reshape(-1) * span + (truth.reshape(-1) - low), return_counts=True
    )
    keys = keys[np.lexsort((-counts, keys // span))]
    _, first = np.unique(keys // span, return_index=True)
    results = keys[first] % span + low
    return points, results, int(np.count_nonzero(results[place].reshape(-1) != truth.reshape(-1)))


def _with_exceptions(
    truth: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    combination: Combination,
    points: np.ndarray,
    results: np.ndarray,
) -> PairForm | None:
    """The form of a function with these results at these points, of those that never decrease, or never increase; None where more pairs are
    otherwise than may be."""
    kept = max((_ascending(results), _ascending(-results)), key=len)
    steps = find_steps(points[kept], results[kept])
    if steps is None:
        return None
    addends = truth - steps.evaluate(np, COMBINE[combination](a[:, None], b[None, :]))
    wrong = np.argwhere(addends)
    if len(wrong) > MOST_EXCEPTIONS:
        return None
    exceptions = tuple((int(i), int(j), int(addends[i, j])) for i, j in wrong)
    return PairForm(combination, a, b, steps, exceptions)


def _ascending(results: np.ndarray) -> np.ndarray:
    """The places of a longest part that never decreases."""
    ends: list[int] = []
    last: list[int] = []
    before = np.empty(results.size, np.int64)
    for k, result in enumerate(results.tolist()):
        at = bisect_right(ends, result)
        before[k] = last[at - 1] if at else -1
        ends[at : at + 1], last[at : at + 1] = [result], [k]
    places = [last[-1]]
    while before[places[-1]] >= 0:
        places.append(int(before[places[-1]]))
    return np.array(places[::-1])


def find_class_form(truth: np.ndarray) -> PairForm | None:
    """The form of any function ``truth[a, b]`` of few different rows or columns, as of a condition and an operand; None where it takes
    too many cells."""
    rows, row = np.unique(truth, axis=0, return_inverse=True)
    columns, column = np.unique(rows, axis=1, return_inverse=True)
    if columns.size > MOST_CELLS:
        return None
    steps = find_steps(np.arange(columns.size), columns.reshape(-1))
    if steps is None:
        return None
    first = row.reshape(-1).astype(np.int64) * columns.shape[1]
    return PairForm("sum", first, column.reshape(-1).astype(np.int64), steps)


def find_signed_form(
    truth: np.ndarray, multiples: np.ndarray, slopes: np.ndarray
) -> tuple[int, np.ndarray, Steps] | None:
    """(bits, factors, steps) where ``truth[a, b]`` is steps of m << bits for m = multiples[a] of 0 or more, of m * factors[b] below; a factor
    is a slope in units of 2**-bits. None where there is none."""
    positive = multiples >= 0
    for bits in _BITS[:10]:
        factors = np.rint(np.ldexp(slopes, bits)).astype(np.int64)
        scaled = np.where(positive[:, None], 1 << bits, factors[None])
        steps = _steps_of(truth, (multiples.astype(np.int64)[:, None] * scaled).reshape(-1))
        if isinstance(steps, Steps):
            return bits, factors, steps
    return None


def _steps_of(truth: np.ndarray, values: np.ndarray) -> Steps | int:
    """Steps whose result for each of ``values`` is that of ``truth``; else how many there are not, 0 for too many cells."""
    order = np.argsort(values, kind="stable")
    points, starts = np.unique(values[order], return_index=True)
    results = truth.reshape(-1)[order]
    low = np.minimum.reduceat(results, starts)
    wrong = int(np.count_nonzero(results != np.repeat(low, np.diff([*starts, truth.size]))))
    steps = None if wrong else find_steps(points, low)
    if steps is None or not np.array_equal(steps.evaluate(np, values), truth.reshape(-1)):
        return wrong
    return steps


def _integers(
    first: np.ndarray, second: np.ndarray, combination: Combination
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Integers in proportion to both operands, of more and more bits; of a product each has a proportion of its own."""
    if combination == "product" and np.isinf(second).any():
        # beyond every product of finite ones, so that only the sign of the first decides
        for a, b in _integers(first, np.where(np.isinf(second), 0.0, second), combination):
            sizes = np.abs(a[a != 0])
            least, most = int(sizes.min(initial=1 << 62)), int(sizes.max(initial=0))
            beyond = most * int(np.abs(b).max()) // least + 1
            signs = np.where(np.isinf(second), np.sign(second), 0.0)
            yield a, np.where(signs == 0, b, signs.astype(np.int64) * beyond)
        return
    a, b = (np.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0) for x in (first, second))
    most_a, most_b = _largest(a), _largest(b)
    if combination != "product":
        largest = max(most_a, most_b)
        for bits in _BITS:
            yield _rounded(a, bits, largest), _rounded(b, bits, largest)
        return
    step_a, step_b = _step(a), _step(b)
    own_a = None if step_a is None else np.rint(a / step_a).astype(np.int64)
    own_b = None if step_b is None else np.rint(b / step_b).astype(np.int64)
    if own_a is not None and own_b is not None:
        yield own_a, own_b
    for bits in _BITS[:10]:
        # whole multiples of a step are exact as they are
        yield (
            _rounded(a, bits, most_a) if own_a is None else own_a,
            _rounded(b, bits, most_b) if own_b is None else own_b,
        )
    for bits in _BITS[:10]:
        yield _rounded(a, bits, most_a), _rounded(b, bits, most_b)


def _step(reals: np.ndarray) -> float | None:
    """The step of which all reals are whole multiples, nearly; None where there is none."""
    distances = np.diff(np.unique(reals))
    step = float(distances.min()) if distances.size else _largest(reals)
    multiples = reals / step
    whole = np.abs(multiples - np.rint(multiples)) <= _NEAR_WHOLE
    return step if np.all(whole) and np.abs(multiples).max() < 1 << 16 else None


def _largest(reals: np.ndarray) -> float:
    return float(np.abs(reals).max()) or 1.0


def _rounded(reals: np.ndarray, bits: int, largest: float) -> np.ndarray:
    """Multiples of a power of two such that ``largest`` takes ``bits`` bits."""
    return np.rint(np.ldexp(reals, bits - int(np.frexp(largest)[1]))).astype(np.int64)
