"""The packets of the load port that run a network: once what is resident, then the same runs for every batch."""

from __future__ import annotations

from hlsgen.errors import DoesNotFit
from hlsgen.fabric.configuration_packing import pack
from hlsgen.fabric.packets import Packet, RunPacket, WaitPacket, WritePacket
from hlsgen.fabric.program import hello
from hlsgen.schedule.grid_network.finish import STREAM
from hlsgen.schedule.grid_network.phase import Phase
from hlsgen.schedule.grid_network.plan import NetworkPlan
from hlsgen.schedule.grid_network.ports import (
    output_bands,
    output_packets,
    owned_bands,
)


def setup_packets(plan: NetworkPlan) -> tuple[Packet, ...]:
    """Greets the fabric and loads what stays for all samples."""
    return (hello(plan.fabric), *plan.resident)


def phase_packets(plan: NetworkPlan) -> tuple[tuple[Packet, ...], ...]:
    """For every run its configuration, what is loaded for it, and its start."""
    runs: list[tuple[Packet, ...]] = []
    for phase in plan.phases:
        waits = (WaitPacket(),) if phase.waits else ()
        runs.append((*_configure(plan, phase), *waits, *phase.preloads, RunPacket()))
    return tuple(runs)


def _configure(plan: NetworkPlan, phase: Phase) -> tuple[WritePacket, ...]:
    """The configuration of a run; raises DoesNotFit, naming its process, where the fabric's counters are too small for it."""
    try:
        return pack(plan.fabric, phase.configuration)
    except DoesNotFit as error:
        raise DoesNotFit(
            f"process {phase.process} on {error.where}",
            error.problem,
            f"Use a fabric with more bits for it. {STREAM}",
        ) from None


def sample_packets(plan: NetworkPlan) -> tuple[Packet, ...]:
    """All runs of a batch, and the requests for its results."""
    runs = [packet for packets in phase_packets(plan) for packet in packets]
    return (*runs, *output_packets(plan.fabric, output_bands(plan)))


def watched_packets(plan: NetworkPlan) -> tuple[Packet, ...]:
    """All runs of a batch, with the requests for each process's results after its last run."""
    last = {phase.process: number for number, phase in enumerate(plan.phases)}
    channels = {process.name: process.write.channel for process in plan.dataflow.processes}
    packets: list[Packet] = []
    for number, (phase, run) in enumerate(zip(plan.phases, phase_packets(plan), strict=True)):
        packets += run
        if last[phase.process] == number:
            bands = owned_bands(plan, [channels[phase.process]])
            packets += [WaitPacket(), *output_packets(plan.fabric, bands)]
    return tuple(packets)
