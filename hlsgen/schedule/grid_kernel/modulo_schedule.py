"""Times of a modulo schedule: which differences between start times an initiation interval demands.

``spread`` is the MinDist matrix of Huff, "Lifetime-sensitive modulo scheduling" (PLDI 1993).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.schedule.grid_kernel.problem import Problem

NEVER = -(1 << 30)
"""In a spread: no dependence."""


def dependences(problem: Problem) -> list[tuple[int, int, int, int]]:
    """(before, after, distance, delay): start(after) + distance * ii >= start(before) + delay."""
    of_values = [
        (edge.producer, edge.consumer, edge.distance, problem.least_delay[edge.producer])
        for edge in problem.edges
    ]
    return [*of_values, *problem.orders]


def spread(problem: Problem, ii: int) -> np.ndarray | None:
    """(n, n) int: entry (u, v) is the least start(v) - start(u), NEVER where v does not depend on u.

    None where the interval is below the recurrence bound.
    """
    count = problem.count
    least = np.full((count, count), NEVER, dtype=np.int64)
    for before, after, distance, delay in dependences(problem):
        least[before, after] = max(least[before, after], delay - distance * ii)
    for middle in range(count):
        via = least[:, middle, None] + least[None, middle, :]
        np.maximum(least, via, out=least)
    least[least < NEVER // 2] = NEVER
    if np.any(np.diagonal(least) > 0):
        return None
    np.fill_diagonal(least, 0)
    return least


def recurrence_bound(problem: Problem) -> int:
    """The largest ratio of delay to distance over all cycles of dependences, rounded up; at least 1."""
    all_dependences = dependences(problem)
    low, high = 1, max(1, sum(max(0, delay) for *_, delay in all_dependences))
    while low < high:
        middle = (low + high) // 2
        if _positive_cycle(problem.count, all_dependences, middle):
            low = middle + 1
        else:
            high = middle
    return low


def _positive_cycle(
    count: int, all_dependences: Sequence[tuple[int, int, int, int]], ii: int
) -> bool:
    """Whether longest paths do not settle (Bellman and Ford)."""
    start = [0] * count
    for _ in range(count):
        changed = False
        for before, after, distance, delay in all_dependences:
            least = start[before] + delay - distance * ii
            if least > start[after]:
                start[after] = least
                changed = True
        if not changed:
            return False
    return True
