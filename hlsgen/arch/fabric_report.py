"""The figures of a fabric: what it has, and how many words configure it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlsgen.arch.configuration_words import (
    control_fields,
    pe_fields,
    string_words,
    tile_context_fields,
    tile_fields,
)
from hlsgen.arch.fabric import Fabric
from hlsgen.arch.fabric_file import fabric_hash


def fabric_report(fabric: Fabric) -> dict[str, Any]:
    """Sizes of a fabric. ``configuration_words``: of the load port, for one slot of every unit and all that does not change from slot to slot."""
    per_slot = sum(string_words(pe_fields(fabric, cell)) for cell in fabric.cells)
    per_slot += sum(string_words(tile_context_fields(fabric, tile)) for tile in fabric.tiles)
    rest = sum(string_words(tile_fields(fabric, tile)) for tile in fabric.tiles)
    return {
        "fabric": fabric.name,
        "hash": f"{fabric_hash(fabric):08x}",
        "rows": fabric.rows,
        "columns": fabric.columns,
        "word_bits": fabric.word_bits,
        "operators": sorted({name for kind in fabric.pe_kinds for name in kind.operators}),
        "hops": list(fabric.hops),
        "torus": fabric.torus,
        "registers": fabric.registers,
        "contexts": fabric.contexts,
        "stages": fabric.stages,
        "tiles": [
            {"name": tile.name, "words": tile.words, "bits": tile.bits} for tile in fabric.tiles
        ],
        "configuration_words_per_slot": per_slot,
        "configuration_words_once": rest + string_words(control_fields(fabric)),
    }


def fabric_report_text(report: Mapping[str, Any]) -> str:
    """The figures for people."""
    links = "torus" if report["torus"] else "mesh"
    lines = [
        f"{report['fabric']} (hash {report['hash']}): {report['rows']} x {report['columns']} processing elements of"
        f" {report['word_bits']} bits, {links}, links over {', '.join(map(str, report['hops']))}",
        f"operators: {', '.join(report['operators'])}",
        f"{report['registers']} rotating registers, {report['contexts']} contexts, {report['stages']} stages",
        f"memory tiles: {', '.join(_tile(tile) for tile in report['tiles'])}",
        f"configuration: {report['configuration_words_per_slot']} words a slot and {report['configuration_words_once']} once",
    ]
    return "\n".join([*lines, ""])


def _tile(tile: Mapping[str, Any]) -> str:
    return f"{tile['name']} ({tile['words']} x {tile['bits']} bits)"
