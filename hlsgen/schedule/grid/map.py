"""The mapper: a loop graph on a fabric, at the smallest initiation interval found."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from hlsgen.arch.fabric import Fabric
from hlsgen.errors import DoesNotFit
from hlsgen.loops.check import check
from hlsgen.loops.ir import LoopGraph
from hlsgen.schedule.grid.annealing import search
from hlsgen.schedule.grid.bounds import bounds_of
from hlsgen.schedule.grid.check import check_mapping
from hlsgen.schedule.grid.mapping import GridMapping
from hlsgen.schedule.grid.modulo_schedule import spread
from hlsgen.schedule.grid.partial import Partial
from hlsgen.schedule.grid.problem import Problem
from hlsgen.schedule.grid.register_allocation import has_registers
from hlsgen.schedule.grid.resources import wiring
from hlsgen.schedule.grid.result import Outcome, to_mapping

MOVES = 1000
"""Moves of one attempt: one that succeeds mostly does so in a few hundred, so that new attempts pay more than longer ones."""
ATTEMPTS = 12
"""Attempts at an interval before the next one is tried, and again once it is known which one can be had."""


def map_graph(
    graph: LoopGraph,
    fabric: Fabric,
    seed: int = 0,
    time_limit: float = 100.0,
    exact: bool = True,
    homes: Mapping[str, str] | None = None,
) -> GridMapping:
    """The mapping of ``graph`` with the smallest interval found.

    Intervals are tried from the lower bound on; below the first that succeeds each is then tried once more. ``exact``: small graphs
    are also searched by a solver, which can prove that an interval is infeasible. After ``time_limit`` seconds larger intervals
    are tried once each: while time is left, the result depends on nothing but the seed.
    """
    check(graph)
    problem = Problem(graph, fabric, homes or {})
    search_for = _Search(problem, seed, time_limit)
    lower = search_for.bounds.interval
    for interval in range(lower, fabric.contexts + 1):
        found = search_for.at(interval, range(ATTEMPTS))
        if found is not None:
            break
    else:
        raise DoesNotFit(
            f"loop graph {graph.name}",
            f"expected a mapping on fabric {fabric.name} in at most {fabric.contexts} contexts,"
            f" found none from interval {lower} on",
            "Use a larger fabric.",
        )
    for smaller in range(lower, interval):
        if search_for.is_late:
            break
        better = search_for.at(smaller, range(ATTEMPTS, 2 * ATTEMPTS))
        if better is not None:
            found, interval = better, smaller
            break
    mapping = to_mapping(found, search_for.outcome(interval))
    check_mapping(mapping)
    return mapping


class _Search:
    """What all attempts at one problem share."""

    def __init__(self, problem: Problem, seed: int, time_limit: float) -> None:
        self.problem, self.seed, self.time_limit = problem, seed, time_limit
        self.started = time.monotonic()
        self.bounds = bounds_of(problem)
        self.wires = wiring(problem.fabric)
        self.tried: dict[int, int] = {}

    @property
    def is_late(self) -> bool:
        return time.monotonic() - self.started > self.time_limit

    def at(self, interval: int, attempts: range) -> Partial | None:
        """A complete placement and routing at an interval, from one of several starts."""
        problem = self.problem
        least = spread(problem, interval)
        if least is None:
            return None
        longest = int(np.maximum(least, 0).max())
        horizon = min(problem.fabric.stages * interval, longest * 3 // 2 + 2 * interval + 8)
        for attempt in attempts:
            partial = Partial(problem, self.wires, least, interval, horizon)
            self.tried[interval] = self.tried.get(interval, 0) + 1
            if search(partial, 2 * ATTEMPTS * self.seed + attempt, MOVES):
                mapping = to_mapping(partial, self.outcome(interval))
                if has_registers(mapping):
                    return partial
            if self.is_late:
                break
        return None

    def outcome(self, interval: int) -> Outcome:
        """How the search ended at this interval."""
        seconds = time.monotonic() - self.started
        proved = interval == self.bounds.interval
        stopped = ""
        if not proved:
            tried = self.tried.get(interval - 1, 0)
            stopped = f"no mapping found at interval {interval - 1} in {tried} attempts"
            if self.is_late:
                stopped = f"time ran out after {self.time_limit:g} s; {stopped}"
        return Outcome(self.bounds, proved, stopped, seconds, self.seed)
