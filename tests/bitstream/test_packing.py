"""LUTs as nextpnr counts them once it has packed, known from the netlist."""

from __future__ import annotations

from pathlib import Path

import pytest
from amaranth.back import rtlil
from bitstream.test_carry_ecp5 import Chains

from benchmarks.unit_bench import TOP, Surroundings
from hlsgen.bitstream.build import TOOLCHAINS, synthesised
from hlsgen.bitstream.netlist import Net, Netlist, Pin
from hlsgen.bitstream.packing import gowin_chain_ends, ice40_logic_cells
from hlsgen.bitstream.pins import pins_of
from hlsgen.bitstream.steps import Workplace
from hlsgen.bitstream.synthesis import NETLIST, SynthesisJob
from hlsgen.bitstream.toolchain import BoardTarget, OpenToolchain
from hlsgen.bitstream.tools import run_tool
from hlsgen.board import load_board
from hlsgen.processes import Running
from hlsgen.progress import silent


def empty() -> Netlist:
    top = {"attributes": {"top": "1"}, "ports": {}, "cells": {}}
    return Netlist({"modules": {"unit": top}})


def gowin_chain(length: int, read: bool) -> Netlist:
    """A chain of ALUs whose last carry is ``read`` by a LUT."""
    netlist, carry = empty(), "0"
    following: Net = carry
    for k in range(length):
        carry_next = netlist.fresh()
        netlist.add(f"alu_{k}", "ALU", {}, {"CIN": following}, {"COUT": carry_next})
        following = carry_next
    if read:
        netlist.add("lut", "LUT1", {}, {"I0": following}, {"F": netlist.fresh()})
    return netlist


@pytest.mark.parametrize(
    ("length", "read", "ends"), [(3, False, 1), (4, False, 2), (3, True, 3), (4, True, 2)]
)
def test_a_gowin_chain_has_a_head_and_even_length(length: int, read: bool, ends: int) -> None:
    assert gowin_chain_ends(gowin_chain(length, read)) == ends


def ice40_sum(sums: int) -> Netlist:
    """Carries of three bits, of which the lowest ``sums`` have their LUTs, with a flip-flop behind each."""
    netlist = empty()
    carry: Net = "0"
    for k in range(3):
        a, b, total, carry_next = (netlist.fresh() for _ in range(4))
        operands: dict[str, Net] = {"I0": a, "I1": b, "CI": carry}
        netlist.add(f"carry_{k}", "SB_CARRY", {}, operands, {"CO": carry_next})
        if k < sums:
            inputs: dict[str, Net] = {"I0": "0", "I1": a, "I2": b, "I3": carry}
            netlist.add(f"lut_{k}", "SB_LUT4", {}, inputs, {"O": total})
        netlist.add(f"ff_{k}", "SB_DFF", {}, {"D": total}, {"Q": netlist.fresh()})
        carry = carry_next
    return netlist


@pytest.mark.parametrize(("sums", "cells"), [(3, 3), (2, 4)])
def test_a_logic_cell_holds_carry_lut_and_flip_flop(sums: int, cells: int) -> None:
    """A carry and a flip-flop without a LUT between them take a cell each."""
    assert ice40_logic_cells(ice40_sum(sums)) == cells


def test_a_carry_that_logic_reads_takes_a_cell_more() -> None:
    netlist = ice40_sum(3)
    before = ice40_logic_cells(netlist)
    netlist.connect(Pin("lut_0", "I0", 0), netlist.net("carry_2", "CO"))
    assert ice40_logic_cells(netlist) == before + 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ulx3s_85f", "icebreaker", "tang_nano_9k"])
def test_nextpnr_packs_as_many_luts_as_are_counted(name: str, tmp_path: Path) -> None:
    board = load_board(name)
    toolchain = TOOLCHAINS[board.family]
    assert isinstance(toolchain, OpenToolchain)
    assert toolchain.carry_cells is not None
    top = Surroundings(Chains(cells=toolchain.carry_cells))
    text = rtlil.convert(top, name=TOP, ports=[top.clk, top.rx, top.tx], emit_src=False)
    (tmp_path / "unit.il").write_text(text)
    job = SynthesisJob(("unit.il",), TOP, board)
    usage = synthesised(toolchain, Workplace(tmp_path, silent, Running()), job)
    target = BoardTarget(board, pins_of(board), large=False)
    (tmp_path / toolchain.constraints_file).write_text(toolchain.constraints(target))
    pins = {"ecp5": "--lpf", "ice40": "--pcf", "gowin": "--vopt"}[board.family]
    file = "cst=" * (board.family == "gowin") + toolchain.constraints_file
    options = ("--json", NETLIST, *board.build["toolchain"]["nextpnr"], pins, file, "--pack-only")
    run_tool(toolchain.nextpnr, options, tmp_path, "pack.log")
    table = (tmp_path / "pack.log").read_text().rpartition(f"{toolchain.lut_kind}:")[2]
    packed = int(table.partition("/")[0])
    assert abs(packed - usage.lut) <= max(2, packed // 50)
