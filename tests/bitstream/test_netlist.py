"""After synthesis the circuit still computes what it should: the netlist of cells is simulated in place of the Verilog."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from support.folders import rehash

import hlsgen
from hlsgen.bitstream.build import synthesised
from hlsgen.bitstream.ice40 import Ice40
from hlsgen.bitstream.steps import Place
from hlsgen.bitstream.synthesis import SynthesisJob
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.processes import Running
from hlsgen.progress import silent

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


def cell_models() -> str:
    """Yosys' simulation models of the iCE40 cells (the only open family whose multiplier and RAM are modelled)."""
    package = importlib.util.find_spec("pyosys")
    assert package is not None and package.origin is not None
    return (Path(package.origin).parent / "share" / "ice40" / "cells_sim.v").read_text()


@pytest.mark.slow
def test_the_synthesised_netlist_of_digits_is_bit_exact(tmp_path: Path) -> None:
    """Multipliers, block RAMs read and written in one cycle, and initial contents all pass through synthesis."""
    design = hlsgen.compile(
        DIGITS / "digits.onnx", board="icebreaker", target_fps=2000, output=tmp_path / "digits"
    )
    folder = tmp_path / "netlist"
    folder.mkdir()
    (folder / "design.v").write_text(design.verilog)
    job = SynthesisJob(("design.v",), design.manifest.top)
    synthesised(Ice40(), Place(folder, silent, Running()), job)
    (folder / "netlist.ys").write_text("read_json top.json\nwrite_verilog -noattr netlist.v\n")
    run_tool(YOSYS, ("netlist.ys",), folder, "netlist.log", what="writing the netlist")
    netlist = (folder / "netlist.v").read_text()
    assert "SB_MAC16" in netlist and "SB_RAM40_4K" in netlist

    text = f"`define NO_ICE40_DEFAULT_ASSIGNMENTS\n{netlist}\n{cell_models()}"
    (design.directory / "design.v").write_text(text)
    rehash(design.directory, "design.v")
    with np.load(DIGITS / "samples.npz") as samples:
        result = design.verify(inputs=dict(samples), samples=40, engine="fast")
    assert result.mismatches == result.ort_mismatches == 0
