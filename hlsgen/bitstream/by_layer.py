"""Which layer a cell of the built design belongs to: what each layer uses, and where the slowest path leads through.

Synthesis flattens the design and names every cell after the place of its registers or results in the hierarchy: ``circuit.conv1.array...``. A
cell that two layers could share is counted where its name says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from hlsgen.artefact.port import ProcessPoint
from hlsgen.bitstream.clocking import CIRCUIT_CLOCK
from hlsgen.bitstream.netlist import Netlist
from hlsgen.bitstream.toolchain import Toolchain

CIRCUIT = "circuit"
"""The instance of the design in the top of a board."""
REST = ""
"""The part of cells that belong to no instance of the design."""


def part_of(cell: str) -> str:
    """The instance in the design that a cell's name begins with; REST for any other cell."""
    first, _, rest = cell.partition(".")
    instance, dot, _ = rest.partition(".")
    return instance if first == CIRCUIT and dot else REST


def _where(cell: str) -> str:
    """The instance in the design, or else that in the top of the board."""
    return part_of(cell) or cell.partition(".")[0]


def counts_by_part(netlist: Netlist, toolchain: Toolchain) -> dict[str, dict[str, int]]:
    """Instance of the design -> number of cells of each kind, with what the placer makes of them."""
    names: dict[str, list[str]] = {}
    for cell in netlist.cells:
        names.setdefault(part_of(cell), []).append(cell)
    counts = {}
    for part, cells in sorted(names.items()):
        only = netlist.restricted(cells)
        counts[part] = {**only.counts(), **toolchain.packed(only)}
    return counts


def usage_by_layer(
    counts: Mapping[str, Mapping[str, int]], toolchain: Toolchain, points: Iterable[ProcessPoint]
) -> list[dict[str, Any]]:
    """``name``, ``lut``, ``ff``, ``dsp``, ``bram`` of every layer, in order."""
    rows = []
    for point in points:
        usage = toolchain.count(counts.get(point.instance, {}))
        row: dict[str, Any] = {"name": point.name}
        rows.append(
            row | {kind: int(getattr(usage, kind)) for kind in ("lut", "ff", "dsp", "bram")}
        )
    return rows


def critical_path(
    report: Path, two_clocks: bool, points: Sequence[ProcessPoint]
) -> dict[str, Any] | None:
    """The slowest path from register to register at the circuit's clock, of nextpnr's report; None where it has none.

    ``ns`` in all; ``parts`` in order: the ``layer`` (None: of none) or else the instance (``where``), with the ``logic_ns`` and
    ``routing_ns`` in it and the ``cells`` on the way. ``two_clocks``: the circuit has a clock of its own.
    """
    layers = {point.instance: point.name for point in points}
    paths = [
        path["path"]
        for path in json.loads(report.read_text()).get("critical_paths", ())
        if path["from"] == path["to"] and (CIRCUIT_CLOCK in path["from"] or not two_clocks)
    ]
    if not paths:
        return None
    slowest = max(paths, key=lambda path: sum(float(step["delay"]) for step in path))
    parts = []
    for where, steps in groupby(slowest, lambda step: _where(step["to"]["cell"])):
        delays = {True: 0.0, False: 0.0}
        cells = set()
        for step in steps:
            delays[step["type"] == "routing"] += float(step["delay"])
            cells.add(step["to"]["cell"])
        parts.append(
            {
                "layer": layers.get(where),
                "where": layers.get(where, where),
                "logic_ns": round(delays[False], 3),
                "routing_ns": round(delays[True], 3),
                "cells": len(cells),
            }
        )
    return {"ns": round(sum(float(step["delay"]) for step in slowest), 3), "parts": parts}
