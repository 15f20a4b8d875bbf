"""The mapper: a loop graph on a fabric, at the smallest initiation interval found."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hlsgen.errors import DoesNotFit, HlsgenError
from hlsgen.fabric.ir import Fabric
from hlsgen.loops.check import check
from hlsgen.loops.ir import LoopGraph
from hlsgen.schedule.grid_kernel.annealing import search
from hlsgen.schedule.grid_kernel.bounds import bounds_of
from hlsgen.schedule.grid_kernel.check import check_mapping
from hlsgen.schedule.grid_kernel.exact import (
    MOST_OPERATIONS,
    Infeasible,
    Start,
    is_available,
    solve,
)
from hlsgen.schedule.grid_kernel.mapping import GridMapping
from hlsgen.schedule.grid_kernel.modulo_schedule import spread
from hlsgen.schedule.grid_kernel.partial import Partial
from hlsgen.schedule.grid_kernel.problem import Problem
from hlsgen.schedule.grid_kernel.register_allocation import has_registers
from hlsgen.schedule.grid_kernel.resources import wiring
from hlsgen.schedule.grid_kernel.result import to_mapping

MOVES = 1000
"""Moves of one attempt: one that succeeds mostly does so in a few hundred, so that new attempts pay more than longer ones."""
ATTEMPTS, MORE_ATTEMPTS = 12, 6
"""Attempts at an interval before the next one is tried, and further ones once it is known which one can be had."""

FEW_SLOTS = 4
"""Slots of every element that the operations of a graph fill on the grid that is searched first."""

SOLUTIONS = 3
"""Solutions of the solver that are routed and repaired, where small graphs resist."""


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
    are also searched by a solver, which can prove that an interval is infeasible. What a smaller grid can do, a larger one can: the
    corners of the fabric are searched as well, each as it would be by itself, so that a larger mesh never gives a larger interval.
    The grid that is searched first and the smaller ones have ``time_limit`` seconds of this process's time together, every larger one
    has as much again; after that, larger intervals are tried once each. While time is left, the result depends on nothing but the seed.
    """
    check(graph)
    _check_sources(graph, fabric)
    problem = Problem(graph, fabric, homes or {})
    bound = bounds_of(problem).mii
    searching = _Search(problem, seed, exact)
    began = time.monotonic()
    best: GridMapping | None = None
    for grids in _order([*squares(fabric), fabric], problem.count):
        time_left = _TimeLeft(time_limit)
        for grid in grids:
            most = fabric.contexts if best is None else best.ii - 1
            if most < bound or (grid is not grids[0] and time_left.is_over):
                break
            if grid is fabric:
                better = searching.smallest(most, time_left)
            else:
                better = _in_corner(graph, grid, homes or {}, most, (seed, exact), time_left)
            best = best if better is None else replace(better, fabric=fabric)
    if best is None:
        raise DoesNotFit(
            f"loop graph {graph.name}",
            f"expected a mapping on fabric {fabric.name} in at most {fabric.contexts} contexts,"
            f" found none from interval {bound} on",
            "Use a larger fabric, or one with more contexts.",
        )
    mapping = replace(searching.finished(best), seconds=time.monotonic() - began)
    check_mapping(mapping)
    return mapping


def _check_sources(graph: LoopGraph, fabric: Fabric) -> None:
    """The search takes every word to every multiplexer."""
    named = [kind.name for kind in fabric.pe_kinds if kind.sources]
    if named:
        raise DoesNotFit(
            f"loop graph {graph.name}",
            f"expected PEs whose multiplexers take every source, found kinds {', '.join(named)} of fabric {fabric.name} that do not",
            "Use a fabric for kernels, for example cgra_4x4.",
        )


def squares(fabric: Fabric) -> Iterator[Fabric]:
    """The square grids in the north-western corner of a mesh that are smaller than it, smallest first, with their memory tiles."""
    if fabric.torus:
        return
    largest = min(fabric.rows, fabric.columns, max(fabric.rows, fabric.columns) - 1)
    for size in range(2, largest + 1):
        tiles = tuple(tile for tile in fabric.tiles if max(tile.cell) < size)
        kinds = tuple(row[:size] for row in fabric.kinds[:size])
        yield replace(fabric, kinds=kinds, tiles=tiles)


def _order(grids: Sequence[Fabric], operations: int) -> list[Sequence[Fabric]]:
    """The order in which grids (smallest first) are searched: from the first that is large enough for ``FEW_SLOTS`` downwards, then the
    larger ones upwards. Every grid's order begins with that of the next smaller one from there on. Those of a group share their time."""
    first = next(
        (k for k, grid in enumerate(grids) if operations <= FEW_SLOTS * len(grid.cells)),
        len(grids) - 1,
    )
    return [grids[first::-1], *([larger] for larger in grids[first + 1 :])]


def _in_corner(
    graph: LoopGraph,
    corner: Fabric,
    homes: Mapping[str, str],
    most: int,
    options: tuple[int, bool],
    time_left: _TimeLeft,
) -> GridMapping | None:
    """A mapping on a corner of a fabric with an interval of at most ``most``."""
    try:
        searching = _Search(Problem(graph, corner, homes), *options)
    except HlsgenError:
        return None  # it has not all that the graph needs
    return searching.smallest(most, time_left)


class _TimeLeft:
    """Seconds of this process's time, from now on: other processes on the machine do not shorten a search."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.process_time() + seconds

    @property
    def is_over(self) -> bool:
        return time.process_time() > self._end


class _Search:
    """What all attempts at one problem share."""

    def __init__(self, problem: Problem, seed: int, exact: bool) -> None:
        self.problem, self.seed = problem, seed
        small = exact and problem.count <= MOST_OPERATIONS
        self.exact = small and is_available()
        self.lacks_solver = small and not self.exact
        self.infeasible: set[int] = set()
        self.time_left = _TimeLeft(math.inf)
        self.bounds = bounds_of(problem)
        self.wires = wiring(problem.fabric)
        self.tried: dict[int, int] = {}

    def smallest(self, most: int, time_left: _TimeLeft) -> GridMapping | None:
        """The mapping of the smallest interval found, at most ``most``."""
        self.time_left = time_left
        lower = self.bounds.mii
        mapping = None
        for ii in range(lower, most + 1):
            mapping = self._at(ii, range(ATTEMPTS)) or self._solved(ii)
            if mapping is not None:
                break
        for ii in range(lower, most + 1 if mapping is None else mapping.ii):
            if self.time_left.is_over or ii in self.infeasible:
                continue
            better = self._at(ii, range(ATTEMPTS, ATTEMPTS + MORE_ATTEMPTS))
            if better is not None:
                return better
        return mapping

    def _at(self, ii: int, attempts: range) -> GridMapping | None:
        """A mapping of this interval, from one of several starts."""
        for attempt in attempts:
            partial = self._empty(ii)
            if partial is None:
                return None
            self.tried[ii] = self.tried.get(ii, 0) + 1
            mapping = self._searched(partial, (ATTEMPTS + MORE_ATTEMPTS) * self.seed + attempt)
            if mapping is not None or self.time_left.is_over:
                return mapping
        return None

    def _solved(self, ii: int) -> GridMapping | None:
        """A mapping from what the solver found; or the knowledge that there is none."""
        if not self.exact:
            return None
        for attempt in range(SOLUTIONS):
            partial = self._empty(ii)
            if self.time_left.is_over or partial is None:
                return None
            problem, seed = self.problem, SOLUTIONS * self.seed + attempt
            answer = solve(problem, self.wires, ii, partial.horizon, seed)
            if isinstance(answer, Infeasible):
                # Perhaps only in so few cycles: the proof needs all that the fabric has.
                every = problem.fabric.stages * ii
                if isinstance(solve(problem, self.wires, ii, every, seed), Infeasible):
                    self.infeasible.add(ii)
            if not isinstance(answer, Start):
                return None
            for operation, (choice, cycle) in enumerate(
                zip(answer.choices, answer.times, strict=True)
            ):
                partial.place(operation, choice, cycle)
            for edge in range(len(problem.edges)):
                partial.route(edge)
            mapping = self._searched(partial, seed)
            if mapping is not None:
                return mapping
        return None

    def _empty(self, ii: int) -> Partial | None:
        """Nothing placed yet; None below the recurrence bound."""
        problem = self.problem
        least = spread(problem, ii)
        if least is None:
            return None
        longest = int(np.maximum(least, 0).max())
        horizon = min(problem.fabric.stages * ii, longest * 3 // 2 + 2 * ii + 8)
        return Partial(problem, self.wires, least, ii, horizon)

    def _searched(self, partial: Partial, seed: int) -> GridMapping | None:
        if not search(partial, seed, MOVES):
            return None
        mapping = to_mapping(partial, self.bounds, self.seed)
        return mapping if has_registers(mapping) else None

    def finished(self, mapping: GridMapping) -> GridMapping:
        """The mapping with what is known of the search."""
        ii = mapping.ii
        smaller = set(range(self.bounds.mii, ii))
        proved = smaller <= self.infeasible
        stopped = ""
        if not proved:
            open_one = max(smaller - self.infeasible)
            tried = self.tried.get(open_one, 0)
            stopped = f"no mapping found at interval {open_one} in {tried} attempts"
            if ii - 1 in self.infeasible:
                stopped = f"interval {ii - 1} is infeasible; {stopped}"
            if self.time_left.is_over:
                stopped = f"time ran out after {self.time_left.seconds:g} s; {stopped}"
            if self.lacks_solver:
                stopped += "; OR-Tools is not installed, which might find or exclude one"
        return replace(mapping, bounds=self.bounds, proved_optimal=proved, stopped=stopped)
