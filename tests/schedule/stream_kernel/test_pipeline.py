"""The fixed pipeline of a loop graph: intervals, start times, and what the checker refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.example_graphs import fir, histogram, two_stores

from hlsgen.errors import IllegalGraph
from hlsgen.loops.ir import Constant, Operation, Value
from hlsgen.schedule.stream_kernel.pipeline import check_pipeline, schedule_pipeline, value_delay


def test_a_reduction_starts_an_iteration_every_cycle() -> None:
    plan = schedule_pipeline(fir())
    assert (plan.ii, plan.recurrence, plan.write_ports) == (1, 1, 1)
    assert plan.cycles == 19 + plan.length


def test_a_read_modify_write_is_bounded_by_its_recurrence() -> None:
    plan = schedule_pipeline(histogram())
    assert (plan.ii, plan.recurrence) == (3, 3)  # load, add, store


def test_stores_of_one_array_take_turns() -> None:
    plan = schedule_pipeline(two_stores())
    assert plan.ii == plan.write_ports == 2
    assert (plan.times["even"] - plan.times["odd"]) % 2 == 1


def test_values_are_fetched_no_earlier_than_their_consumer_needs_them() -> None:
    plan = schedule_pipeline(histogram())
    waits = [
        value_delay(plan, operation.name, value)
        for operation in plan.graph.operations
        for value in operation.values
    ]
    assert min(waits) == 0 and sum(waits) <= 2  # the index waits for the new count, nothing else


@pytest.mark.parametrize(
    ("graph", "operation", "change"),
    [
        (fir, "sum", -1),  # read before it is there
        (histogram, "old", 1),  # later than the store of the iteration before allows
        (two_stores, "odd", 1),  # both stores in one slot
    ],
)
def test_a_broken_schedule_is_refused(graph, operation: str, change: int) -> None:
    plan = schedule_pipeline(graph())
    times = dict(plan.times)
    if operation == "odd":
        times["odd"] = times["even"]
    else:
        times[operation] += change
    with pytest.raises(IllegalGraph):
        check_pipeline(replace(plan, times=times))


def test_a_cycle_within_an_iteration_is_refused() -> None:
    graph = replace(
        fir(),
        operations=(
            Operation("a", "add", (Value("b"), Constant(1))),
            Operation("b", "add", (Value("a"), Constant(1))),
        ),
    )
    with pytest.raises(IllegalGraph, match="cross an iteration"):
        schedule_pipeline(graph)
