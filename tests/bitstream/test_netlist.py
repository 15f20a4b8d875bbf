"""After synthesis the circuit still computes what it should: the netlist of cells is simulated in place of the Verilog."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.folders import rehash

import hlsgen
from hlsgen.bitstream.build import TOOLCHAINS, synthesised
from hlsgen.bitstream.netlist_verilog import netlist_verilog
from hlsgen.bitstream.steps import Workplace
from hlsgen.bitstream.synthesis import NETLIST, SynthesisJob
from hlsgen.errors import BadOption
from hlsgen.processes import Running
from hlsgen.progress import silent

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "board", "rate", "cells"),
    [
        ("ice40", "icebreaker", 2000, ("SB_MAC16", "SB_RAM40_4K")),
        ("ecp5", "ulx3s_85f", 20000, ("REG_OUTPUT_CLK", "OUTREG", "CCU2C", "TRELLIS_DPR16X4")),
    ],
)
def test_the_synthesised_netlist_of_digits_is_bit_exact(
    family: str, board: str, rate: int, cells: tuple[str, ...], tmp_path: Path
) -> None:
    """Multipliers, block RAMs read and written in one cycle, and initial contents all pass through synthesis."""
    design = hlsgen.compile(
        DIGITS / "digits.onnx", board=board, target_fps=rate, output=tmp_path / "digits"
    )
    folder, top = tmp_path / "netlist", design.manifest.top
    folder.mkdir()
    (folder / "design.v").write_text(design.verilog)
    place = Workplace(folder, silent, Running())
    synthesised(TOOLCHAINS[family], place, SynthesisJob(("design.v",), top))
    netlist = (folder / NETLIST).read_text()
    assert all(cell in netlist for cell in cells)

    (design.directory / "design.v").write_text(netlist_verilog(folder, family, top))
    rehash(design.directory, "design.v")
    with np.load(DIGITS / "samples.npz") as samples:
        result = design.verify(inputs=dict(samples), samples=40, engine="fast")
    assert result.mismatches == result.ort_mismatches == 0


def test_a_family_whose_cells_have_no_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="expected one of ecp5, ice40"):
        netlist_verilog(tmp_path, "xilinx7", "hlsgen_top")
