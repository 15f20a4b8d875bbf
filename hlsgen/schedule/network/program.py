"""The words of the load port that run a network: once what is resident, then one program per sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.arch.configuration_words import pack
from hlsgen.arch.fabric import Fabric
from hlsgen.arch.fabric_file import fabric_hash
from hlsgen.arch.program import Hello, Packet, Read, Run, Wait, Write
from hlsgen.schedule.network.border import border
from hlsgen.schedule.network.phase import Preload, element_words
from hlsgen.schedule.network.plan import BANK, NetworkPlan

_SPACE_SHIFT = 28


def setup_packets(plan: NetworkPlan) -> tuple[Packet, ...]:
    """Greets the fabric and loads what stays for all samples."""
    units = _units(plan.fabric)
    return (Hello(fabric_hash(plan.fabric)), *(_preload(units, item) for item in plan.resident))


def phase_packets(plan: NetworkPlan) -> tuple[tuple[Packet, ...], ...]:
    """For every run its configuration, what is loaded for it, and its start. The same for all samples."""
    units = _units(plan.fabric)
    found = []
    for phase in plan.phases:
        packets: list[Packet] = [
            Write(unit, address, tuple(map(int, words)))
            for unit, address, words in pack(plan.fabric, phase.configuration)
        ]
        loads = [_preload(units, item) for item in phase.preloads]
        packets += [Wait(), *loads] if phase.waits else loads
        found.append((*packets, Run()))
    return tuple(found)


def input_packets(plan: NetworkPlan, inputs: Mapping[str, np.ndarray]) -> tuple[Packet, ...]:
    """One sample (channel -> (height, width, channels) integers) written to the west tiles, rows that several need to each."""
    units = _units(plan.fabric)
    tiles = border(plan.fabric).west
    packets: list[Packet] = []
    for name in plan.dataflow.inputs:
        region = plan.regions[name]
        for r, rows in enumerate(region.stored):
            if rows:
                band = inputs[name][rows.start : rows.stop]
                load = Preload(
                    tiles[r].name, BANK, region.base // 4, element_words(band.reshape(-1))
                )
                packets.append(_preload(units, load))
    return tuple(packets)


@dataclass(frozen=True)
class OutputRead:
    """``rows`` of an output are in 32-bit words ``address`` .. of ``unit``'s bank, from element ``skip`` of the first word on."""

    channel: str
    rows: range
    unit: int
    address: int
    count: int
    skip: int


def output_reads(plan: NetworkPlan) -> tuple[OutputRead, ...]:
    """What is read back for every sample, in order."""
    units = _units(plan.fabric)
    tiles = border(plan.fabric).west
    found = []
    for name in plan.dataflow.outputs:
        region = plan.regions[name]
        for r, rows in enumerate(region.owned):
            if rows:
                first = region.address(r, rows.start)
                last = first + len(rows) * region.row_pitch
                count = -(-last // 4) - first // 4
                found.append(
                    OutputRead(name, rows, units[tiles[r].name], first // 4, count, first % 4)
                )
    return tuple(found)


def program(plan: NetworkPlan, samples: Sequence[Mapping[str, np.ndarray]]) -> tuple[Packet, ...]:
    """Everything for some samples one after the other, from HELLO to the last READ."""
    packets = list(setup_packets(plan))
    runs = [packet for phase in phase_packets(plan) for packet in phase]
    reads = [Read(read.unit, read.address, read.count) for read in output_reads(plan)]
    for sample in samples:
        packets += [*input_packets(plan, sample), *runs, *reads]
    return tuple(packets)


def outputs_of(plan: NetworkPlan, unload: np.ndarray, samples: int) -> dict[str, np.ndarray]:
    """The words that the fabric sent back as channel -> (samples, height, width, channels) int64."""
    channels = plan.dataflow.channels
    found = {
        name: np.zeros((samples, *channels[name].shape), dtype=np.int64)
        for name in plan.dataflow.outputs
    }
    position = 0
    for sample in range(samples):
        for read in output_reads(plan):
            words = unload[position : position + read.count].astype("<u4")
            position += read.count
            region = plan.regions[read.channel]
            _, width, depth = region.shape
            taken = words.view(np.uint8)[read.skip :][: len(read.rows) * region.row_pitch]
            element = channels[read.channel].element
            values = taken.view(np.int8) if element.signed else taken
            band = values.reshape(len(read.rows), width, region.pitch)[:, :, :depth]
            found[read.channel][sample, read.rows.start : read.rows.stop] = band
    return found


def _units(fabric: Fabric) -> dict[str, int]:
    cells = fabric.rows * fabric.columns
    return {tile.name: cells + number for number, tile in enumerate(fabric.tiles)}


def _preload(units: Mapping[str, int], item: Preload) -> Write:
    return Write(units[item.tile], (item.space << _SPACE_SHIFT) | item.address, item.words)
