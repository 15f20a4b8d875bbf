"""What every process does while one sample passes: the event model, read as a timeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hlsgen.artefact.slices import SLICES, STATES, add_cycles
from hlsgen.schedule.stream_network.event_nodes import EventNode, last_nodes
from hlsgen.schedule.stream_network.ir import StreamSchedule
from hlsgen.schedule.stream_network.timing import SAMPLES, executed


def activity(plan: StreamSchedule) -> dict[str, Any]:
    """A sample in the steady state, from its first word in to its last word out, as a JSON object.

    ``cycles`` of the whole; ``slice_cycles`` of a slice (the last may be shorter); ``rows``: for each process its ``name``, and for
    each of STATES the cycles of every slice that it spends there: at work on this sample or on its neighbours, waiting for
    words, waiting since its results have no room. A row's cycles sum to the slices'.
    """
    ahead = -(-plan.latency // plan.interval)
    sample = SAMPLES - 1 + ahead
    nodes = executed(plan, sample + ahead + 2)
    begin = min(node.begun[sample * len(node.cycles)] for node in nodes if not node.reads)
    ends = [node.ended[(sample + 1) * len(node.cycles) - 1] for node in last_nodes(nodes)]
    end = max(ends)
    length = -(-max(1, end - begin) // SLICES)
    count = -(-max(1, end - begin) // length)
    rows = []
    for node in nodes[len(plan.dataflow.inputs) + len(plan.dataflow.states) :]:
        row = {state: [0] * count for state in STATES}
        for state, first, last in _spans(node, sample):
            add_cycles(row[state], first - begin, min(last, end) - begin, length)
        rows.append({"name": node.name, **row})
    return {"cycles": end - begin, "slice_cycles": length, "rows": rows}


def _spans(node: EventNode, sample: int) -> Iterator[tuple[str, int, int]]:
    """(state, begin, end) one after the other, from cycle 0 on."""
    held_by, free = node.delay + node.slack, 0
    for n, begin in enumerate(node.begun):
        own, group = divmod(n, len(node.cycles))
        if begin > free:
            is_full = n > 0 and begin == node.ended[n - 1] - held_by
            yield "waits_for_room" if is_full else "waits_for_input", free, begin
        free = begin + node.cycles[group]
        yield "works" if own == sample else "works_on_others", begin, free
