"""Fabrics as files: ``fabrics/<preset>.toml`` or a path; read, checked, and named by a hash."""

from __future__ import annotations

import difflib
import tomllib
import zlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn

from hlsgen.arch.fabric import Cell, Fabric, MemoryTile, PeKind, Side
from hlsgen.errors import BadFile, BadOption, HlsgenError, IllegalGraph
from hlsgen.word import WORD_OPERATORS

SIDES: tuple[Side, ...] = ("west", "north", "east", "south")
NUMBERS = ("word_bits", "accumulator_bits", "registers", "contexts", "stages")
OPTIONAL = ("loops", "trip_bits")
KEYS = {
    *NUMBERS,
    *OPTIONAL,
    "title",
    "rows",
    "columns",
    "hops",
    "torus",
    "drain",
    "kinds",
    "pe",
    "tile",
}
TILE_KEYS = {
    "side",
    "at",
    "words",
    "bits",
    "read_generators",
    "write_generators",
    "parameters",
}


@cache
def fabrics() -> tuple[Fabric, ...]:
    """Every preset, in order of name."""
    folder = resources.files("fabrics")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(parse_fabric(f.name.removesuffix(".toml"), f.read_text("utf-8")) for f in files)


def load_fabric(name: str) -> Fabric:
    """The preset of that name, or the fabric of a TOML file; raises BadOption, BadFile or IllegalGraph."""
    known = {fabric.name: fabric for fabric in fabrics()}
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix == ".toml":
        try:
            return parse_fabric(path.stem, path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise BadFile(
                name, f"expected a fabric's TOML file, found: {error}", "Name a file, or a preset."
            ) from None
    near = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=3, cutoff=0.4)
    raise BadOption(
        f"fabric {name!r}",
        f"expected one of {', '.join(known)}, or a .toml file; found {name!r}",
        f"Did you mean {' or '.join(near)}?" if near else "Run 'hlsgen fabric' for the list.",
    )


def parse_fabric(name: str, text: str) -> Fabric:
    """The fabric of a TOML text; raises BadFile for a wrong form, IllegalGraph for an illegal fabric."""
    try:
        fields = tomllib.loads(text)
        _only(fields, KEYS, name)
        kinds = tuple(_kind(name, item) for item in fields["pe"])
        grid = _grid(name, fields, kinds)
        tiles = tuple(tile for item in fields.get("tile", ()) for tile in _tiles(name, item, grid))
        fabric = Fabric(
            name=name,
            pe_kinds=kinds,
            kinds=grid,
            tiles=tiles,
            hops=tuple(map(int, fields["hops"])),
            torus=bool(fields.get("torus", False)),
            drain=bool(fields.get("drain", False)),
            **{key: int(fields[key]) for key in NUMBERS},
            **{key: int(fields[key]) for key in OPTIONAL if key in fields},
        )
    except HlsgenError:
        raise
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFile(
            f"fabric {name}",
            f"expected a complete TOML description of a fabric, found {error!r}",
            "Begin with a copy of a preset: 'hlsgen fabric' lists them.",
        ) from None
    check_fabric(fabric)
    return fabric


def fabric_hash(fabric: Fabric) -> int:
    """32 bits that tell fabrics apart, the same in every process and on every machine."""
    return zlib.crc32(repr(fabric).encode())


def check_fabric(fabric: Fabric) -> None:
    """Raise IllegalGraph where a fabric cannot be built."""
    if not fabric.kinds or not fabric.kinds[0]:
        _fail(fabric.name, "at least one row and one column", f"{len(fabric.kinds)} x 0 cells")
    if len({len(row) for row in fabric.kinds}) > 1:
        _fail(fabric.name, "rows of one length", str([len(row) for row in fabric.kinds]))
    for name, low, high in (
        ("word_bits", 2, 32),
        ("registers", 0, 64),
        ("contexts", 1, 256),
        ("stages", 1, 256),
        ("loops", 1, 6),
        ("trip_bits", 1, 16),
    ):
        value = getattr(fabric, name)
        if not low <= value <= high:
            _fail(fabric.name, f"{low} <= {name} <= {high}", str(value))
    longest = max(fabric.rows, fabric.columns) - 1
    if fabric.hops != tuple(sorted(set(fabric.hops))) or any(
        not 1 <= hop <= max(1, longest) for hop in fabric.hops
    ):
        _fail(fabric.name, f"increasing hops of 1 to {longest}", str(list(fabric.hops)))
    for kind in fabric.pe_kinds:
        _check_kind(fabric, kind)
    _check_tiles(fabric)


def _check_kind(fabric: Fabric, kind: PeKind) -> None:
    where = f"{fabric.name}, processing element kind {kind.name}"
    for operator, latency in kind.latencies:
        if operator not in WORD_OPERATORS:
            near = difflib.get_close_matches(operator, WORD_OPERATORS, n=2)
            _fail(where, f"word operators{' such as ' if near else ''}{', '.join(near)}", operator)
        if latency < 1:
            _fail(where, f"a latency of 1 or more for {operator}", str(latency))
        if WORD_OPERATORS[operator].accumulates:
            if latency < 2:
                _fail(where, f"a latency of 2 or more for {operator}", str(latency))
            if fabric.accumulator_bits < fabric.word_bits or fabric.accumulator_bits > 64:
                _fail(
                    where,
                    f"accumulator_bits of {fabric.word_bits} to 64 for {operator}",
                    str(fabric.accumulator_bits),
                )
    late = sorted({latency for _, latency in kind.latencies if latency > 1})
    if len(late) > 1:
        _fail(where, "one latency above 1 for all slower operators", str(late))


def _check_tiles(fabric: Fabric) -> None:
    places = [(tile.side, tile.cell) for tile in fabric.tiles]
    if len(set(places)) != len(places):
        _fail(fabric.name, "one tile on each side of a cell", str(places))
    for tile in fabric.tiles:
        where = f"{fabric.name}, tile {tile.name}"
        if tile.cell not in border(fabric.rows, fabric.columns, tile.side):
            _fail(where, f"a cell of the {tile.side} border", str(tile.cell))
        if tile.bits not in (8, 16, 32) or tile.bits > max(8, fabric.word_bits):
            _fail(
                where, f"elements of 8, 16 or 32 bits, at most {fabric.word_bits}", str(tile.bits)
            )
        if tile.words < 2 or min(tile.read_generators, tile.write_generators) < 1:
            _fail(where, "2 words and a generator of each kind at least", str(tile))
        if tile.parameters and (not fabric.drain or tile.side != "west"):
            _fail(where, "parameters of west tiles of a fabric with drain only", str(tile.side))
    if fabric.drain and not any(tile.side == "west" for tile in fabric.tiles):
        _fail(fabric.name, "west tiles at the end of the drain chains", "none")


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


def _only(fields: Mapping[str, Any], known: set[str], name: str) -> None:
    for key in fields:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise BadFile(
                f"fabric {name}",
                f"expected keys {', '.join(sorted(known))}; found {key!r}",
                f"Did you mean {near[0]!r}?" if near else "Remove it.",
            )


def _kind(name: str, item: Mapping[str, Any]) -> PeKind:
    _only(item, {"name", "operators"}, f"{name}, pe")
    return PeKind(
        str(item["name"]), tuple((str(o), int(cycles)) for o, cycles in item["operators"].items())
    )


def _grid(
    name: str, fields: Mapping[str, Any], kinds: tuple[PeKind, ...]
) -> tuple[tuple[str, ...], ...]:
    """The kind of every cell: named one by one, or the only kind everywhere."""
    rows, columns = int(fields["rows"]), int(fields["columns"])
    if rows < 1 or columns < 1:
        _fail(name, "at least one row and one column", f"{rows} x {columns}")
    known = [kind.name for kind in kinds]
    if "kinds" not in fields:
        if len(kinds) != 1:
            _fail(name, "'kinds' to say which cell is of which kind", f"{len(kinds)} kinds")
        return ((known[0],) * columns,) * rows
    grid = tuple(tuple(map(str, row)) for row in fields["kinds"])
    if len(grid) != rows or any(len(row) != columns for row in grid):
        _fail(name, f"{rows} rows of {columns} kinds", str([len(row) for row in grid]))
    for row in grid:
        for kind in row:
            if kind not in known:
                _fail(name, f"kinds {', '.join(known)}", kind)
    return grid


def _tiles(
    name: str, item: Mapping[str, Any], grid: tuple[tuple[str, ...], ...]
) -> list[MemoryTile]:
    """One tile for each position named in ``at`` along its side (all, if there is no ``at``)."""
    _only(item, TILE_KEYS, f"{name}, tile")
    side = item["side"]
    if side not in SIDES:
        _fail(name, f"a side of {', '.join(SIDES)}", repr(side))
    cells = border(len(grid), len(grid[0]), side)
    places = item.get("at", range(len(cells)))
    for place in places:
        if not 0 <= place < len(cells):
            _fail(name, f"{side} tiles at 0 to {len(cells) - 1}", str(place))
    return [
        MemoryTile(
            name=f"{side}_{place}",
            side=side,
            cell=cells[place],
            words=int(item["words"]),
            bits=int(item["bits"]),
            read_generators=int(item["read_generators"]),
            write_generators=int(item["write_generators"]),
            parameters=int(item.get("parameters", 0)),
        )
        for place in places
    ]


def _fail(where: str, expected: str, found: str) -> NoReturn:
    raise IllegalGraph(
        where if where.startswith("fabric") else f"fabric {where}",
        f"expected {expected}; found {found}",
        "Change the fabric's description.",
    )
