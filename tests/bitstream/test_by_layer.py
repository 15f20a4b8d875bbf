"""Cells of a built design are counted by layer, and its slowest path is told by layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hlsgen.artefact.port import ProcessPoint
from hlsgen.bitstream.by_layer import counts_by_part, critical_path, part_of, usage_by_layer
from hlsgen.bitstream.ice40 import Ice40
from hlsgen.bitstream.netlist import Netlist

POINTS = (ProcessPoint("conv/1", "conv_1", "a", 1), ProcessPoint("pool", "pool", "b", 1))


def cell(kind: str, **connections: int) -> dict[str, Any]:
    return {
        "type": kind,
        "parameters": {},
        "port_directions": {p: "output" if p in ("O", "Q") else "input" for p in connections},
        "connections": {port: [net] for port, net in connections.items()},
    }


def netlist() -> Netlist:
    cells = {
        "circuit.conv_1.sum_LUT": cell("SB_LUT4", I0=2, O=3),
        "circuit.conv_1.sum_DFF": cell("SB_DFF", D=3, Q=4),
        "circuit.pool.a_DFF": cell("SB_DFF", D=4, Q=5),
        "circuit.pool.b_LUT": cell("SB_LUT4", I0=4, O=6),
        "circuit.ready_LUT": cell("SB_LUT4", I0=5, O=7),
        "link.count_DFF": cell("SB_DFF", D=6, Q=8),
    }
    module = {"attributes": {"top": "1"}, "ports": {}, "cells": cells, "netnames": {}}
    return Netlist({"modules": {"board_top": module}})


def test_the_name_of_a_cell_begins_with_its_place() -> None:
    assert part_of("circuit.conv_1.array.sum_LUT") == "conv_1"
    assert part_of("circuit.ready_LUT") == part_of("link.conv_1.x") == part_of("replay") == ""


def test_every_cell_is_counted_in_its_layer_as_the_placer_packs_it() -> None:
    counts = counts_by_part(netlist(), Ice40())
    assert sum(n["SB_DFF"] for n in counts.values()) == 3
    rows = usage_by_layer(counts, Ice40(), POINTS)
    assert [row["name"] for row in rows] == ["conv/1", "pool"]
    # The LUT and the flip-flop that it feeds share a logic cell; those of the pool do not.
    assert [(row["lut"], row["ff"]) for row in rows] == [(1, 1), (2, 1)]


def test_a_layer_without_cells_uses_nothing() -> None:
    (row,) = usage_by_layer({}, Ice40(), POINTS[:1])
    assert row == {"name": "conv/1", "lut": 0, "ff": 0, "dsp": 0, "bram": 0}


def step(kind: str, delay: float, to: str) -> dict[str, Any]:
    return {"type": kind, "delay": delay, "to": {"cell": to}, "from": {"cell": to}}


def test_the_slowest_path_is_told_by_layer(tmp_path: Path) -> None:
    slow = [
        step("clk-to-q", 0.5, "circuit.conv_1.a"),
        step("routing", 1.0, "circuit.conv_1.b"),
        step("logic", 0.25, "circuit.conv_1.b"),
        step("routing", 2.0, "circuit.pool.c"),
        step("setup", 0.125, "replay_0.d"),
    ]
    circuit, link = "posedge board.circuit_clk", "posedge clk"
    paths = [
        {"from": link, "to": link, "path": [step("routing", 99.0, "link.x")]},
        {"from": circuit, "to": circuit, "path": slow},
        {"from": circuit, "to": link, "path": [step("routing", 50.0, "link.y")]},
    ]
    report = tmp_path / "seed_1.json"
    report.write_text(json.dumps({"critical_paths": paths}))
    assert critical_path(report, True, POINTS) == {
        "ns": 3.875,
        "parts": [
            {"layer": "conv/1", "where": "conv/1", "logic_ns": 0.75, "routing_ns": 1.0, "cells": 2},
            {"layer": "pool", "where": "pool", "logic_ns": 0.0, "routing_ns": 2.0, "cells": 1},
            {"layer": None, "where": "replay_0", "logic_ns": 0.125, "routing_ns": 0.0, "cells": 1},
        ],
    }
    one_clock = critical_path(report, False, POINTS)
    assert one_clock is not None and one_clock["ns"] == 99.0
    report.write_text("{}")
    assert critical_path(report, True, POINTS) is None
