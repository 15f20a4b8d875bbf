"""From a Dataflow to the runs of a fabric, with everything placed in its tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np

from hlsgen.algebra.packets import PARAMETER_WORDS
from hlsgen.algebra.types import wrap
from hlsgen.dataflow.ir import Dataflow, Process
from hlsgen.errors import BadOption, DoesNotFit
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric, MemoryTile
from hlsgen.fabric.packets import WritePacket
from hlsgen.fabric.program import bank_words, tile_unit, write_parameters
from hlsgen.schedule.grid_network.border import Border, border
from hlsgen.schedule.grid_network.column import column_configuration
from hlsgen.schedule.grid_network.copies import copy_configurations
from hlsgen.schedule.grid_network.layers import (
    Chunk,
    Layer,
    chunk_parameters,
    chunks,
    layer,
    stored_weights,
)
from hlsgen.schedule.grid_network.matrix import matrix_configuration
from hlsgen.schedule.grid_network.memory import (
    Lifetime,
    Stored,
    highest,
    loaded,
    place_by_lifetime,
    store_blocks,
)
from hlsgen.schedule.grid_network.nest import weights_of_columns
from hlsgen.schedule.grid_network.phase import Phase, RunWork
from hlsgen.schedule.grid_network.regions import Region, bands, needed_rows, union

_SPLITS = 4
"""Runs with at most a whole tile's, a half, a quarter, an eighth of weights (and of parameter rows) are tried."""


@dataclass(frozen=True, eq=False)
class NetworkPlan:
    """``regions``: channel -> where it is; ``phases`` of a batch of ``samples`` samples, in order; ``resident``: what is loaded once for all samples.
    ``weights``, ``parameters``: the blocks in the north tiles, and in the west tiles' parameter rows. ``west_used``: elements of the fullest
    west tile."""

    fabric: Fabric
    dataflow: Dataflow
    regions: Mapping[str, Region]
    phases: tuple[Phase, ...]
    resident: tuple[WritePacket, ...]
    weights: Stored
    parameters: Stored
    west_used: int
    samples: int


@dataclass(frozen=True, eq=False)
class _Placed:
    """``regions``: of the channels; ``tables``: a table (the result for every byte) -> its first element in every west tile; ``used`` elements in all."""

    regions: Mapping[str, Region]
    tables: Mapping[tuple[int, ...], int]
    used: int


@dataclass(frozen=True, eq=False)
class _Part:
    layer: Layer
    chunk: Chunk
    weights: np.ndarray | None
    parameters: np.ndarray


def plan_network(fabric: Fabric, dataflow: Dataflow, samples: int = 1) -> NetworkPlan:
    """The runs that compute ``samples`` samples of ``dataflow`` at a time, each on as many rows of the fabric: every weight is read once for
    all of them. Raises UnsupportedOp for a process that no template computes or a fabric that cannot run networks, DoesNotFit where a
    tile is too small, BadOption where the samples do not share the rows."""
    sides = border(fabric)
    _check_samples(fabric, samples)
    layers = tuple(layer(fabric, sides, dataflow, process) for process in dataflow.processes)
    placed = _placed(fabric, sides, dataflow, layers, samples)
    regions = placed.regions
    where = f"network {dataflow.name} on fabric {fabric.name}"
    parts, weights, rows = _stored_parts(layers, sides, where)
    phases: list[Phase] = []
    resident = _table_writes(fabric, sides, placed.tables)
    copied = set(dataflow.inputs)
    for number, part in enumerate(parts):
        process = part.layer.process
        places = weights.addresses[number], rows.addresses[number]
        computing = [
            tile
            for tile, band in zip(sides.west, regions[process.write.channel].owned, strict=True)
            if band
        ]
        loads: list[WritePacket] = []
        (resident if weights.resident[number] else loads).extend(
            _weight_writes(fabric, sides, part, places[0])
        )
        (resident if rows.resident[number] else loads).extend(
            _parameter_writes(fabric, computing, part, places[1])
        )
        work = _phases(fabric, sides, dataflow, placed, part, places, copied)
        waits = weights.waits[number] or rows.waits[number]
        phases += [replace(work[0], preloads=tuple(loads), waits=waits), *work[1:]]
    return NetworkPlan(
        fabric,
        dataflow,
        regions,
        tuple(phases),
        tuple(resident),
        weights,
        rows,
        placed.used,
        samples,
    )


def _check_samples(fabric: Fabric, samples: int) -> None:
    shares = [n for n in range(1, fabric.rows + 1) if fabric.rows % n == 0]
    if samples not in shares:
        raise BadOption(
            "--batch",
            f"expected samples that share the {fabric.rows} rows of fabric {fabric.name} evenly"
            f" ({', '.join(map(str, shares))}), found {samples}",
            "Choose one of these.",
        )


def _phases(
    fabric: Fabric,
    sides: Border,
    dataflow: Dataflow,
    placed: _Placed,
    part: _Part,
    places: tuple[int, int],
    copied: set[str],
) -> list[Phase]:
    """The runs of a part: the rows of its sources that are not ``copied`` yet to where they are needed, then the layer."""
    process, hash = part.layer.process, fabric_hash(fabric)
    copies = []
    for read in process.reads:
        if read.source in dataflow.channels and read.source not in copied:
            copied.add(read.source)
            runs = copy_configurations(fabric, hash, sides, placed.regions[read.source])
            copies += [Phase(process.name, "copy", run, 0) for run in runs]
    work = _work(dataflow, placed, part, *places, sides.bits)
    template = column_configuration if part.layer.reduction is None else matrix_configuration
    configuration = template(fabric, hash, sides, work)
    macs = _macs(part) * placed.regions[process.write.channel].samples
    return [*copies, Phase(process.name, "compute", configuration, macs)]


def _placed(
    fabric: Fabric, sides: Border, dataflow: Dataflow, layers: Sequence[Layer], samples: int
) -> _Placed:
    """Every channel placed in the west tiles by its lifetime, and every table for all time."""
    surplus = {layer.process.write.channel: layer.surplus for layer in layers}
    regions: dict[str, Region] = {}
    lives: list[Lifetime] = []
    for name, channel in dataflow.channels.items():
        owned = bands(channel.shape[0], fabric.rows, samples)
        stored, last = list(owned), 0
        for step, planned in enumerate(layers):
            for k, read in enumerate(planned.process.reads):
                if read.source != name:
                    continue
                last = step
                for r, computed in enumerate(_computed(fabric, dataflow, planned, samples)):
                    need = needed_rows(planned.process, k, computed, channel.shape[0])
                    stored[r] = union(stored[r], need)
        first = next((s for s, i in enumerate(layers) if i.process.write.channel == name), 0)
        last = len(layers) if name in dataflow.outputs else max(first, last)
        pitch = channel.shape[2] + surplus.get(name, 0)
        regions[name] = Region(
            name, channel.shape, pitch, owned, tuple(stored), sides.lanes, samples
        )
        lives.append(Lifetime(name, regions[name].size, first, last))
    tables = {layer.finishing.table: f"table {layer.process.name}" for layer in layers}
    lives += [
        Lifetime(name, len(values), 0, len(layers)) for values, name in tables.items() if values
    ]
    addresses = place_by_lifetime(lives, sides.west_words)
    if (taken := highest(lives, addresses)) > sides.west_words:
        largest = max(lives, key=lambda life: life.size)
        raise DoesNotFit(
            f"network {dataflow.name} on fabric {fabric.name}",
            f"expected activations of at most {sides.west_words} elements in a west tile, found {taken} "
            f"({taken - sides.west_words} too many; the largest tensor, {largest.name}, takes {largest.size})",
            "Use a fabric with more rows or larger west tiles, "
            + ("a smaller --batch, " if samples > 1 else "")
            + "or --schedule stream.",
        )
    return _Placed(
        {name: replace(region, base=addresses[name]) for name, region in regions.items()},
        {values: addresses[name] for values, name in tables.items() if values},
        taken,
    )


def _computed(fabric: Fabric, dataflow: Dataflow, layer: Layer, samples: int) -> tuple[range, ...]:
    """The trips of loop y that each row of the array computes."""
    process: Process = layer.process
    if layer.banded:
        height = dataflow.channels[process.write.channel].shape[0]
        return bands(height, fabric.rows, samples)
    return (range(process.extent("y")), *(range(0),) * (fabric.rows // samples - 1)) * samples


def _stored_parts(
    layers: Sequence[Layer], sides: Border, where: str
) -> tuple[tuple[_Part, ...], Stored, Stored]:
    """The layers in runs such that the fewest words are loaded for every sample, and among equals in the fewest runs."""
    best: tuple[int, tuple[_Part, ...], Stored, Stored] | None = None
    for weight_split, row_split in product(range(_SPLITS), repeat=2):
        parts = _cut(
            layers,
            (sides.north_words >> weight_split) // sides.lanes * sides.lanes,
            sides.parameters >> row_split,
        )
        sizes = [stored_weights(part.weights, sides.lanes) for part in parts]
        counts = [len(part.parameters) for part in parts]
        weights = store_blocks(sizes, sides.north_words, "weights", where)
        rows = store_blocks(counts, sides.parameters, "parameter rows", where)
        words = loaded(sizes, weights) // sides.lanes * len(sides.north)
        words += loaded(counts, rows) * PARAMETER_WORDS * len(sides.west)
        if best is None or (words, len(parts)) < (best[0], len(best[1])):
            best = words, parts, weights, rows
        if words == 0:
            break
    assert best is not None
    return best[1:]


def _cut(layers: Sequence[Layer], weight_limit: int, parameter_limit: int) -> tuple[_Part, ...]:
    return tuple(
        _Part(layer, chunk, weights_of_columns(layer, chunk), chunk_parameters(layer, chunk))
        for layer in layers
        for chunk in chunks(layer, weight_limit, parameter_limit)
    )


def _weight_writes(fabric: Fabric, sides: Border, part: _Part, first: int) -> list[WritePacket]:
    if part.weights is None:
        return []
    return [
        WritePacket(tile_unit(fabric, tile), first // tile.lanes, bank_words(tile, column))
        for tile, column in zip(sides.north, part.weights, strict=False)
    ]


def _parameter_writes(
    fabric: Fabric, computing: Sequence[MemoryTile], part: _Part, first: int
) -> list[WritePacket]:
    """The same rows for all ``computing`` tiles."""
    if not len(part.parameters):
        return []
    rows = [(int(bias), int(factor), int(added)) for bias, factor, added in part.parameters]
    return [write_parameters(fabric, tile, first, rows) for tile in computing]


def _table_writes(
    fabric: Fabric, sides: Border, tables: Mapping[tuple[int, ...], int]
) -> list[WritePacket]:
    """Every table for every west tile."""
    return [
        WritePacket(tile_unit(fabric, tile), first // tile.lanes, bank_words(tile, values))
        for values, first in tables.items()
        for tile in sides.west
    ]


def _work(
    dataflow: Dataflow, placed: _Placed, part: _Part, weights: int, parameter: int, bits: int
) -> RunWork:
    process = part.layer.process
    reads = [read for read in process.reads if read.source in dataflow.channels]
    return RunWork(
        part.layer,
        part.chunk,
        tuple(placed.regions[read.source] for read in reads),
        placed.regions[process.write.channel],
        tuple(dataflow.channels[read.source].element.signed for read in reads),
        wrap(reads[0].outside or 0, bits),
        weights,
        parameter,
        placed.tables.get(part.layer.finishing.table or (), 0),
    )


def _macs(part: _Part) -> int:
    """Products with weights in one sample; surplus trips and channels do not count."""
    if part.layer.weights is None:
        return 0
    extents = {loop.name: loop.extent for loop in part.layer.process.loops}
    extents |= {"g": len(part.chunk.groups), "o": len(part.chunk.outputs)}
    return prod(extents.values())
