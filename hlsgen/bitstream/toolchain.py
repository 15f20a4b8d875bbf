"""What every FPGA family offers to the build: synthesis, constraints, place and route, packing."""

from __future__ import annotations

import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from amaranth.build.dsl import Subsignal

from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.board import Board
from hlsgen.errors import BadFile
from hlsgen.progress import Progress, silent


@dataclass(frozen=True)
class Usage:
    """Resources of a design, in the units of ``Board``; ``cells`` counts every kind of primitive after synthesis."""

    lut: int
    ff: int
    dsp: int
    bram: int
    cells: Mapping[str, int]


@dataclass(frozen=True)
class Pins:
    """Package pins of the board's oscillator and of its serial line (``rx`` goes into the FPGA), and their IO standard."""

    clock: str
    rx: str
    tx: str
    io_standard: str

    def named(self) -> tuple[tuple[str, str], ...]:
        """(port of the board top, package pin) of every port."""
        return (("clk", self.clock), ("rx", self.rx), ("tx", self.tx))


@dataclass(frozen=True)
class Target:
    """Where a design goes: the folder with ``top.json``, the board and its pins. ``large``: the design fills much of the device, so
    that room counts more than speed."""

    folder: Path
    board: Board
    pins: Pins
    large: bool


@dataclass(frozen=True)
class Routed:
    """What place and route gives: the bitstream (None where only scripts are written), frequency, resources."""

    bitstream: Path | None
    fmax_mhz: float | None
    usage: Usage
    utilisation: Mapping[str, Mapping[str, int]]


LARGE_LOGIC_PS = 16_000
"""Picoseconds that the logic of a path may take in a large design, whose wires take longer than its logic: cgra_4x4 on ECP5 has a fifth
fewer LUTs with this bound than where paths are as short as they can be."""


class Toolchain(ABC):
    """Open tools of one FPGA family. ``top`` is the name of the top module; files are named ``top.*`` in the folder."""

    family: ClassVar[str]
    memory_label: ClassVar[str | None] = "map_ram"
    """The step of the synthesis command that maps memories; None where block RAMs read old data without extra logic."""

    @abstractmethod
    def synthesis_command(self, board: Board | None, top: str) -> str:
        """The yosys command that maps the design to the family; without a board, out of context (no pads)."""

    @abstractmethod
    def count(self, cells: Mapping[str, int]) -> Usage:
        """Resources from the number of each kind of cell."""

    @abstractmethod
    def place_and_route(self, target: Target, synthesised: Usage, progress: Progress) -> Routed:
        """From ``top.json`` in the folder to a bitstream. Raises ToolFailed."""

    def synthesise(
        self,
        folder: Path,
        sources: tuple[str, ...],
        top: str,
        board: Board | None = None,
        progress: Progress = silent,
        large: bool = False,
    ) -> Usage:
        """Synthesise ``sources`` (.v and .il files in ``folder``) to ``folder/top.json``. Raises ToolFailed.

        ``large`` (see Target): LUTs are saved as long as no path's logic takes longer than LARGE_LOGIC_PS (where yosys maps with abc9).
        """
        reads = (f"read_{'rtlil' if s.endswith('.il') else 'verilog -sv'} {s}" for s in sources)
        commands = (
            *reads,
            f"hierarchy -check -top {top}",
            *((f"scratchpad -set abc9.D {LARGE_LOGIC_PS}",) if large else ()),
            *self._mapping(self.synthesis_command(board, top)),
            "write_json top.json",
            "tee -q -o statistics.json stat -json",
        )
        (folder / "synthesis.ys").write_text("\n".join(commands) + "\n")
        stages = {
            "-- Running command `techmap": "mapping",
            "Executing ABC": "optimising logic",
            "Executing MEMORY_LIBMAP": "mapping memories",
        }
        run_tool(
            YOSYS,
            ("synthesis.ys",),
            folder,
            "synthesis.log",
            progress=progress,
            what="synthesis (yosys)",
            stages=stages,
        )
        return self.count(_cells(folder / "statistics.json"))

    def _mapping(self, command: str) -> tuple[str, ...]:
        """Synthesis with the declaration that memories marked ``no_collision`` never read a word while it is written.

        Verilog has no don't-care for that case, and yosys would build 20 to 60 LUTs and registers around every block RAM to
        return the old word.
        """
        if self.memory_label is None:
            return (command,)
        return (
            f"{command} -run begin:{self.memory_label}",
            "setparam -set RD_COLLISION_X_MASK 1'1 "
            "t:$mem_v2 a:no_collision %i r:RD_PORTS=1 %i r:WR_PORTS=1 %i",
            f"{command} -run {self.memory_label}:",
        )


def pins_of(board: Board) -> Pins:
    """The pins of a board: from its amaranth-boards class where the file names one, else from the file."""
    if "pins" in board.build:
        return Pins(**board.build["pins"])
    if "platform" not in board.build:
        raise BadFile(
            f"boards/{board.name}.toml",
            "expected a table [platform] or [pins]; found neither",
            "Add the pins as docs/boards.md says.",
        )
    module, _, name = board.build["platform"]["class"].partition(":")
    platform = getattr(importlib.import_module(module), name)
    clock = _resource(platform.resources, platform.default_clk)
    uart = _resource(platform.resources, "uart")
    lines = {io.name: io for io in uart.ios if isinstance(io, Subsignal)}
    attributes = {**uart.attrs, **lines["rx"].attrs}
    standard = next(
        attributes[key] for key in ("IO_TYPE", "IO_STANDARD", "IOSTANDARD") if key in attributes
    )
    return Pins(
        clock=clock.ios[0].names[0],
        rx=lines["rx"].ios[0].names[0],
        tx=lines["tx"].ios[0].names[0],
        io_standard=standard,
    )


def _resource(resources: Any, name: str) -> Any:
    return next(resource for resource in resources if (resource.name, resource.number) == (name, 0))


def _cells(statistics: Path) -> Mapping[str, int]:
    """Number of cells of each kind in a flattened design, from yosys' ``stat -json``."""
    text = statistics.read_text()
    counts: Mapping[str, int] = json.loads(text[text.index("{") :])["design"]["num_cells_by_type"]
    return dict(sorted(counts.items()))


def read_report(path: Path) -> tuple[float | None, Mapping[str, Mapping[str, int]]]:
    """(slowest clock in MHz, used and available cells of each kind) from nextpnr's ``--report`` file."""
    report = json.loads(path.read_text())
    clocks = [float(clock["achieved"]) for clock in report.get("fmax", {}).values()]
    used = {kind: row for kind, row in report["utilization"].items() if row["used"]}
    return (min(clocks) if clocks else None), used


NEXTPNR_STAGES = {
    "Packing": "packing",
    "Creating initial": "placing",
    "Running simulated annealing": "refining the placement",
    "Routing..": "routing",
}
"""Texts of nextpnr's log at which a new part of its work begins."""
