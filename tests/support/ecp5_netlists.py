"""Netlists of ECP5 before and after a step that changes them, compared by yosys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amaranth.back import rtlil

from hlsgen.bitstream.build import synthesised
from hlsgen.bitstream.ecp5 import Ecp5
from hlsgen.bitstream.netlist import Netlist
from hlsgen.bitstream.netlist_verilog import model_commands
from hlsgen.bitstream.steps import Workplace
from hlsgen.bitstream.synthesis import SynthesisJob
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.processes import Running
from hlsgen.progress import silent


def mapped(folder: Path, unit: Any) -> Netlist:
    """What yosys makes of a unit, before the steps of the netlist: ``mapped.json``."""
    (folder / "unit.il").write_text(rtlil.convert(unit, name="unit", emit_src=False))
    synthesised(Ecp5(), Workplace(folder, silent, Running()), SynthesisJob(("unit.il",), "unit"))
    return Netlist.read(folder / "mapped.json")


def compare(folder: Path, changed: Netlist, proof: str, flattened: Sequence[str] = ()) -> None:
    """Compare a netlist with ``mapped.json``, by ``proof``: options of yosys' ``sat``; ``flattened``: passes on both. Raises ToolFailed."""
    changed.write(folder / "changed.json")
    Netlist.read(folder / "mapped.json").write(folder / "plain.json")  # without yosys' own models
    commands: list[str] = []
    for side, file in (("gold", "plain.json"), ("gate", "changed.json")):
        commands += [f"read_json {file}", *model_commands(folder, "ecp5")]
        commands += ["hierarchy -check -top unit", "proc", "flatten", *flattened, "opt_clean"]
        commands += [f"rename unit {side}", f"design -stash {side}"]
    commands += [f"design -copy-from {side} {side}" for side in ("gold", "gate")]
    commands += ["miter -equiv -flatten gold gate miter", "hierarchy -top miter"]
    commands += [f"sat -verify {proof} -prove trigger 0 miter"]
    (folder / "equal.ys").write_text("\n".join(commands) + "\n")
    run_tool(YOSYS, ("equal.ys",), folder, "equal.log")
