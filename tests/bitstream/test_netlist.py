"""After synthesis the circuit still computes what it should: the netlist of cells is simulated in place of the Verilog."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen.artefact.folder import Folder, open_folder
from hlsgen.artefact.manifest import Manifest
from hlsgen.bitstream.netlist_design import netlist_design
from hlsgen.bitstream.synthesis import NETLIST
from hlsgen.errors import BadOption
from hlsgen.flow import verify

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "board", "interval", "cells"),
    [
        ("ice40", "icebreaker", 6000, ("SB_MAC16", "SB_RAM40_4K")),
        ("ecp5", "ulx3s_85f", 1250, ("REG_OUTPUT_CLK", "OUTREG", "CCU2C", "TRELLIS_DPR16X4")),
    ],
)
def test_the_synthesised_netlist_of_digits_is_bit_exact(
    family: str, board: str, interval: int, cells: tuple[str, ...], tmp_path: Path
) -> None:
    """Multipliers, block RAMs read and written in one cycle, and initial contents all pass through synthesis."""
    design = hlsgen.compile(
        DIGITS / "digits.onnx", board=board, interval=interval, output=tmp_path / "digits"
    )
    netlist = netlist_design(open_folder(design.directory), family, tmp_path / "cells")
    assert all(cell in (netlist.directory / "netlist" / NETLIST).read_text() for cell in cells)
    with np.load(DIGITS / "samples.npz") as samples:
        result = verify(netlist.directory, dict(samples), samples=40, engine="fast")
    assert result.mismatches == result.ort_mismatches == 0


def test_a_family_whose_cells_have_no_models_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path, Manifest(kind="stream_network"))
    with pytest.raises(BadOption, match="expected one of ecp5, ice40"):
        netlist_design(folder, "xilinx7", tmp_path / "cells")
    assert not (tmp_path / "cells").exists()
