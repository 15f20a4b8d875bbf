"""Row ``cells``: the netlist that synthesis makes of a design is simulated in place of its Verilog, on the samples and against the same references."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import BUILT_INTERVALS, built_options, compiled_design
from hlsgen.artefact.folder import open_folder
from hlsgen.bitstream.netlist_design import netlist_design
from hlsgen.bitstream.netlist_verilog import MODELS
from hlsgen.bitstream.synthesis import STATISTICS
from hlsgen.board import load_board
from hlsgen.flow import verify

DESIGNS = tuple(
    design for design in BUILT_INTERVALS if load_board(design.partition("@")[2]).family in MODELS
)
SAMPLES = {"digits": 40}
"""Samples of the small designs; the others get one."""


def measure(design: str, sources: Sources, work: Path) -> Record:
    """Synthesise the design of the row ``boards`` by itself and run its cells."""
    name, board = design.split("@")
    options = built_options(design)
    compiled, report = compiled_design("cells", design, sources.model(name), work, **options)
    family = load_board(board).family
    netlist = netlist_design(open_folder(compiled.directory), family, work / f"{design}.cells")
    verify(netlist.directory, sources.inputs(name), samples=SAMPLES.get(name, 1), engine="fast")
    verified = json.loads((netlist.directory / "verify.json").read_text())
    counts = json.loads((netlist.directory / "netlist" / STATISTICS).read_text())
    command = f"python -m benchmarks.run cells {design}"
    return Record("cells", design, command, options, report | verified | {"cells": counts})
