"""The packets of the load port that run a network: once what is resident, then the same runs for every sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.arch.fabric import MemoryTile
from hlsgen.arch.program import (
    Packet,
    Read,
    Run,
    Wait,
    Write,
    bank_elements,
    bank_words,
    configure,
    hello,
    tile_unit,
)
from hlsgen.schedule.network.border import border
from hlsgen.schedule.network.plan import NetworkPlan


def setup_packets(plan: NetworkPlan) -> tuple[Packet, ...]:
    """Greets the fabric and loads what stays for all samples."""
    return (hello(plan.fabric), *plan.resident)


def phase_packets(plan: NetworkPlan) -> tuple[tuple[Packet, ...], ...]:
    """For every run its configuration, what is loaded for it, and its start."""
    found: list[tuple[Packet, ...]] = []
    for phase in plan.phases:
        waits = (Wait(),) if phase.waits else ()
        configuration = configure(plan.fabric, phase.configuration)
        found.append((*configuration, *waits, *phase.preloads, Run()))
    return tuple(found)


@dataclass(frozen=True)
class Band:
    """``rows`` of a channel in a tile's bank from element ``first`` on; pixels are ``pitch`` elements apart."""

    channel: str
    rows: range
    tile: MemoryTile
    unit: int
    first: int
    pitch: int
    width: int

    @property
    def address(self) -> int:
        """The 32-bit word with the first element."""
        return self.first // 4

    @property
    def count(self) -> int:
        """32-bit words that hold the band."""
        last = self.first + len(self.rows) * self.width * self.pitch
        return -(-last // 4) - self.address


def input_bands(plan: NetworkPlan) -> tuple[Band, ...]:
    """What is written for every sample, in order; rows that several tiles need to each of them."""
    return _bands(plan, plan.dataflow.inputs, stored=True)


def output_bands(plan: NetworkPlan) -> tuple[Band, ...]:
    """What is read back for every sample, in order."""
    return _bands(plan, plan.dataflow.outputs, stored=False)


def _bands(plan: NetworkPlan, channels: Sequence[str], stored: bool) -> tuple[Band, ...]:
    tiles = border(plan.fabric).west
    found = []
    for name in channels:
        region = plan.regions[name]
        for r, rows in enumerate(region.stored if stored else region.owned):
            if rows:
                unit = tile_unit(plan.fabric, tiles[r])
                first = region.address(r, rows.start)
                found.append(Band(name, rows, tiles[r], unit, first, region.pitch, region.shape[1]))
    return tuple(found)


def input_packets(bands: Sequence[Band], sample: Mapping[str, np.ndarray]) -> tuple[Packet, ...]:
    """One sample (channel -> (height, width, channels) integers) written to its tiles."""
    return tuple(
        Write(
            band.unit,
            band.address,
            bank_words(
                band.tile, sample[band.channel][band.rows.start : band.rows.stop].reshape(-1)
            ),
        )
        for band in bands
    )


def output_packets(bands: Sequence[Band]) -> tuple[Packet, ...]:
    """The requests for one sample's results."""
    return tuple(Read(band.unit, band.address, band.count) for band in bands)


def outputs_of(plan: NetworkPlan, unload: np.ndarray, samples: int) -> dict[str, np.ndarray]:
    """The words that the fabric sent back as channel -> (samples, height, width, channels) int64."""
    channels = plan.dataflow.channels
    found = {
        name: np.zeros((samples, *channels[name].shape), dtype=np.int64)
        for name in plan.dataflow.outputs
    }
    position = 0
    for sample in range(samples):
        for band in output_bands(plan):
            words = unload[position : position + band.count]
            position += band.count
            signed = channels[band.channel].element.signed
            elements = bank_elements(band.tile, words, signed)[band.first % 4 :]
            shape = (len(band.rows), band.width, band.pitch)
            pixels = elements[: int(np.prod(shape))].reshape(shape)
            depth = channels[band.channel].shape[2]
            found[band.channel][sample, band.rows.start : band.rows.stop] = pixels[:, :, :depth]
    return found


def program(plan: NetworkPlan, samples: Sequence[Mapping[str, np.ndarray]]) -> tuple[Packet, ...]:
    """Everything for some samples one after the other, from HELLO to the last READ."""
    runs = [packet for packets in phase_packets(plan) for packet in packets]
    reads = output_packets(output_bands(plan))
    bands = input_bands(plan)
    found = list(setup_packets(plan))
    for sample in samples:
        found += [*input_packets(bands, sample), *runs, *reads]
    return tuple(found)
