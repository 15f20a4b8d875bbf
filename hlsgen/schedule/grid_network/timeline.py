"""When every run of a batch starts and ends, the load port's work included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.fabric.packets import Packet, RunPacket, WaitPacket, to_words
from hlsgen.rtl_templates.loop_contract import RUN_FILL_CYCLES, RUN_REGISTER_CYCLES
from hlsgen.schedule.grid_network.plan import NetworkPlan


@dataclass(frozen=True)
class Span:
    """Cycles from the start of the batch's first run: the fabric is enabled from ``start`` until before ``end``."""

    start: int
    end: int

    @property
    def cycles(self) -> int:
        return self.end - self.start


def idle_from(plan: NetworkPlan, span: Span) -> int:
    """The first cycle after a run in which no unit is in it, those with registers of their own included."""
    return span.end + (0 if plan.fabric.streams else RUN_REGISTER_CYCLES)


def timeline(plan: NetworkPlan, packets: Sequence[Sequence[Packet]]) -> tuple[Span, ...]:
    """The spans of all runs of a batch, given ``program.phase_packets``, where nothing stalls; as in RTL to the cycle.

    The port takes a word a cycle; after the header of RUN or WAIT it takes none until the run before has ended, and in the cycle of
    the start. The words of the first run are not counted: it waits for the samples anyway.
    """
    spans: list[Span] = []
    port = free = 0  # the cycle of the next word; the first cycle without a run
    for phase, sent in zip(plan.phases, packets, strict=True):
        for packet in sent:
            if spans:
                port += len(to_words((packet,)))
            if isinstance(packet, RunPacket | WaitPacket):
                port = max(port, free) + 1
        start = port + RUN_FILL_CYCLES
        spans.append(Span(start, start + phase.cycles))
        free = idle_from(plan, spans[-1])
    first = spans[0].start - RUN_FILL_CYCLES
    return tuple(Span(span.start - first, span.end - first) for span in spans)
