"""The figures of a fabric: what it has, and how many words configure it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from hlsgen.algebra.fields import string_words
from hlsgen.artefact.report import Head, Report
from hlsgen.fabric.configuration_words import (
    control_fields,
    pe_fields,
    step_fields,
    tile_context_fields,
    tile_fields,
)
from hlsgen.fabric.file import fabric_hash, presets
from hlsgen.fabric.ir import Fabric, MemoryTile


def fabric_report(fabric: Fabric) -> Report:
    """Sizes of a fabric. ``configuration_words``: of the load port, for one slot of every unit and all that does not change from slot to slot.

    ``kinds``: every kind of PE with its number of ``pes`` and the ``latencies`` of its operators in cycles.
    """
    per_slot = sum(string_words(pe_fields(fabric, cell)) for cell in fabric.cells)
    per_slot += sum(string_words(tile_context_fields(fabric, tile)) for tile in fabric.tiles)
    rest = sum(_once(fabric, tile) for tile in fabric.tiles)
    counts = Counter(kind for row in fabric.kinds for kind in row)
    details = {
        "hash": f"{fabric_hash(fabric):08x}",
        "rows": fabric.rows,
        "columns": fabric.columns,
        "word_bits": fabric.word_bits,
        "accumulator_bits": fabric.accumulator_bits,
        "operators": sorted({name for kind in fabric.pe_kinds for name in kind.operators}),
        "kinds": [
            {
                "name": kind.name,
                "pes": counts[kind.name],
                "latencies": dict(kind.latencies),
            }
            for kind in fabric.pe_kinds
        ],
        "hops": list(fabric.hops),
        "torus": fabric.torus,
        "registers": fabric.registers,
        "contexts": fabric.contexts,
        "stages": fabric.stages,
        "drain": fabric.drain,
        "tiles": [
            {"name": tile.name, "words": tile.words, "bits": tile.bits} for tile in fabric.tiles
        ],
        "configuration_words_per_slot": per_slot,
        "configuration_words_once": rest + string_words(control_fields(fabric)),
    }
    return Report(fabric.name, Head(), details, _text(fabric.name, details))


def _once(fabric: Fabric, tile: MemoryTile) -> int:
    """Words of a tile for what does not change from slot to slot, all steps of all its generators included."""
    words = string_words(tile_fields(fabric, tile))
    for port, count in (("read", tile.read_generators), ("write", tile.write_generators)):
        words += count * (fabric.loops + 1) * string_words(step_fields(fabric, tile, port))
    return words


def _text(name: str, report: Mapping[str, Any]) -> str:
    """The figures for people."""
    lines = [
        f"{name} (hash {report['hash']}): {report['rows']} x {report['columns']} PEs of"
        f" {report['word_bits']} bits{_accumulators(report)}",
        _links(report),
        *(_kind(kind) for kind in report["kinds"]),
        f"{report['registers']} rotating registers a PE, {report['contexts']} contexts, {report['stages']} stages",
        f"memory tiles: {', '.join(_tiles(report['tiles'])) or 'none'}",
        f"configuration: {report['configuration_words_per_slot']} words a slot and {report['configuration_words_once']} once",
    ]
    return "\n".join([*lines, ""])


def preset_rows() -> list[tuple[str, str, int, str, str, str]]:
    """For each preset: name, rows x columns, bits of a word, operators, memory tiles, title."""
    rows = []
    for preset in presets():
        fabric = preset.fabric
        alike = Counter((tile.side, tile.words, tile.bits) for tile in fabric.tiles)
        tiles = [f"{n} {side} of {words} x {bits}" for (side, words, bits), n in alike.items()]
        operators = [f"{len(kind.operators)} ({kind.name})" for kind in fabric.pe_kinds]
        size = f"{fabric.rows} x {fabric.columns}"
        row = (fabric.name, size, fabric.word_bits, ", ".join(operators), ", ".join(tiles))
        rows.append((*row, preset.title))
    return rows


def _accumulators(report: Mapping[str, Any]) -> str:
    if not report["accumulator_bits"]:
        return ""
    chained = ", chained westwards" if report["drain"] else ""
    return f", accumulators of {report['accumulator_bits']}{chained}"


def _links(report: Mapping[str, Any]) -> str:
    express = [f"express links {hop} cells far" for hop in report["hops"] if hop > 1]
    near = ["links to neighbours"] if 1 in report["hops"] else []
    return f"{'torus' if report['torus'] else 'mesh'}: {', '.join([*near, *express])}"


def _kind(kind: Mapping[str, Any]) -> str:
    operators = (
        f"{name}{f' ({cycles} cycles)' if cycles > 1 else ''}"
        for name, cycles in kind["latencies"].items()
    )
    return f"{kind['pes']} PEs {kind['name']}: {', '.join(operators)}"


def _tiles(tiles: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Neighbours of one size together."""
    for (words, bits), group in groupby(tiles, lambda tile: (tile["words"], tile["bits"])):
        names = [tile["name"] for tile in group]
        named = f"{names[0]} ... {names[-1]}" if len(names) > 2 else ", ".join(names)
        yield f"{len(names)} of {words} x {bits} bits ({named})"
