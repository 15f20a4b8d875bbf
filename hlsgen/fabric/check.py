"""Which fabrics can be built: sizes, PEs, memory tiles."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import NoReturn, get_args

from hlsgen.algebra.packets import UNIT_BITS
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.errors import IllegalGraph
from hlsgen.fabric.ir import Cell, Fabric, MemoryTile, PeKind, Side
from hlsgen.fabric.switch import INNER, OPERANDS, OTHER_SOURCES, link_names, sources
from hlsgen.toml_table import shown

MOST_UNITS = (1 << UNIT_BITS) - 1
"""PEs and tiles together: the load port numbers them with 12 bits, and loop control takes the last number."""
MOST_ELEMENTS = 1 << 22
"""Elements of all banks together: 16 MiB at 32 bits, beyond the block RAM of any device."""
LIMITS: Mapping[str, tuple[int, int]] = {
    "word_bits": (2, 32),
    "accumulator_bits": (0, 64),
    "registers": (0, 64),
    "contexts": (1, 256),
    "stages": (1, 256),
    "loops": (1, 6),
    "trip_bits": (1, 16),
}
TILE_LIMITS: Mapping[str, tuple[int, int]] = {
    "words": (2, MOST_ELEMENTS),
    "read_generators": (1, 16),
    "write_generators": (1, 16),
    "parameters": (0, 1 << 16),
}
LEAST_BITS = 64
"""Of a bank: two words of the load port."""
MOST_CYCLES = 16
"""The largest latency of an operator."""


def check_fabric(fabric: Fabric) -> None:
    """Raise IllegalGraph where a fabric cannot be built."""
    columns = sorted({len(row) for row in fabric.kinds})
    check_size(fabric.name, len(fabric.kinds), columns[0] if columns else 0)
    if len(columns) > 1:
        fail(fabric.name, "rows of one length", shown([len(row) for row in fabric.kinds]))
    for name, limits in LIMITS.items():
        _check_number(fabric.name, name, getattr(fabric, name), limits)
    longest = max(1, fabric.rows - 1, fabric.columns - 1)
    if (
        not fabric.hops
        or list(fabric.hops) != sorted(set(fabric.hops))
        or any(not 1 <= hop <= longest for hop in fabric.hops)
    ):
        fail(fabric.name, f"increasing hops of 1 to {longest}", shown(list(fabric.hops)))
    _check_kinds(fabric)
    _check_tiles(fabric)
    _check_sources(fabric)


def check_size(name: str, rows: int, columns: int) -> None:
    """Raise IllegalGraph for a grid that is empty or too large, before anything of its size is made."""
    if rows < 1 or columns < 1:
        fail(name, "at least one row and one column", f"{shown(rows)} x {shown(columns)}")
    if rows * columns > MOST_UNITS:
        fail(name, f"at most {MOST_UNITS} PEs and tiles", f"{shown(rows)} x {shown(columns)}")


def border(rows: int, columns: int, side: Side) -> tuple[Cell, ...]:
    """The cells of a side of the grid, from the north or the west."""
    match side:
        case "west":
            return tuple((row, 0) for row in range(rows))
        case "east":
            return tuple((row, columns - 1) for row in range(rows))
        case "north":
            return tuple((0, column) for column in range(columns))
        case "south":
            return tuple((rows - 1, column) for column in range(columns))


def fail(where: str, expected: str, found: str) -> NoReturn:
    """Raise IllegalGraph about the fabric (and its part) that ``where`` names."""
    raise IllegalGraph(
        f"fabric {where}", f"expected {expected}; found {found}", "Change the fabric's description."
    )


def _check_number(where: str, name: str, value: int, limits: tuple[int, int]) -> None:
    low, high = limits
    if not low <= value <= high:
        fail(where, f"{name} of {low} to {high}", shown(value))


def _check_kinds(fabric: Fabric) -> None:
    names = [kind.name for kind in fabric.pe_kinds]
    if len(set(names)) != len(names):
        fail(fabric.name, "kinds of PE with different names", ", ".join(names))
    for row, kinds in enumerate(fabric.kinds):
        for kind in kinds:
            if kind not in names:
                fail(f"{fabric.name}, row {row}", f"kinds {', '.join(names)}", shown(kind))
    for pe_kind in fabric.pe_kinds:
        _check_kind(fabric, pe_kind)
    if fabric.drain and not any(
        WORD_OPERATORS[operator].accumulates
        for kind in fabric.pe_kinds
        for operator in kind.operators
    ):
        fail(fabric.name, "an accumulating operator whose results drain", "none")


def _check_kind(fabric: Fabric, kind: PeKind) -> None:
    where = f"{fabric.name}, PE kind {kind.name}"
    for operator, latency in kind.latencies:
        if operator not in WORD_OPERATORS:
            near = difflib.get_close_matches(operator, WORD_OPERATORS, n=2)
            known = f"word operators such as {' and '.join(near)}" if near else "word operators"
            fail(where, known, shown(operator))
        accumulates = WORD_OPERATORS[operator].accumulates
        least = 2 if accumulates else 1
        _check_number(where, f"a latency for {operator}", latency, (least, MOST_CYCLES))
        if accumulates and fabric.accumulator_bits < fabric.word_bits:
            expected = f"accumulator_bits of {fabric.word_bits} to 64 for {operator}"
            fail(where, expected, str(fabric.accumulator_bits))
    late = sorted({latency for _, latency in kind.latencies if latency > 1})
    if len(late) > 1:
        fail(where, "one latency above 1 for all slower operators", str(late))


def _check_sources(fabric: Fabric) -> None:
    """Multiplexers and sources that there are, and none without a source that something needs."""
    multiplexers = (*INNER, *link_names(fabric))
    known = (*link_names(fabric), *OTHER_SOURCES, *(f"memory_{side}" for side in get_args(Side)))
    for kind in fabric.pe_kinds:
        for multiplexer, named in kind.sources:
            where = f"{fabric.name}, PE kind {kind.name}, sources"
            if multiplexer not in multiplexers:
                fail(where, f"multiplexers of {', '.join(multiplexers)}", shown(multiplexer))
            for source in named:
                if source not in known:
                    fail(f"{where} of {multiplexer}", f"some of {', '.join(known)}", shown(source))
    for cell in fabric.cells:
        needed = [*OPERANDS, *(["register"] if fabric.registers else [])]
        needed += ["memory"] if fabric.tiles_at(cell) else []
        for multiplexer in needed:
            if not sources(fabric, cell, multiplexer):
                fail(
                    f"{fabric.name}, PE {cell} of kind {fabric.kind(cell).name}",
                    f"a source of {multiplexer} that the cell has",
                    "none",
                )


def _check_tiles(fabric: Fabric) -> None:
    taken: set[tuple[str, Cell]] = set()
    if not fabric.tiles:
        fail(fabric.name, "a memory tile", "none")
    for tile in fabric.tiles:
        if (tile.side, tile.cell) in taken:
            fail(f"{fabric.name}, tile {tile.name}", "one tile on each side of a cell", "two")
        taken.add((tile.side, tile.cell))
        _check_tile(fabric, tile)
    units = len(fabric.cells) + len(fabric.tiles)
    if units > MOST_UNITS:
        fail(fabric.name, f"at most {MOST_UNITS} PEs and tiles", str(units))
    elements = sum(tile.words for tile in fabric.tiles)
    if elements > MOST_ELEMENTS:
        fail(fabric.name, f"at most {MOST_ELEMENTS} words in all tiles", shown(elements))
    if fabric.drain and not any(tile.side == "west" for tile in fabric.tiles):
        fail(fabric.name, "west tiles at the end of the drain chains", "none")


def _check_tile(fabric: Fabric, tile: MemoryTile) -> None:
    where = f"{fabric.name}, tile {tile.name}"
    if tile.cell not in border(fabric.rows, fabric.columns, tile.side):
        fail(where, f"a cell of the {tile.side} border", str(tile.cell))
    for name, limits in TILE_LIMITS.items():
        _check_number(where, name, getattr(tile, name), limits)
    widest = max(8, fabric.word_bits)
    if tile.bits not in (8, 16, 32) or tile.bits > widest:
        fail(where, f"bits of 8, 16 or 32, at most {widest}", shown(tile.bits))
    if tile.words * tile.bits < LEAST_BITS:
        fail(where, f"words of {LEAST_BITS // tile.bits} or more", str(tile.words))
    if tile.parameters and (not fabric.drain or tile.side != "west"):
        fail(where, "parameters of west tiles of a fabric with drain only", f"a {tile.side} tile")
