"""Fabrics as files: ``fabrics/<preset>.toml`` or a path; read, checked, and named by a hash (docs/fabrics.md)."""

from __future__ import annotations

import difflib
import tomllib
import zlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from hlsgen.errors import BadOption
from hlsgen.fabric.check import LIMITS, border, check_fabric, check_size, fail
from hlsgen.fabric.ir import Fabric, MemoryTile, PeKind, Side
from hlsgen.toml_table import TomlKind, TomlTable, shown

SIDES: tuple[Side, ...] = ("west", "north", "east", "south")
OPTIONAL = ("loops", "trip_bits")
KEYS = (*LIMITS, "title", "rows", "columns", "hops", "torus", "drain", "kinds", "pe", "tile")
TILE_NUMBERS = ("words", "bits", "read_generators", "write_generators")
FABRIC = TomlKind(
    "fabric",
    "Compare it with a preset: 'hlsgen fabric cgra_4x4 -o DIR' writes its file.",
    "Name a TOML file, or a preset; 'hlsgen fabrics' lists them.",
)


@dataclass(frozen=True)
class Preset:
    """A fabric that comes with hlsgen, and what it is for."""

    title: str
    fabric: Fabric


@cache
def presets() -> tuple[Preset, ...]:
    """Every preset, in order of name."""
    folder = resources.files("hlsgen.fabrics")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    named = []
    for file in files:
        text = file.read_text("utf-8")
        fabric = parse_fabric(file.name.removesuffix(".toml"), text)
        named.append(Preset(tomllib.loads(text)["title"], fabric))
    return tuple(named)


def load_fabric(name: str) -> Fabric:
    """The preset of that name, or the fabric of a TOML file; raises BadOption, BadFile or IllegalGraph."""
    known = {preset.fabric.name: preset.fabric for preset in presets()}
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix == ".toml":
        return parse_fabric(path.stem, FABRIC.read(path))
    near = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=3, cutoff=0.4)
    raise BadOption(
        f"fabric {shown(name)}",
        f"expected one of {', '.join(known)}, or a .toml file; found {shown(name)}",
        f"Did you mean {' or '.join(near)}?" if near else "Run 'hlsgen fabrics' for the list.",
    )


def parse_fabric(name: str, text: str) -> Fabric:
    """The fabric of a TOML text; raises BadFile for a wrong form, IllegalGraph for an illegal fabric."""
    described = FABRIC.parse(name, text)
    table = TomlTable(FABRIC, name, described, KEYS)
    if "title" in described:
        table.value("title", str)
    kinds = tuple(_kind(name, fields) for fields in table.tables("pe"))
    grid = _grid(table, kinds)
    tiles = [tile for fields in table.tables("tile", ()) for tile in _tiles(name, fields, grid)]
    fabric = Fabric(
        name=name,
        pe_kinds=kinds,
        kinds=grid,
        tiles=tuple(tiles),
        hops=tuple(table.numbers("hops")),
        torus=table.value("torus", bool, False),
        drain=table.value("drain", bool, False),
        **{key: table.value(key, int) for key in LIMITS if key not in OPTIONAL or key in described},
    )
    check_fabric(fabric)
    return fabric


def fabric_hash(fabric: Fabric) -> int:
    """32 bits that tell fabrics apart, the same in every process and on every machine."""
    return zlib.crc32(repr(fabric).encode())


def _kind(name: str, fields: Any) -> PeKind:
    table = TomlTable(FABRIC, f"{name}, pe", fields, ("name", "operators", "sources"))
    kind = table.value("name", str)
    operators: dict[str, Any] = table.value("operators", dict)
    latencies = TomlTable(FABRIC, f"{name}, pe {kind}, operators", operators, operators)
    given: dict[str, Any] = table.value("sources", dict, {})
    sources = TomlTable(FABRIC, f"{name}, pe {kind}, sources", given, given)
    return PeKind(
        kind,
        tuple((operator, latencies.value(operator, int)) for operator in operators),
        tuple((multiplexer, tuple(sources.texts(multiplexer))) for multiplexer in given),
    )


def _grid(table: TomlTable, kinds: tuple[PeKind, ...]) -> tuple[tuple[str, ...], ...]:
    """The kind of every cell: named one by one, or the only kind everywhere."""
    rows, columns = table.value("rows", int), table.value("columns", int)
    check_size(table.where, rows, columns)
    if "kinds" not in table.fields:
        if len(kinds) != 1:
            fail(table.where, "'kinds' to say which cell is of which kind", f"{len(kinds)} kinds")
        return ((kinds[0].name,) * columns,) * rows
    grid: list[Any] = table.value("kinds", list)
    if any(type(row) is not list or any(type(kind) is not str for kind in row) for row in grid):
        table.wrong("kinds to be a list of rows, each a list of names", shown(grid))
    if len(grid) != rows or any(len(row) != columns for row in grid):
        lengths = f"rows of {shown([len(row) for row in grid])}"
        fail(table.where, f"{rows} rows of {columns} kinds", lengths)
    return tuple(tuple(row) for row in grid)


def _tiles(name: str, fields: Any, grid: tuple[tuple[str, ...], ...]) -> list[MemoryTile]:
    """One tile for each position named in ``at`` along its side (all, if there is no ``at``)."""
    table = TomlTable(FABRIC, f"{name}, tile", fields, ("side", "at", *TILE_NUMBERS, "parameters"))
    given = table.value("side", str)
    side = next((known for known in SIDES if known == given), None)
    if side is None:
        fail(table.where, f"a side of {', '.join(SIDES)}", shown(given))
    cells = border(len(grid), len(grid[0]), side)
    places = table.numbers("at") if "at" in table.fields else range(len(cells))
    if not places:
        fail(table.where, f"positions of 0 to {len(cells) - 1} in 'at'", "none")
    for place in places:
        if not 0 <= place < len(cells):
            fail(table.where, f"{side} tiles at 0 to {len(cells) - 1}", shown(place))
    numbers = {key: table.value(key, int) for key in TILE_NUMBERS}
    parameters = table.value("parameters", int, 0)
    return [
        MemoryTile(f"{side}_{place}", side, cells[place], parameters=parameters, **numbers)
        for place in places
    ]
