"""Configurations of memory tiles as writes of the load port, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from hlsgen.algebra import fields as field_strings
from hlsgen.algebra import modes
from hlsgen.errors import DoesNotFit
from hlsgen.fabric import configuration_words as words
from hlsgen.fabric.configuration import (
    Configuration,
    Generator,
    ReadContext,
    Requantiser,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.generator_packing import (
    generator_steps,
    generator_values,
    padded_level,
    read_generator,
)
from hlsgen.fabric.ir import Fabric, MemoryTile
from hlsgen.fabric.packets import WritePacket
from hlsgen.fabric.source_codes import index_of, predicate_codes, predicate_of
from hlsgen.fabric.switch import sources

Strings: TypeAlias = Callable[[int, Sequence[field_strings.Field]], dict[str, int]]
"""The values of the string of a tile at an address."""


def tile_writes(
    fabric: Fabric, tile: MemoryTile, settings: TileConfiguration, configuration: Configuration
) -> list[WritePacket]:
    """The writes of a tile that is used. Raises IllegalGraph for an unknown source, DoesNotFit where a value or a count is too large."""
    where = f"{fabric.name}, tile {tile.name}"
    unit = len(fabric.cells) + fabric.tiles.index(tile)
    fields = words.tile_context_fields(fabric, tile)
    interval = configuration.interval
    reads = settings.reads or (ReadContext(),) * interval
    writes = settings.writes or (WriteContext(),) * interval
    result = []
    for slot, (read, write) in enumerate(zip(reads, writes, strict=True)):
        values = _port_values(fabric, tile, read, write, where)
        if write.when is not None:
            nest = settings.write_generators[write.generator].loops
            values["write_when"] = 1 + padded_level(write.when, len(nest), fabric.loops)
        address = words.TILE_CONFIGURATION + slot * field_strings.pitch(fields)
        result.append(WritePacket(unit, address, field_strings.to_string(where, fields, values)))
    rest = {"padding": settings.padding, **_requantiser_values(settings.requantiser)}
    steps: list[WritePacket] = []
    for port, generators, most in (
        ("read", settings.read_generators, tile.read_generators),
        ("write", settings.write_generators, tile.write_generators),
    ):
        if len(generators) > most:
            raise DoesNotFit(
                where,
                f"expected at most {most} {port} generators, found {len(generators)}: "
                f"{len(generators) - most} too many",
                "Choose a fabric with more generators.",
            )
        for number, generator in enumerate(generators):
            rest |= generator_values(fabric, tile, port, number, generator, where)
            steps += _step_writes(fabric, tile, port, number, generator)
    string = field_strings.to_string(where, words.tile_fields(fabric, tile), rest)
    return [*result, WritePacket(unit, words.rest_address(fabric, tile), string), *steps]


def _step_writes(
    fabric: Fabric, tile: MemoryTile, port: str, number: int, generator: Generator
) -> list[WritePacket]:
    """The steps of a generator that is used, from the outermost level of its nest to the start."""
    if not generator.loops:
        return []
    where = f"{fabric.name}, tile {tile.name}, {port} generator {number}"
    fields = words.step_fields(fabric, tile, port)
    steps = generator_steps(
        fabric, tile, port, number, generator, f"{fabric.name}, tile {tile.name}"
    )
    gap = field_strings.pitch(fields) - field_strings.string_words(fields)
    strings = [field_strings.to_string(where, fields, values) for values in steps.values()]
    joined = [word for string in strings for word in (*string, *(0,) * gap)]
    unit = len(fabric.cells) + fabric.tiles.index(tile)
    address = words.step_address(fabric, tile, port, number, min(steps))
    return [WritePacket(unit, address, tuple(joined))]


def _port_values(
    fabric: Fabric, tile: MemoryTile, read: ReadContext, write: WriteContext, where: str
) -> dict[str, int]:
    chosen, modulus = sources(fabric, tile.cell, "memory"), 1 << words.address_bits(tile)
    values = {
        "read_mode": modes.READ_MODES.index(read.mode),
        "write_mode": modes.WRITE_MODES.index(write.mode),
        "write_element": modes.ELEMENT_BITS.index(min(write.element_bits, 32)),
    }
    for port, context in (("read", read), ("write", write)):
        values |= {
            f"{port}_generator": context.generator,
            f"{port}_offset": context.offset % modulus,
            f"{port}_signed": int(context.signed),
            f"{port}_wrap": 0 if context.wrap_bits is None else 1 + context.wrap_bits,
        }
        if context.index is not None:
            values[f"{port}_index"] = index_of(where, chosen, context.index)
    if write.mode != "none" and write.data != "stream_in":
        values["write_data"] = 1 + index_of(where, chosen, write.data)
    return values | predicate_codes(where, chosen, "write_predicate", write.predicate)


def _requantiser_values(requantiser: Requantiser) -> dict[str, int]:
    if requantiser == Requantiser():
        return {}
    return {
        "requantise_mode": modes.REQUANTISE_MODES.index(requantiser.mode),
        "requantise_generator": requantiser.generator,
        "requantise_shift": requantiser.shift,
        "requantise_zero_point": requantiser.zero_point,
        "requantise_low": requantiser.low,
        "requantise_high": requantiser.high,
    }


def read_tile(
    fabric: Fabric, tile: MemoryTile, interval: int, strings: Strings
) -> TileConfiguration:
    """The configuration of a tile with ``interval`` slots. Raises IndexError for codes that stand for nothing."""
    chosen = sources(fabric, tile.cell, "memory")
    fields = words.tile_context_fields(fabric, tile)
    step = field_strings.pitch(fields)
    slots = [strings(words.TILE_CONFIGURATION + slot * step, fields) for slot in range(interval)]
    rest = strings(words.rest_address(fabric, tile), words.tile_fields(fabric, tile))
    requantiser = Requantiser()
    if rest.get("requantise_mode", 0):
        requantiser = Requantiser(
            modes.REQUANTISE_MODES[rest["requantise_mode"]],
            *(
                rest[f"requantise_{name}"]
                for name in ("generator", "shift", "zero_point", "low", "high")
            ),
        )
    return TileConfiguration(
        reads=tuple(_read_context(chosen, values) for values in slots),
        writes=tuple(_write_context(chosen, values) for values in slots),
        read_generators=_generators(fabric, tile, "read", rest, strings),
        write_generators=_generators(fabric, tile, "write", rest, strings),
        padding=rest.get("padding", 0),
        requantiser=requantiser,
    )


def _generators(
    fabric: Fabric, tile: MemoryTile, port: str, rest: Mapping[str, int], strings: Strings
) -> tuple[Generator, ...]:
    """The generators of a port."""
    fields = words.step_fields(fabric, tile, port)
    generators = []
    for number in range(tile.read_generators if port == "read" else tile.write_generators):
        places = [
            words.step_address(fabric, tile, port, number, level)
            for level in range(fabric.loops + 1)
        ]
        steps = [strings(place, fields) for place in places]
        generators.append(read_generator(fabric, tile, port, number, rest, steps))
    return tuple(generators)


def _shared(port: str, values: Mapping[str, int]) -> dict[str, Any]:
    """What read and write contexts have in common."""
    wrap = values[f"{port}_wrap"]
    return {
        "generator": values[f"{port}_generator"],
        "offset": values[f"{port}_offset"],
        "signed": bool(values[f"{port}_signed"]),
        "wrap_bits": wrap - 1 if wrap else None,
    }


def _read_context(chosen: Sequence[str], values: Mapping[str, int]) -> ReadContext:
    context = ReadContext(
        mode=modes.READ_MODES[values["read_mode"]],
        **_shared("read", values),
    )
    if context.mode == "indexed":
        context = replace(context, index=chosen[values["read_index"]])
    return context


def _write_context(chosen: Sequence[str], values: Mapping[str, int]) -> WriteContext:
    when, data = values["write_when"], values["write_data"]
    context = WriteContext(
        mode=modes.WRITE_MODES[values["write_mode"]],
        predicate=predicate_of(chosen, "write_predicate", values),
        when=when - 1 if when else None,
        element_bits=modes.ELEMENT_BITS[values["write_element"]],
        **_shared("write", values),
    )
    if context.mode != "none":
        context = replace(context, data=chosen[data - 1] if data else "stream_in")
    if context.mode == "indexed":
        context = replace(context, index=chosen[values["write_index"]])
    return context
