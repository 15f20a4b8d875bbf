"""How samples enter the fabric's tiles and results leave them, apart from the plan: a compiled folder needs no more than this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.fabric.ir import Fabric, MemoryTile
from hlsgen.fabric.packets import Packet, ReadPacket, WritePacket
from hlsgen.fabric.program import bank_elements, bank_words, tile_unit
from hlsgen.schedule.grid_network.border import border
from hlsgen.schedule.grid_network.plan import NetworkPlan


@dataclass(frozen=True)
class Band:
    """``rows`` rows of a channel of sample ``sample`` of a batch, from row ``row`` on, in the bank of unit ``unit`` from element ``first`` on.

    A row has ``width`` pixels of ``depth`` channels, ``pitch`` elements apart. ``signed``: what the bank's elements mean.
    """

    channel: str
    sample: int
    row: int
    rows: int
    unit: int
    first: int
    width: int
    depth: int
    pitch: int
    signed: bool


def input_bands(plan: NetworkPlan) -> tuple[Band, ...]:
    """What is written for every batch, in order; rows that several tiles need to each of them."""
    return _bands(plan, plan.dataflow.inputs, stored=True)


def output_bands(plan: NetworkPlan) -> tuple[Band, ...]:
    """What is read back for every batch, in order."""
    return owned_bands(plan, plan.dataflow.outputs)


def owned_bands(plan: NetworkPlan, channels: Sequence[str]) -> tuple[Band, ...]:
    """Where channels are once they are computed, every row once."""
    return _bands(plan, channels, stored=False)


def _bands(plan: NetworkPlan, channels: Sequence[str], stored: bool) -> tuple[Band, ...]:
    tiles = border(plan.fabric).west
    bands = []
    for name in channels:
        region, element = plan.regions[name], plan.dataflow.channels[name].element
        _, width, depth = region.shape
        for r, rows in enumerate(region.stored if stored else region.owned):
            if rows:
                unit, first = tile_unit(plan.fabric, tiles[r]), region.address(r, rows.start)
                place = (region.sample(r), rows.start, len(rows), unit, first)
                bands.append(Band(name, *place, width, depth, region.pitch, element.signed))
    return tuple(bands)


def input_packets(
    fabric: Fabric, bands: Sequence[Band], batch: Mapping[str, np.ndarray]
) -> tuple[Packet, ...]:
    """A batch (channel -> (samples, height, width, channels) integers) written to its tiles; where it has fewer samples than the
    bands, the last one takes the place of those that lack."""
    packets = []
    for band in bands:
        samples = batch[band.channel]
        sample = samples[min(band.sample, len(samples) - 1)]
        pixels = sample[band.row : band.row + band.rows]
        padded = np.pad(pixels, [(0, 0), (0, 0), (0, band.pitch - band.depth)])
        tile = _tile(fabric, band)
        words = bank_words(tile, padded.reshape(-1))
        packets.append(WritePacket(band.unit, band.first // tile.lanes, words))
    return tuple(packets)


def output_packets(fabric: Fabric, bands: Sequence[Band]) -> tuple[Packet, ...]:
    """The requests for a batch's results."""
    return tuple(
        ReadPacket(band.unit, band.first // _tile(fabric, band).lanes, _words(fabric, band))
        for band in bands
    )


def outputs_of(
    fabric: Fabric, bands: Sequence[Band], unload: np.ndarray, samples: int
) -> dict[str, np.ndarray]:
    """The words that the fabric sent back for so many samples, as channel -> (samples, height, width, channels) int64."""
    outputs, batch = {}, batch_of(bands)
    batches = -(-samples // batch)
    for name in {band.channel: None for band in bands}:
        own = [band for band in bands if band.channel == name]
        shape = (sum(band.rows for band in own) // batch, own[0].width, own[0].depth)
        outputs[name] = np.zeros((batches * batch, *shape), dtype=np.int64)
    position = 0
    for number in range(batches):
        for band in bands:
            sample = number * batch + band.sample
            tile = _tile(fabric, band)
            words = unload[position : position + _words(fabric, band)]
            position += len(words)
            elements = bank_elements(tile, words, band.signed)[band.first % tile.lanes :]
            pixels = elements[: band.rows * band.width * band.pitch]
            pixels = pixels.reshape(band.rows, band.width, band.pitch)[:, :, : band.depth]
            outputs[band.channel][sample, band.row : band.row + band.rows] = pixels
    return {name: array[:samples] for name, array in outputs.items()}


def batch_of(bands: Sequence[Band]) -> int:
    """How many samples a program computes at a time."""
    return 1 + max(band.sample for band in bands)


def result_words(fabric: Fabric, bands: Sequence[Band]) -> int:
    """Words of the load port that a batch's results take."""
    return sum(_words(fabric, band) for band in bands)


def band_from(fields: Mapping[str, Any]) -> Band:
    """A Band from a JSON object with its fields; raises KeyError, TypeError or ValueError."""
    numbers = ("sample", "row", "rows", "unit", "first", "width", "depth", "pitch")
    return Band(
        channel=str(fields["channel"]),
        **{name: int(fields[name]) for name in numbers},
        signed=bool(fields["signed"]),
    )


def _words(fabric: Fabric, band: Band) -> int:
    lanes = _tile(fabric, band).lanes
    last = band.first + band.rows * band.width * band.pitch
    return -(-last // lanes) - band.first // lanes


def _tile(fabric: Fabric, band: Band) -> MemoryTile:
    return fabric.tiles[band.unit - len(fabric.cells)]
