"""The ``stream`` schedule of a loop graph: a fixed pipeline in which every operation has a unit and every array a memory of its own.

Nothing is shared but the write port of an array, so the initiation interval is the larger of the recurrence bound and the
stores of one array. Start times are those that need the fewest delay registers: a linear programme whose matrix is a
network matrix, so that its optimum is integral (Leiserson & Saxe, "Retiming synchronous circuitry", 1991, section 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from hlsgen.errors import DoesNotFit, IllegalGraph
from hlsgen.loops.ir import LoopGraph, Operation, Order, Value
from hlsgen.rtl_templates.loop_contract import LOOP_LATENCIES

MARGIN = 64
"""Intervals above the recurrence bound that are tried before giving up."""


def latency(operation: Operation) -> int:
    """Cycles from the issue of an operation to the first cycle in which its value can be an operand."""
    return LOOP_LATENCIES[operation.operator]


@dataclass(frozen=True)
class PipelineSchedule:
    """``times[operation]``: the cycle of issue in iteration 0; iteration n is ``ii`` * n later."""

    graph: LoopGraph
    ii: int
    recurrence: int
    write_ports: int
    times: Mapping[str, int]

    @property
    def length(self) -> int:
        """Cycles from the first issue of an iteration until its last value is there."""
        return max(
            self.times[operation.name] + latency(operation) for operation in self.graph.operations
        )

    @property
    def cycles(self) -> int:
        """Cycles of a whole run."""
        return (self.graph.iterations - 1) * self.ii + self.length


def schedule_pipeline(graph: LoopGraph) -> PipelineSchedule:
    """The pipeline with the smallest interval, and of those the one with the fewest delay registers.

    Raises DoesNotFit where stores of one array cannot be told apart at any interval up to MARGIN above the bound, and
    IllegalGraph where the graph has a cycle of distance 0.
    """
    constraints = tuple(_constraints(graph))
    recurrence = _recurrence_bound(graph, constraints)
    ports = max((len(group) for group in _stores(graph)), default=1)
    least = max(recurrence, ports)
    for ii in range(least, least + MARGIN):
        times = _fewest_registers(graph, constraints, ii)
        if times is not None:
            result = PipelineSchedule(graph, ii, recurrence, ports, times)
            check_pipeline(result)
            return result
    raise DoesNotFit(
        f"{graph.name}, schedule stream",
        f"expected an interval of {least} to {least + MARGIN - 1} at which the stores of every array take turns, found none",
        "Write the array in fewer places, or split the kernel.",
    )


def check_pipeline(plan: PipelineSchedule) -> None:
    """Raise IllegalGraph where a value is read before it is there, an order is broken or a write port is taken twice."""
    graph, times = plan.graph, plan.times
    if set(times) != {operation.name for operation in graph.operations} or min(times.values()) < 0:
        raise _illegal(graph, "a time >= 0 for every operation", str(dict(times)))
    for constraint in _constraints(graph):
        earliest = times[constraint.before] + constraint.delay - constraint.distance * plan.ii
        if times[constraint.after] < earliest:
            raise _illegal(
                graph, f"{constraint.after} at {earliest} or later", str(times[constraint.after])
            )
    for group in _stores(graph):
        slots = [times[name] % plan.ii for name in group]
        if len(set(slots)) != len(slots):
            raise _illegal(graph, f"different slots for the stores {group}", str(slots))


def _illegal(graph: LoopGraph, expected: str, found: str) -> IllegalGraph:
    return IllegalGraph(
        f"{graph.name}, schedule stream", f"expected {expected}, found {found}", "Report this."
    )


def _constraints(graph: LoopGraph) -> Iterator[Order]:
    """What values and orders demand of start times."""
    by_name = {operation.name: operation for operation in graph.operations}
    for operation in graph.operations:
        for value in operation.values:
            producer = by_name[value.operation]
            yield Order(producer.name, operation.name, value.distance, latency(producer))
    yield from graph.orders


def _stores(graph: LoopGraph) -> list[list[str]]:
    """The names of the stores of each array that is written."""
    groups: dict[str, list[str]] = {}
    for operation in graph.operations:
        if operation.operator == "store":
            groups.setdefault(str(operation.array), []).append(operation.name)
    return list(groups.values())


def _recurrence_bound(graph: LoopGraph, constraints: tuple[Order, ...]) -> int:
    """The smallest interval without a cycle of positive delay, by bisection over Bellman-Ford."""
    high = 1 + sum(max(0, constraint.delay) for constraint in constraints)
    if _earliest(graph, constraints, high) is None:
        raise IllegalGraph(
            graph.name,
            "expected every cycle of dependences to cross an iteration, found one that does not",
            "Break the cycle, or give one of its edges a distance.",
        )
    low = 1
    while low < high:
        middle = (low + high) // 2
        if _earliest(graph, constraints, middle) is None:
            low = middle + 1
        else:
            high = middle
    return low


def _earliest(graph: LoopGraph, constraints: tuple[Order, ...], ii: int) -> dict[str, int] | None:
    """Earliest start times, None where a cycle of constraints has positive length."""
    times = {operation.name: 0 for operation in graph.operations}
    for _ in range(len(times) + 1):
        moved = False
        for constraint in constraints:
            bound = times[constraint.before] + constraint.delay - constraint.distance * ii
            if times[constraint.after] < bound:
                times[constraint.after], moved = bound, True
        if not moved:
            return times
    return None


def _fewest_registers(
    graph: LoopGraph, constraints: tuple[Order, ...], ii: int
) -> dict[str, int] | None:
    """Start times that minimise the sum over values of the longest delay, None where there are none.

    Stores of one array take turns in the order of their earliest times: each at least a cycle after the one before,
    the last less than ``ii`` after the first.
    """
    earliest = _earliest(graph, constraints, ii)
    if earliest is None:
        return None
    extra = []
    for group in _stores(graph):
        turn = sorted(group, key=lambda name: (earliest[name], name))
        extra += [Order(a, b, 0, 1) for a, b in pairwise(turn)]
        if len(turn) > 1:
            extra.append(Order(turn[-1], turn[0], 1, 1))
    everything = (*constraints, *extra)
    if _earliest(graph, everything, ii) is None:
        return None
    return _solve(graph, everything, ii)


def _solve(graph: LoopGraph, constraints: tuple[Order, ...], ii: int) -> dict[str, int]:
    """The linear programme: a column per start time, and one per value for its longest delay."""
    import numpy as np
    from scipy.optimize import linprog

    names = [operation.name for operation in graph.operations]
    column = {name: k for k, name in enumerate(names)}
    rows: list[np.ndarray] = []
    bounds: list[int] = []

    def at_least(after: int, before: int, delay: int, slack: int | None = None) -> None:
        row = np.zeros(2 * len(names))
        row[after] -= 1
        row[before] += 1
        if slack is not None:
            row[slack] -= 1
        rows.append(row)
        bounds.append(-delay)

    for constraint in constraints:
        if constraint.before != constraint.after:
            delay = constraint.delay - constraint.distance * ii
            at_least(column[constraint.after], column[constraint.before], delay)
    for operation in graph.operations:
        for value in operation.values:
            if value.operation != operation.name:
                # longest delay >= time[consumer] + distance * interval - time[producer]
                here, there = column[operation.name], column[value.operation]
                longest = len(names) + there
                at_least(there, here, value.distance * ii, longest)
    cost = np.concatenate([np.full(len(names), 1e-3), np.ones(len(names))])
    solution = linprog(cost, A_ub=np.array(rows), b_ub=bounds) if rows else None
    starts = np.zeros(len(names)) if solution is None else solution.x[: len(names)]
    times = {name: round(float(starts[column[name]])) for name in names}
    first = min(times.values())
    return {name: time - first for name, time in times.items()}


def value_delay(plan: PipelineSchedule, consumer: str, value: Value) -> int:
    """Registers between a value's first cycle and the cycle in which ``consumer`` reads it."""
    producer = plan.graph.operation(value.operation)
    there = plan.times[value.operation] + latency(producer)
    return plan.times[consumer] + value.distance * plan.ii - there
