"""A synthesised netlist as Verilog of plain operators: each cell is replaced by its behaviour, so that any simulator runs it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from hlsgen import sim
from hlsgen.bitstream.netlist import Netlist
from hlsgen.bitstream.synthesis import NETLIST
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.progress import Progress, silent

MODELS: Mapping[str, tuple[str, ...]] = {
    "ecp5": ("+/lattice/common_sim.vh", "+/lattice/ccu2c_sim.vh", "cells_ecp5.v"),
    "ice40": ("+/ice40/cells_sim.v",),
}
"""Behaviour of a family's cells: yosys' own files (+/), and files of ``sim`` for the cells that it has no model of."""


def model_commands(folder: Path, family: str) -> tuple[str, ...]:
    """The yosys commands that read the models of a family's cells; those of ``sim`` are copied to ``folder``."""
    for name in MODELS[family]:
        if not name.startswith("+/"):
            shutil.copyfile(Path(sim.__file__).with_name(name), folder / name)
    read = "read_verilog -overwrite -DNO_INCLUDES -DNO_ICE40_DEFAULT_ASSIGNMENTS"
    return tuple(f"{read} {name}" for name in MODELS[family])


def netlist_verilog(folder: Path, family: str, top: str, progress: Progress = silent) -> str:
    """The Verilog of ``folder/NETLIST``, a netlist of module ``top``; in every cycle equal to what place and route gets.

    ``family``: a key of MODELS. Raises ToolFailed.
    """
    netlist = Netlist.read(folder / NETLIST)
    netlist.drop_open_outputs()
    netlist.write(folder / "simulated.json")
    commands = (
        "read_json simulated.json",
        *model_commands(folder, family),
        f"hierarchy -check -top {top}",
        "proc",
        "flatten",
        "opt_expr",
        "opt_clean",
        "write_verilog -noattr netlist.v",
    )
    (folder / "netlist.ys").write_text("\n".join(commands) + "\n")
    run_tool(
        YOSYS,
        ("netlist.ys",),
        folder,
        "netlist.log",
        progress=progress,
        what="the netlist as Verilog (yosys)",
    )
    return (folder / "netlist.v").read_text()
