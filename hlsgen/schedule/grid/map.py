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
from hlsgen.schedule.grid.resources import wiring
from hlsgen.schedule.grid.result import Outcome, to_mapping

MOVES = 1500
"""Moves of one attempt, for graphs of up to SMALL operations; in proportion for larger ones."""
SMALL = 30
ATTEMPTS = 8


def map_graph(
    graph: LoopGraph,
    fabric: Fabric,
    seed: int = 0,
    time_limit: float = 100.0,
    exact: bool = True,
    homes: Mapping[str, str] | None = None,
) -> GridMapping:
    """The mapping of ``graph`` with the smallest interval found.

    Intervals are tried from the lower bound on, each ATTEMPTS times from different seeds. After ``time_limit`` seconds an
    interval is given up, and every larger one tried once: the result depends on nothing but the seed while time is left.
    """
    started = time.monotonic()
    check(graph)
    problem = Problem(graph, fabric, homes or {})
    lower = bounds_of(problem)
    wires = wiring(fabric)
    stopped = ""
    for interval in range(lower.interval, fabric.contexts + 1):
        least = spread(problem, interval)
        if least is None:
            continue
        longest = int(np.maximum(least, 0).max())
        horizon = min(fabric.stages * interval, longest * 3 // 2 + 2 * interval + 8)
        for attempt in range(ATTEMPTS):
            partial = Partial(problem, wires, least, interval, horizon)
            moves = MOVES * max(1, problem.count // SMALL)
            if search(partial, ATTEMPTS * seed + attempt, moves):
                seconds = time.monotonic() - started
                proved = interval == lower.interval
                mapping = to_mapping(partial, Outcome(lower, proved, stopped, seconds, seed))
                check_mapping(mapping)
                return mapping
            if time.monotonic() - started > time_limit:
                stopped = f"time ran out at interval {interval} after {time_limit:g} s"
                break
        else:
            stopped = f"no mapping found at interval {interval} in {ATTEMPTS} attempts"
    raise DoesNotFit(
        f"loop graph {graph.name}",
        f"expected a mapping on fabric {fabric.name} in at most {fabric.contexts} contexts,"
        f" found none from interval {lower.interval} on",
        "Use a larger fabric.",
    )
