"""Configurations as writes of the load port, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hlsgen.algebra import fields as field_strings
from hlsgen.algebra import modes
from hlsgen.algebra.mark import Mark
from hlsgen.errors import BadFile, DoesNotFit, IllegalGraph
from hlsgen.fabric import configuration_words as words
from hlsgen.fabric.configuration import (
    LINES,
    Configuration,
    LineTap,
    PeContext,
    ReadContext,
    Requantiser,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.configuration_check import check_configuration
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.generator_packing import generator_values, padded_level, read_generator
from hlsgen.fabric.ir import Cell, Fabric, MemoryTile
from hlsgen.fabric.packets import WritePacket
from hlsgen.fabric.switch import OPERANDS, outgoing, sources


def pack(fabric: Fabric, configuration: Configuration) -> tuple[WritePacket, ...]:
    """The writes of a configuration: PEs, tiles, loop control; only units that do something.

    Raises IllegalGraph for another fabric's configuration, an unknown source or what ``check_configuration`` refuses, DoesNotFit where a
    value or a count is too large.
    """
    check_configuration(fabric, configuration)
    writes: list[WritePacket] = []
    for cell, contexts in configuration.pes:
        fields = words.pe_fields(fabric, cell)
        where = f"{fabric.name}, PE {cell}"
        unit = cell[0] * fabric.columns + cell[1]
        for slot, context in enumerate(contexts):
            values = _pe_values(fabric, cell, context, where)
            string = field_strings.to_string(where, fields, values)
            writes.append(WritePacket(unit, slot * field_strings.pitch(fields), string))
    for name, tile_configuration in configuration.tiles:
        writes += _tile_writes(fabric, fabric.tile(name), tile_configuration, configuration)
    control = words.control_fields(fabric)
    string = field_strings.to_string(
        f"{fabric.name}, loop control", control, _control_values(fabric, configuration)
    )
    writes.append(WritePacket(words.CONTROL_UNIT, 0, string))
    return tuple(writes)


def unpack(fabric: Fabric, writes: Iterable[WritePacket]) -> Configuration:
    """The configuration that writes describe, in normal form: nests padded to ``fabric.loops`` levels, every slot present.

    Without writes to loop control a run of no cycles. Raises BadFile for words that no configuration gives.
    """
    memory: dict[int, dict[int, int]] = {}
    for write in writes:
        words_of_unit = memory.setdefault(write.unit, {})
        words_of_unit.update({write.address + k: word for k, word in enumerate(write.words)})
    try:
        return _unpacked(fabric, memory)
    except IndexError:
        raise BadFile(
            f"configuration for {fabric.name}",
            "expected codes that the fabric has, found others",
            "Map the kernel again for this fabric.",
        ) from None


def _unpacked(fabric: Fabric, memory: Mapping[int, Mapping[int, int]]) -> Configuration:
    """Of the words of every unit (unit -> address -> word); IndexError for a code that stands for nothing."""

    def string(unit: int, address: int, fields: Sequence[field_strings.Field]) -> dict[str, int]:
        held = memory.get(unit, {})
        words_of_string = [
            held.get(address + k, 0) for k in range(field_strings.string_words(fields))
        ]
        return field_strings.from_string(fields, words_of_string)

    control = string(words.CONTROL_UNIT, 0, words.control_fields(fabric))
    interval = control["interval"]
    if control["cycles"] and not 1 <= interval <= fabric.contexts:
        raise IndexError
    pes, tiles = [], []
    for unit, cell in enumerate(fabric.cells):
        if unit in memory:
            fields = words.pe_fields(fabric, cell)
            step = field_strings.pitch(fields)
            contexts = (
                _pe_context(fabric, cell, string(unit, slot * step, fields))
                for slot in range(interval)
            )
            pes.append((cell, tuple(contexts)))
    for number, tile in enumerate(fabric.tiles):
        unit = len(fabric.cells) + number
        if unit in memory:
            fields = words.tile_context_fields(fabric, tile)
            slots = [
                string(unit, words.TILE_CONFIGURATION + slot * field_strings.pitch(fields), fields)
                for slot in range(interval)
            ]
            rest = string(unit, words.rest_address(fabric, tile), words.tile_fields(fabric, tile))
            tiles.append((tile.name, _tile_configuration(fabric, tile, slots, rest)))
    return Configuration(
        fabric_hash=fabric_hash(fabric),
        interval=interval,
        loops=tuple(control[f"extent_{level}"] for level in range(fabric.loops)),
        lines=tuple(
            Mark("last" if control[f"line_{line}_last"] else "first", control[f"line_{line}_level"])
            for line in range(1, LINES)
        ),
        cycles=control["cycles"],
        pes=tuple(pes),
        tiles=tuple(tiles),
    )


def _index(where: str, chosen: Sequence[str], name: str | None) -> int:
    if name not in chosen:
        raise IllegalGraph(
            where, f"expected one of {', '.join(chosen)}, found {name}", "Route it another way."
        )
    return chosen.index(name)


def _predicate(
    where: str, chosen: Sequence[str], name: str, predicate: str | LineTap | None
) -> dict[str, int]:
    match predicate:
        case None:
            return {}
        case LineTap(line, stage):
            code = len(chosen) + 1
            return {name: code, f"{name}_line": line, f"{name}_stage": stage}
        case source:
            return {name: 1 + _index(where, chosen, source)}


def _read_predicate(
    chosen: Sequence[str], name: str, values: Mapping[str, int]
) -> str | LineTap | None:
    code = values[name]
    if code == 0:
        return None
    if code <= len(chosen):
        return chosen[code - 1]
    return LineTap(values[f"{name}_line"], values[f"{name}_stage"])


def _pe_values(fabric: Fabric, cell: Cell, context: PeContext, where: str) -> dict[str, int]:
    """The fields of a context by name. What an idle unit does not look at is 0."""
    names = fabric.kind(cell).operators
    values = {
        "operator": 0 if context.operator is None else 1 + _index(where, names, context.operator),
        **{name: _operand(fabric, cell, context, name, where) for name in OPERANDS},
        "initial": modes.INITIAL.index(context.initial),
        "initial_line": context.initial_line.line,
        "initial_stage": context.initial_line.stage,
        "clear": modes.WHEN.index(context.clear),
        "drain": modes.WHEN.index(context.drain),
        "drain_line": context.drain_line.line,
        "drain_stage": context.drain_line.stage,
        "read_a": context.read_a,
        "read_b": context.read_b,
        "constant": context.constant,
    }
    predicates = sources(fabric, cell, "predicate")
    values |= _predicate(where, predicates, "predicate", context.predicate)
    if context.register is not None:
        index, source = context.register
        code = 1 + _index(where, sources(fabric, cell, "register"), source)
        values |= {"register_index": index, "register": code}
    links = tuple(outgoing(fabric, cell))
    for link, source in context.links:
        _index(where, links, link)
        values[f"link_{link}"] = 1 + _index(where, sources(fabric, cell, link), source)
    return values


def _operand(fabric: Fabric, cell: Cell, context: PeContext, name: str, where: str) -> int:
    """The code of an operand's source. One that is not looked at may name the constant where there is none."""
    chosen, source = sources(fabric, cell, name), getattr(context, name)
    if context.operator is None and source == "constant" and source not in chosen:
        return 0
    if context.initial == f"{name}_constant":
        _index(where, chosen, "constant")
    return _index(where, chosen, source)


def _pe_context(fabric: Fabric, cell: Cell, values: Mapping[str, int]) -> PeContext:
    operator, register = values["operator"], values.get("register", 0)
    operands: dict[str, str] = {}
    for name in OPERANDS:
        chosen = sources(fabric, cell, name)
        looked_at = operator or "constant" in chosen
        operands[name] = chosen[values[name]] if looked_at else "constant"
    return PeContext(
        operator=fabric.kind(cell).operators[operator - 1] if operator else None,
        a=operands["a"],
        b=operands["b"],
        predicate=_read_predicate(sources(fabric, cell, "predicate"), "predicate", values),
        constant=values.get("constant", 0),
        initial=modes.INITIAL[values.get("initial", 0)],
        initial_line=LineTap(values.get("initial_line", 0), values.get("initial_stage", 0)),
        clear=modes.WHEN[values.get("clear", 0)],
        drain=modes.WHEN[values.get("drain", 0)],
        drain_line=LineTap(values.get("drain_line", 0), values.get("drain_stage", 0)),
        register=(values["register_index"], sources(fabric, cell, "register")[register - 1])
        if register
        else None,
        read_a=values.get("read_a", 0),
        read_b=values.get("read_b", 0),
        links=tuple(
            (link, sources(fabric, cell, link)[code - 1])
            for link in outgoing(fabric, cell)
            if (code := values[f"link_{link}"])
        ),
    )


def _tile_writes(
    fabric: Fabric, tile: MemoryTile, settings: TileConfiguration, configuration: Configuration
) -> list[WritePacket]:
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
    string = field_strings.to_string(where, words.tile_fields(fabric, tile), rest)
    return [*result, WritePacket(unit, words.rest_address(fabric, tile), string)]


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
            values[f"{port}_index"] = _index(where, chosen, context.index)
    if write.mode != "none" and write.data != "stream_in":
        values["write_data"] = 1 + _index(where, chosen, write.data)
    return values | _predicate(where, chosen, "write_predicate", write.predicate)


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


def _tile_configuration(
    fabric: Fabric,
    tile: MemoryTile,
    slots: Sequence[Mapping[str, int]],
    rest: Mapping[str, int],
) -> TileConfiguration:
    chosen = sources(fabric, tile.cell, "memory")
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
        read_generators=tuple(
            read_generator(fabric, tile, "read", k, rest) for k in range(tile.read_generators)
        ),
        write_generators=tuple(
            read_generator(fabric, tile, "write", k, rest) for k in range(tile.write_generators)
        ),
        padding=rest.get("padding", 0),
        requantiser=requantiser,
    )


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
        predicate=_read_predicate(chosen, "write_predicate", values),
        when=when - 1 if when else None,
        element_bits=modes.ELEMENT_BITS[values["write_element"]],
        **_shared("write", values),
    )
    if context.mode != "none":
        context = replace(context, data=chosen[data - 1] if data else "stream_in")
    if context.mode == "indexed":
        context = replace(context, index=chosen[values["write_index"]])
    return context


def _control_values(fabric: Fabric, configuration: Configuration) -> dict[str, int]:
    values = {"interval": configuration.interval, "cycles": configuration.cycles}
    padded = (1,) * (fabric.loops - len(configuration.loops)) + configuration.loops
    values |= {f"extent_{level}": extent for level, extent in enumerate(padded)}
    for line, mark in enumerate(configuration.lines, start=1):
        level = padded_level(mark.level, len(configuration.loops), fabric.loops)
        values |= {f"line_{line}_level": level, f"line_{line}_last": int(mark.edge == "last")}
    return values
