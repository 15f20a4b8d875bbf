"""What makes a configuration illegal beyond values that do not fit into their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from hlsgen.algebra.modes import NETWORK_READ_MODES, NETWORK_WRITE_MODES
from hlsgen.errors import DoesNotFit, IllegalGraph
from hlsgen.fabric.configuration import (
    LINES,
    Configuration,
    Generator,
    ReadContext,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric


def check_configuration(fabric: Fabric, configuration: Configuration) -> None:
    """Raise IllegalGraph or DoesNotFit where the fabric cannot be told this, or where what it then does is not specified."""
    _check_header(fabric, configuration)
    interval = configuration.interval
    for cell, contexts in configuration.pes:
        _check_slots(f"{fabric.name}, PE {cell}", contexts, interval)
    for name, tile in configuration.tiles:
        _check_tile(f"{fabric.name}, tile {name}", tile, interval)
        if not fabric.streams:
            _check_network_tile(f"{fabric.name}, tile {name}", tile)
    _check_streams(fabric, dict(configuration.tiles), interval)


def _check_header(fabric: Fabric, configuration: Configuration) -> None:
    expected, where = fabric_hash(fabric), f"configuration for {fabric.name}"
    if configuration.fabric_hash != expected:
        raise IllegalGraph(
            where,
            f"expected one of the fabric with hash {expected:08x}, found one of {configuration.fabric_hash:08x}",
            "Map the kernel again for this fabric.",
        )
    for what, number, most in (
        ("slots", configuration.interval, fabric.contexts),
        ("loops", len(configuration.loops), fabric.loops),
        ("marks", len(configuration.lines), LINES - 1),
    ):
        if number > most:
            raise DoesNotFit(
                where,
                f"expected at most {most} {what}, found {number}: {number - most} too many",
                "Choose a fabric with more contexts, or split the kernel.",
            )
    if min((configuration.interval, *configuration.loops)) < 1:
        _fail(
            where,
            "an interval and loops of at least 1",
            f"{configuration.interval} and {list(configuration.loops)}",
        )


def _check_slots(where: str, contexts: Sequence[Any], interval: int) -> None:
    if len(contexts) != interval:
        _fail(where, f"a context for each of {interval} slots", str(len(contexts)))


def _check_tile(where: str, tile: TileConfiguration, interval: int) -> None:
    for contexts in (tile.reads, tile.writes):
        _check_slots(where, contexts or (None,) * interval, interval)
    for read in tile.reads:
        if read.mode in ("affine", "address"):
            _generator(f"{where}, read", tile.read_generators, read.generator)
    for write in tile.writes:
        if write.mode in ("affine", "indexed"):
            generator = _generator(f"{where}, write", tile.write_generators, write.generator)
            if generator.data_driven:
                _fail(f"{where}, write", "a generator that is not data driven", "one that is")
            if write.when is not None and not 0 <= write.when < max(1, len(generator.loops)):
                _fail(
                    f"{where}, write", f"a level of {len(generator.loops)} loops", str(write.when)
                )
    if tile.requantiser.mode != "off":
        number = tile.requantiser.generator
        if not _generator(f"{where}, requantiser", tile.write_generators, number).data_driven:
            _fail(f"{where}, requantiser", "a data-driven generator", "one that is not")
        # Its results and other writes could meet.
        if any(write.mode in ("affine", "indexed") for write in tile.writes):
            _fail(f"{where}, requantiser", "no other writes of the bank in this run", "some")


def _check_network_tile(where: str, tile: TileConfiguration) -> None:
    """Tiles of fabrics without streams are made for networks."""
    ports: tuple[tuple[str, Sequence[ReadContext | WriteContext], tuple[str, ...]], ...] = (
        ("read", tile.reads, NETWORK_READ_MODES),
        ("write", tile.writes, NETWORK_WRITE_MODES),
    )
    for port, contexts, modes in ports:
        for context in contexts:
            if context.mode not in (*modes, "stream"):
                _fail(f"{where}, {port}", f"one of {', '.join(modes)}", context.mode)
    if any(write.predicate is not None for write in tile.writes):
        _fail(f"{where}, write", "no predicate on a fabric without streams", "one")


def _generator(where: str, generators: Sequence[Generator], number: int) -> Generator:
    if not 0 <= number < len(generators):
        _fail(where, f"one of {len(generators)} generators", f"number {number}")
    return generators[number]


def _check_streams(fabric: Fabric, tiles: Mapping[str, TileConfiguration], interval: int) -> None:
    """At most one port takes a word of the input stream, and one gives one to the output stream, in a slot; none where there are no streams."""
    most, expected = (1, "one port") if fabric.streams else (0, "no port")
    for slot in range(interval):
        reads = [tile.reads[slot] if tile.reads else ReadContext() for tile in tiles.values()]
        writes = [tile.writes[slot] if tile.writes else WriteContext() for tile in tiles.values()]
        taking = sum(read.mode == "stream" for read in reads)
        taking += sum(write.mode != "none" and write.data == "stream_in" for write in writes)
        giving = sum(write.mode == "stream" for write in writes)
        for what, ports in (("taking from stream_in", taking), ("giving to stream_out", giving)):
            if ports > most:
                _fail(
                    f"configuration for {fabric.name}, slot {slot}",
                    f"{expected} {what}",
                    str(ports),
                )


def _fail(where: str, expected: str, found: str) -> NoReturn:
    raise IllegalGraph(
        where, f"expected {expected}, found {found}", "Map the kernel again, or correct it."
    )
