"""Synthesis gives a circuit that is proved equal to the Verilog, also where ``abc9`` would err or stops."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hlsgen.bitstream.build import TOOLCHAINS, synthesised
from hlsgen.bitstream.ice40 import Ice40
from hlsgen.bitstream.netlist import Netlist
from hlsgen.bitstream.steps import Workplace
from hlsgen.bitstream.synthesis import NETLIST, SynthesisJob, notes_of, plain_names
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.errors import ToolFailed
from hlsgen.processes import Running
from hlsgen.progress import silent

MODELS = {
    "ecp5": "-overwrite +/lattice/cells_sim_ecp5.v",  # reads files that define modules twice
    "ice40": "-defer +/ice40/cells_sim.v",
    "gowin": "-defer +/gowin/cells_sim.v",
    "xilinx7": "-defer +/xilinx/cells_sim.v",
}
"""yosys' models of each family's cells."""
FAMILIES = [
    pytest.param(family, marks=[pytest.mark.slow] if family == "xilinx7" else [])
    for family in TOOLCHAINS
]
PROOF = """
read_json top.json
delete =A:blackbox =A:whitebox
read_verilog {models}
hierarchy -top model
proc
flatten
rename model gate
design -stash gate
read_verilog -sv design.v
prep -top model
rename model gold
design -copy-from gate gate
miter -equiv -flatten -make_outputs gold gate miter
hierarchy -top miter
proc
opt -full
async2sync
dffunmap
sat -verify -prove trigger 0 -seq 3 -tempinduct -set-init-zero miter
"""
BRACKETS = """
module model(input clk, input [1:0] a, input [1:0] b, output [1:0] y, output [1:0] z);
  {first}
  {second}
  always @(posedge clk) begin
    x <= a;
    \\x[1] <= b;
  end
  assign y = x + a;
  assign z = \\x[1] ^ a;
endmodule
"""
REGISTERS = ("reg [1:0] \\x ;", "reg [1:0] \\x[1] ;")


SUM_OF_PRODUCTS = """
module lane(input clk, input signed [7:0] a, input signed [7:0] b, output reg signed [15:0] p);
  reg signed [7:0] a_r, b_r;
  always @(posedge clk) begin a_r <= a; b_r <= b; p <= a_r * b_r; end
endmodule
module model(input clk, input [15:0] a, input [15:0] b, output reg signed [16:0] s);
  wire signed [15:0] p0, p1;
  lane lane_0(clk, a[7:0], b[7:0], p0);
  lane lane_1(clk, a[15:8], b[15:8], p1);
  always @(posedge clk) s <= p0 + p1;
endmodule
"""


def place_of(folder: Path, verilog: str) -> Workplace:
    (folder / "design.v").write_text(verilog)
    return Workplace(folder, silent, Running())


def prove_equal(folder: Path, family: str) -> None:
    """``top.json`` computes what ``design.v`` does."""
    (folder / "proof.ys").write_text(PROOF.format(models=MODELS[family]))
    run_tool(YOSYS, ("proof.ys",), folder, "proof.log")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("order", [1, -1])
def test_a_name_with_brackets_is_not_taken_for_a_bit(
    tmp_path: Path, family: str, order: int
) -> None:
    """yosys 0.70 by itself connects bit 1 of x with bit 0 of the other register, or stops, depending on which is declared first."""
    first, second = REGISTERS[::order]
    place = place_of(tmp_path, BRACKETS.format(first=first, second=second))
    synthesised(TOOLCHAINS[family], place, SynthesisJob(("design.v",), "model"))
    assert notes_of(tmp_path) == ()
    prove_equal(tmp_path, family)


def test_only_brackets_inside_names_are_replaced() -> None:
    verilog = "assign \\a[0][1] [3:0] = {b[7:0], \\c.d[2] , $signed(e[1])};"
    assert plain_names(verilog) == "assign \\a<0><1> [3:0] = {b[7:0], \\c.d<2> , $signed(e[1])};"
    rtlil = "connect \\a[0] [1] $auto$x[3]"
    assert plain_names(rtlil, rtlil=True) == "connect \\a<0> [1] $auto$x<3>"


@pytest.mark.parametrize("family", FAMILIES)
def test_where_abc9_fails_abc_maps_and_a_note_says_so(
    tmp_path: Path, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain = TOOLCHAINS[family]
    broken = (*toolchain.wrappers, "scratchpad -set abc9.script +no_such_command")
    monkeypatch.setattr(type(toolchain), "wrappers", broken)
    place = place_of(tmp_path, BRACKETS.format(first=REGISTERS[0], second=REGISTERS[1]))
    usage = synthesised(toolchain, place, SynthesisJob(("design.v",), "model"))
    assert usage.lut > 0 and usage.ff == 4
    assert json.loads((tmp_path / "mapping.json").read_text())["mapper"] == "abc"
    (note,) = notes_of(tmp_path)
    assert "abc9 failed" in note and "mapping.log" in note
    assert (tmp_path / "mapping.log").exists()
    prove_equal(tmp_path, family)


def test_a_design_that_no_mapper_takes_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ice40, "wrappers", (*Ice40.wrappers, "no_such_pass"))
    place = place_of(tmp_path, BRACKETS.format(first=REGISTERS[0], second=REGISTERS[1]))
    with pytest.raises(ToolFailed, match="no_such_pass"):
        synthesised(Ice40(), place, SynthesisJob(("design.v",), "model"))
    shutil.rmtree(tmp_path)


def test_the_sum_of_two_registered_products_keeps_both_on_ice40(tmp_path: Path) -> None:
    """yosys' own order of steps gives the register of one product to the block that adds, and leaves nothing to fill it."""
    place = place_of(tmp_path, SUM_OF_PRODUCTS)
    synthesised(TOOLCHAINS["ice40"], place, SynthesisJob(("design.v",), "model"))
    netlist = Netlist.read(tmp_path / NETLIST)
    blocks = [cell for cell in netlist.cells.values() if cell["type"] == "SB_MAC16"]
    assert len(blocks) == 2
    assert not any("x" in block["connections"][port] for block in blocks for port in "ABCD")
    assert not any(kind.startswith("SB_DFF") for kind in netlist.counts()), "all are in the blocks"
