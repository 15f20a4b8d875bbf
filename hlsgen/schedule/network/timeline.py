"""When every run of a sample starts and ends, the load port's work included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.arch.program import Packet, Run, Wait, to_words
from hlsgen.schedule.network.plan import NetworkPlan


@dataclass(frozen=True)
class Span:
    """Cycles from the acceptance of the first run's RUN: the run is in progress from ``start`` until before ``end``."""

    start: int
    end: int

    @property
    def cycles(self) -> int:
        return self.end - self.start


def timeline(plan: NetworkPlan, packets: Sequence[Sequence[Packet]]) -> tuple[Span, ...]:
    """The spans of all runs of a sample, given ``program.phase_packets``: the port takes a word a cycle, except that RUN and WAIT
    stay until the run before has ended. The words of the first run are not counted: it waits for the sample anyway."""
    spans: list[Span] = []
    port = end = 0
    for phase, items in zip(plan.phases, packets, strict=True):
        for packet in items:
            if isinstance(packet, Run | Wait) and spans:
                port = max(port, end)
            if not spans and not isinstance(packet, Run):
                continue
            port += len(to_words((packet,)))
        start = port
        end = start + phase.cycles
        spans.append(Span(start, end))
    first = spans[0].start
    return tuple(Span(span.start - first, span.end - first) for span in spans)
