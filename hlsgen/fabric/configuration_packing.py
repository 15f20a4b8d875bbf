"""Configurations as writes of the load port, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from hlsgen.algebra import fields as field_strings
from hlsgen.algebra import modes
from hlsgen.algebra.mark import Mark
from hlsgen.errors import BadFile
from hlsgen.fabric import configuration_words as words
from hlsgen.fabric.configuration import (
    LINES,
    Configuration,
    LineTap,
    PeContext,
)
from hlsgen.fabric.configuration_check import check_configuration
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.generator_packing import (
    padded_level,
)
from hlsgen.fabric.ir import Cell, Fabric
from hlsgen.fabric.packets import WritePacket
from hlsgen.fabric.source_codes import index_of, predicate_codes, predicate_of
from hlsgen.fabric.switch import OPERANDS, outgoing, sources
from hlsgen.fabric.tile_packing import read_tile, tile_writes


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
        writes += tile_writes(fabric, fabric.tile(name), tile_configuration, configuration)
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
            held = partial(string, unit)
            tiles.append((tile.name, read_tile(fabric, tile, interval, held)))
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


def _pe_values(fabric: Fabric, cell: Cell, context: PeContext, where: str) -> dict[str, int]:
    """The fields of a context by name. What an idle unit does not look at is 0."""
    names = fabric.kind(cell).operators
    values = {
        "operator": 0 if context.operator is None else 1 + index_of(where, names, context.operator),
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
    values |= predicate_codes(where, predicates, "predicate", context.predicate)
    if context.register is not None:
        index, source = context.register
        code = 1 + index_of(where, sources(fabric, cell, "register"), source)
        values |= {"register_index": index, "register": code}
    links = tuple(outgoing(fabric, cell))
    for link, source in context.links:
        index_of(where, links, link)
        values[f"link_{link}"] = 1 + index_of(where, sources(fabric, cell, link), source)
    return values


def _operand(fabric: Fabric, cell: Cell, context: PeContext, name: str, where: str) -> int:
    """The code of an operand's source. One that is not looked at may name the constant where there is none."""
    chosen, source = sources(fabric, cell, name), getattr(context, name)
    if context.operator is None and source == "constant" and source not in chosen:
        return 0
    if context.initial == f"{name}_constant":
        index_of(where, chosen, "constant")
    return index_of(where, chosen, source)


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
        predicate=predicate_of(sources(fabric, cell, "predicate"), "predicate", values),
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


def _control_values(fabric: Fabric, configuration: Configuration) -> dict[str, int]:
    values = {"interval": configuration.interval, "cycles": configuration.cycles}
    padded = (1,) * (fabric.loops - len(configuration.loops)) + configuration.loops
    values |= {f"extent_{level}": extent for level, extent in enumerate(padded)}
    for line, mark in enumerate(configuration.lines, start=1):
        level = padded_level(mark.level, len(configuration.loops), fabric.loops)
        values |= {f"line_{line}_level": level, f"line_{line}_last": int(mark.edge == "last")}
    return values
