"""Means of sums of different counts as one function: of the sums brought to a common denominator."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from hlsgen.algebra.scalar import Steps
from hlsgen.requantise.cells import find_steps
from hlsgen.requantise.mean import Mean


def mean_steps(
    mean: Mean, counts: Collection[int], bounds: tuple[int, int, int, int]
) -> Steps | None:
    """The results of means as ONNX Runtime takes them, for sums of any of ``counts`` elements, each sum times ``mean.count`` over its count.

    ``mean.count`` is a common multiple of the counts; ``bounds``: the least and greatest element less its zero point, and result. Where
    equal means of different counts are rounded differently (next to halves), it is as for the greatest of these counts. None for a
    function that takes too many cells.
    """
    least, greatest, low, high = bounds
    points, results = [], []
    for count in sorted(counts, reverse=True):
        sums = _sums(count, least, greatest)
        points.append(sums * (mean.count // count))
        results.append(_results(replace(mean, count=count), sums, low, high))
    together, first = np.unique(np.concatenate(points), return_index=True)
    return find_steps(together, np.concatenate(results)[first])


def undecided_means(
    mean: Mean, counts: Collection[int], bounds: tuple[int, int, int, int], steps: Steps
) -> tuple[int, int]:
    """(how many sums of all counts together ONNX Runtime may round to another result than ``steps``, of how many)."""
    least, greatest, low, high = bounds
    undecided = total = 0
    for count in counts:
        rule, sums = replace(mean, count=count), _sums(count, least, greatest)
        total += sums.size
        if rule.near_halves(*bounds).size == 0:
            continue
        other = steps.evaluate(np, sums * (mean.count // count)) != _results(rule, sums, low, high)
        if rule.decided(sums) is None:
            other |= np.isin(sums, rule.near_halves(*bounds))
        undecided += int(np.count_nonzero(other))
    return undecided, total


def _sums(count: int, least: int, greatest: int) -> np.ndarray:
    return np.arange(count * min(least, 0), count * max(greatest, 0) + 1)


def _results(mean: Mean, sums: np.ndarray, low: int, high: int) -> np.ndarray:
    decided = mean.decided(sums)
    results = mean.results(np, sums.astype(np.float32)) if decided is None else decided
    return np.clip(results, low, high).astype(np.int64)
