"""The bits of a configuration: field lists from which configurations are packed and unpacked, and decoded by the RTL.

Codes. A multiplexer's code is the index of the source in the tuples of ``switch.py``; where "nothing" is possible, code 0 is nothing and
source k has code k + 1: destinations of crossbars (``link_*``, ``register``), operators, predicates (0: true; after the sources
one more code: the line tap), a write port's data (0: the input stream). Modes are numbered in the order of their names in ``algebra.modes``.

Generators. The hardware keeps no multipliers: a generator has a *step* for every loop level, which holds trips - 1 and, for every counter, the
*delta* that is added when that level is the outermost one that advances (all levels inside it go back to their first trip). One step more,
behind those of the levels, is added to zeros at the start of a run. Nests are padded to ``fabric.loops`` levels at the outside; those have one trip, and
the step of a level of one trip is never taken, nor need it be written.

A PE and a tile have one string of fields per slot; a tile has one more for everything that does not change from slot to slot, and a string per step of
a generator in a part of its own. Strings begin at multiples of ``pitch``.
"""

from __future__ import annotations

from hlsgen.algebra.fields import Field, Fields, pitch
from hlsgen.algebra.modes import (
    ELEMENT_BITS,
    INITIAL,
    READ_MODES,
    REQUANTISE_MODES,
    WHEN,
    WRITE_MODES,
)
from hlsgen.algebra.packets import ADDRESS_BITS, LOAD_BITS, UNIT_BITS
from hlsgen.fabric.configuration import LINES
from hlsgen.fabric.ir import Cell, Fabric, MemoryTile
from hlsgen.fabric.switch import OPERANDS, outgoing, sources

DELAY_BITS = 10
COORDINATE_BITS = 12
CYCLE_BITS = 32
CONTROL_UNIT = (1 << UNIT_BITS) - 1
TILE_CONFIGURATION = 1 << ADDRESS_BITS
TILE_STEPS = 2 << ADDRESS_BITS
TILE_PARAMETERS = 3 << ADDRESS_BITS


def address_bits(tile: MemoryTile) -> int:
    """Bits that number the elements of a bank."""
    return max(1, (tile.words - 1).bit_length())


def has_coordinates(fabric: Fabric) -> bool:
    """Whether read generators keep row and column for padding: on fabrics made for networks."""
    return fabric.drain


def _code(count: int) -> int:
    """Bits of a code of ``count`` values; at least one."""
    return max(1, (count - 1).bit_length())


def _tap(fabric: Fabric, name: str) -> list[Field]:
    return [Field(f"{name}_line", _code(LINES)), Field(f"{name}_stage", _code(fabric.stages))]


def pe_fields(fabric: Fabric, cell: Cell) -> Fields:
    """One context of a PE."""
    kind, constant = fabric.kind(cell), takes_constants(fabric, cell)
    fields = [
        Field("operator", _code(len(kind.operators) + 1)),
        *(Field(name, _code(len(sources(fabric, cell, name)))) for name in OPERANDS),
        Field("predicate", _code(len(sources(fabric, cell, "predicate")) + 2)),
        *_tap(fabric, "predicate"),
    ]
    if constant:
        fields += [Field("initial", _code(len(INITIAL))), *_tap(fabric, "initial")]
    if any(name.endswith("_accumulate") for name in kind.operators):
        fields.append(Field("clear", _code(len(WHEN))))
        if fabric.drain:
            fields += [Field("drain", _code(len(WHEN))), *_tap(fabric, "drain")]
    fields += [
        Field(f"link_{link}", _code(len(sources(fabric, cell, link)) + 1))
        for link in outgoing(fabric, cell)
    ]
    if fabric.registers:
        index = _code(fabric.registers)
        fields.append(Field("register", _code(len(sources(fabric, cell, "register")) + 1)))
        fields += [Field(name, index) for name in ("register_index", "read_a", "read_b")]
    return (*fields, *([Field("constant", fabric.word_bits, signed=True)] if constant else []))


def takes_constants(fabric: Fabric, cell: Cell) -> bool:
    """Whether an operand of a cell can be the constant: if not, its contexts have none, and none that replaces an operand."""
    return any("constant" in sources(fabric, cell, name) for name in OPERANDS)


def tile_context_fields(fabric: Fabric, tile: MemoryTile) -> Fields:
    """One slot of a tile: its read port, then its write port."""
    chosen, address = sources(fabric, tile.cell, "memory"), address_bits(tile)
    fields: list[Field] = []
    for port, modes, generators in (
        ("read", READ_MODES, tile.read_generators),
        ("write", WRITE_MODES, tile.write_generators),
    ):
        fields += [
            Field(f"{port}_mode", _code(len(modes))),
            Field(f"{port}_generator", _code(generators)),
            Field(f"{port}_offset", address),
            Field(f"{port}_index", _code(len(chosen))),
            Field(f"{port}_signed", 1),
            Field(f"{port}_wrap", _code(LOAD_BITS + 2)),
        ]
    return (
        *fields,
        Field("write_data", _code(len(chosen) + 1)),
        Field("write_predicate", _code(len(chosen) + 2)),
        *_tap(fabric, "write_predicate"),
        Field("write_when", _code(fabric.loops + 1)),
        Field("write_element", _code(len(ELEMENT_BITS))),
    )


def generator_counters(fabric: Fabric, port: str) -> tuple[str, ...]:
    """The counters of a generator of a read or write port."""
    if port == "write":
        return ("address", "parameter") if fabric.drain else ("address",)
    return ("address", "row", "column") if has_coordinates(fabric) else ("address",)


def counter_bits(tile: MemoryTile, counter: str) -> int:
    """The width of a generator's counter."""
    if counter == "address":
        return address_bits(tile)
    return COORDINATE_BITS if counter in ("row", "column") else _code(max(2, tile.parameters))


def step_fields(fabric: Fabric, tile: MemoryTile, port: str) -> Fields:
    """A step of a generator of a port: ``trips`` - 1 of its level, and what it adds to each counter."""
    counters = generator_counters(fabric, port)
    return (
        Field("trips", fabric.trip_bits),
        *(Field(name, counter_bits(tile, name), name in ("row", "column")) for name in counters),
    )


def steps_pitch(fabric: Fabric, tile: MemoryTile) -> int:
    """Distance of the steps of two generators of a tile."""
    words = max(pitch(step_fields(fabric, tile, port)) for port in ("read", "write"))
    return words << fabric.loops.bit_length()


def step_address(fabric: Fabric, tile: MemoryTile, port: str, number: int, level: int = 0) -> int:
    """Where the string of a level's step begins; of the start: level ``fabric.loops``. Write generators follow read generators."""
    index = number + (tile.read_generators if port == "write" else 0)
    place = level * pitch(step_fields(fabric, tile, port))
    return TILE_STEPS + index * steps_pitch(fabric, tile) + place


def generator_fields(fabric: Fabric, tile: MemoryTile, port: str, number: int) -> Fields:
    """Generator ``number`` of a port but for its steps; names begin with ``<port><number>_``. ``single``: a bit per level, of one trip."""
    start = f"{port}{number}_"
    delay = DELAY_BITS if fabric.drain else _code(fabric.stages)
    fields: list[Field] = [
        Field(f"{start}delay", delay),
        Field(f"{start}single", fabric.loops),
        Field(f"{start}base", address_bits(tile)),
        Field(f"{start}mask", address_bits(tile)),
        Field(f"{start}used", 1),
    ]
    if port == "write":
        return (*fields, *([Field(f"{start}data_driven", 1)] if fabric.drain else []))
    if has_coordinates(fabric):
        fields += [Field(f"{start}{name}", COORDINATE_BITS) for name in ("rows", "columns")]
        fields.append(Field(f"{start}padded", 1))
    marks = ("mark_first", "mark_last")
    return (*fields, *(Field(f"{start}{name}", _code(fabric.loops + 1)) for name in marks))


def result_bits(tile: MemoryTile) -> int:
    """Of the zero point and the limits of a requantiser: signed, they hold those of all elements of the tile, signed or not, and one bit more."""
    return tile.bits + 2


def tile_fields(fabric: Fabric, tile: MemoryTile) -> Fields:
    """Everything of a tile that does not change from slot to slot."""
    fields: list[Field] = []
    for number in range(tile.read_generators):
        fields += generator_fields(fabric, tile, "read", number)
    for number in range(tile.write_generators):
        fields += generator_fields(fabric, tile, "write", number)
    if has_coordinates(fabric):
        fields.append(Field("padding", tile.bits, signed=True))
    if tile.parameters:
        fields += [
            Field("requantise_mode", _code(len(REQUANTISE_MODES))),
            Field("requantise_generator", _code(tile.write_generators)),
            Field("requantise_shift", 6),
            *(
                Field(f"requantise_{name}", result_bits(tile), signed=True)
                for name in ("zero_point", "low", "high")
            ),
        ]
    return tuple(fields)


def control_fields(fabric: Fabric) -> Fields:
    """Loop control."""
    fields = [Field("interval", _code(fabric.contexts + 1)), Field("cycles", CYCLE_BITS)]
    fields += [Field(f"extent_{level}", fabric.trip_bits) for level in range(fabric.loops)]
    for line in range(1, LINES):
        fields += [
            Field(f"line_{line}_level", _code(fabric.loops + 1)),
            Field(f"line_{line}_last", 1),
        ]
    return tuple(fields)


def rest_address(fabric: Fabric, tile: MemoryTile) -> int:
    """Where the string of ``tile_fields`` begins in a tile's configuration."""
    slots = 1 << (fabric.contexts - 1).bit_length()
    return TILE_CONFIGURATION + slots * pitch(tile_context_fields(fabric, tile))
