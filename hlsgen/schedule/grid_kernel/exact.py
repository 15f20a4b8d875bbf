"""Places and times by constraint programming (OR-Tools CP-SAT), for small graphs: starts for the router, and proofs of infeasibility.

The model has every condition that a mapping must keep but those of wires: one operation to a unit and slot, units that can do it,
accumulators of their own, arrays in tiles with room, differences of times at least those of the dependences and of the hops between
cells. Where it has no solution there is no mapping; a solution of it is routed, and repaired, by the heuristic.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

from hlsgen.schedule.grid_kernel.problem import Edge, Problem
from hlsgen.schedule.grid_kernel.resources import Wiring

MOST_OPERATIONS = 35
EFFORT = 20.0
"""Deterministic time (about seconds) of one solution; it makes results independent of the machine."""


@dataclass(frozen=True)
class Infeasible:
    """There is no mapping at this interval."""


@dataclass(frozen=True)
class Unknown:
    """The solver came to no end."""


@dataclass(frozen=True)
class Start:
    """``choices[o]``, ``times[o]``: candidate and cycle of operation o."""

    choices: tuple[int, ...]
    times: tuple[int, ...]


def is_available() -> bool:
    """Whether OR-Tools is installed."""
    return importlib.util.find_spec("ortools") is not None


def solve(
    problem: Problem, wires: Wiring, ii: int, horizon: int, seed: int
) -> Infeasible | Unknown | Start:
    """A start for the heuristic at an interval, of times below ``horizon``, or the proof that there is no mapping of such times."""
    from ortools.sat.python import cp_model

    model = _Model(problem, wires, ii, horizon, cp_model.CpModel())
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.max_deterministic_time = EFFORT
    status = solver.solve(model.model)
    if status == cp_model.INFEASIBLE:
        return Infeasible()
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Unknown()
    return Start(
        tuple(
            next(k for k, chosen in enumerate(placed) if solver.value(chosen))
            for placed in model.placed
        ),
        tuple(solver.value(time) for time in model.times),
    )


class _Model:
    """``placed[o][k]``: operation o starts at its candidate k; ``times[o]``: in this cycle."""

    def __init__(self, problem: Problem, wires: Wiring, ii: int, horizon: int, model: Any) -> None:
        self.problem, self.wires, self.ii, self.model = problem, wires, ii, model
        stages = -(-horizon // ii)
        self.placed: list[list[Any]] = []
        self.times: list[Any] = []
        starts: dict[tuple[int, int], list[Any]] = {}
        for operation, candidates in enumerate(problem.candidates):
            stage = model.new_int_var(0, stages - 1, f"stage_{operation}")
            slots, placed = [], []
            time = ii * stage
            cells = {
                (k, slot): model.new_bool_var("")
                for k in range(len(candidates.units))
                for slot in range(ii)
            }
            model.add_exactly_one(cells.values())
            for (k, slot), chosen in cells.items():
                starts.setdefault((int(candidates.units[k]), slot), []).append(chosen)
                slots.append(slot * chosen)
            for k in range(len(candidates.units)):
                here = model.new_bool_var(f"placed_{operation}_{k}")
                model.add(here == sum(cells[k, slot] for slot in range(ii)))
                placed.append(here)
            self.placed.append(placed)
            self.times.append(time + sum(slots))
        for time in self.times:
            model.add(time < horizon)
        for sharing in starts.values():
            model.add_at_most_one(sharing)
        for edge in problem.edges:
            self._hops(edge)
        for before, after, distance, delay in problem.orders:
            model.add(self.times[after] + distance * ii >= self.times[before] + delay)
        self._accumulators()
        self._arrays()

    def _hops(self, edge: Edge) -> None:
        """A word takes a cycle a hop, and one in a register where operands do not see it at once."""
        model, problem = self.model, self.problem
        producers, consumers = (problem.candidates[end] for end in (edge.producer, edge.consumer))
        gap = self.times[edge.consumer] + edge.distance * self.ii - self.times[edge.producer]
        least = int(producers.delay.min())
        model.add(gap >= least)
        for k, near in enumerate(producers.cells):
            for j, far in enumerate(consumers.cells):
                hops = int(self.wires.hops[near, far])
                need = max(int(producers.delay[k]), int(producers.visible[k]) + hops)
                if (edge.producer == edge.consumer and k != j) or need <= least:
                    continue
                both = (self.placed[edge.producer][k], self.placed[edge.consumer][j])
                model.add(gap >= need).only_enforce_if(*both)

    def _accumulators(self) -> None:
        by_unit: dict[int, list[Any]] = {}
        for operation in self.problem.accumulators:
            for k, unit in enumerate(self.problem.candidates[operation].units):
                by_unit.setdefault(int(unit), []).append(self.placed[operation][k])
        for sharing in by_unit.values():
            self.model.add_at_most_one(sharing)

    def _arrays(self) -> None:
        """Every array in the tiles of its accesses, in one where it must be; no more words than a tile has."""
        model, problem = self.model, self.problem
        here: dict[tuple[str, int], Any] = {}
        for number, operation in enumerate(problem.graph.operations):
            if operation.array is None:
                continue
            for k, unit in enumerate(problem.candidates[number].units):
                tile = problem.tile_of(int(unit))
                assert tile is not None
                held = here.setdefault((operation.array, tile), model.new_bool_var(""))
                model.add_implication(self.placed[number][k], held)
        for name in problem.arrays:
            tiles = [held for (array, _), held in here.items() if array == name]
            if tiles and problem.in_one_tile(name):
                model.add_exactly_one(tiles)
        for number, bank in enumerate(problem.tiles):
            words = [problem.arrays[a].size * held for (a, t), held in here.items() if t == number]
            if words:
                model.add(sum(words) <= bank.words)
