"""A board without a board: its top, as it is synthesised, simulated behind a pseudo-terminal in a process of its own."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hlsgen import sim
from hlsgen.artefact.board_ports import BoardPorts
from hlsgen.artefact.folder import Folder
from hlsgen.bitstream.board_top import TOP, BoardTop, Circuit, to_rtlil
from hlsgen.bitstream.clock_choice import ClockRequest, plan_clock
from hlsgen.bitstream.clocking import PLL
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.board import Board, board_of
from hlsgen.errors import BadOption, ToolFailed
from hlsgen.processes import started
from hlsgen.progress import Progress, silent
from hlsgen.verify.executables import Bench, build_bench
from hlsgen.verify.simulators import find_simulator

START_SECONDS = 60.0
"""How long a simulator may take to name its terminal."""


@dataclass(frozen=True)
class EmulatedBoard:
    """A simulator, and the frequencies in Hz of the board that it is."""

    program: Path
    oscillator_hz: int
    circuit_hz: int
    baud: int


def emulated_board(
    folder: Folder,
    ports: BoardPorts,
    board: str | None = None,
    clock: str | None = None,
    progress: Progress = silent,
) -> EmulatedBoard:
    """Build the simulator of a design's board, unless one of the same text is kept.

    The circuit's clock is that of ``clock`` (as for a build), else of the folder's ``build.json`` for this board, else the one that place and
    route would be asked for. Raises BadOption, ToolFailed, BadFile.
    """
    name = board or folder.manifest.board
    if name is None:
        raise BadOption(
            f"{folder.directory}",
            "expected a board; the design was compiled for none",
            "Name one: --board; 'hlsgen boards' lists them.",
        )
    known = board_of(folder.directory, name)
    plan = plan_clock(known, ClockRequest(clock or _built_clock(folder, known)), ports.large)
    manifest = folder.manifest
    top = BoardTop(known, Circuit(manifest.top, ports, manifest.verilog_sha256), plan.setting)
    progress("building the simulator of the board", None)
    verilog = _verilog(to_rtlil(top))
    header = f"#define PLL_CLOCK {TOP}__DOT__{PLL}__DOT__clock\n" if plan.setting else "\n"
    sources = {
        "board_top.v": verilog,
        "board.h": header,
        **{name: (Path(sim.__file__).parent / name).read_text() for name in _SIMULATED},
    }
    style = ("-O3", "-Wno-fatal", "-Wno-style", "-CFLAGS", "-std=c++17")
    arguments = ("-cc", "--exe", "--top-module", TOP, "--prefix", "Vtop", "-o", "simulator", *style)
    bench = Bench(
        "emulate",
        TOP,
        manifest.verilog_sha256,
        (*arguments, "board_top.v", *reversed(_SIMULATED)),
        sources,
    )
    circuit = known.clock_mhz if plan.setting is None else float(plan.setting.mhz)
    return EmulatedBoard(
        build_bench(folder.directory, bench, find_simulator()),
        round(known.clock_mhz * 1e6),
        round(circuit * 1e6),
        known.build["uart"]["baud"],
    )


_SIMULATED = ("plls.v", "emulate_main.cpp")


@contextmanager
def running(board: EmulatedBoard) -> Iterator[str]:
    """The name of the terminal behind which the board runs, while it does. Raises ToolFailed."""
    numbers = (board.oscillator_hz, board.circuit_hz, board.baud)
    command = (str(board.program.resolve()), *map(str, numbers))
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
        name = process.stdout.readline().strip() if ready else ""
        if not name:
            raise ToolFailed(
                "emulated board",
                f"expected the name of a terminal within {START_SECONDS:.0f} s, found none",
                "Does this system have pseudo-terminals (/dev/ptmx)?",
            )
        yield name


def serve(board: EmulatedBoard) -> Iterator[str]:
    """``running`` until the process is interrupted: the name of the terminal first, then the same again every second."""
    with running(board) as name:
        while True:
            yield name
            time.sleep(1.0)


def _built_clock(folder: Folder, board: Board) -> str | None:
    """The clock of the last build for this board, in digits."""
    try:
        built = json.loads((folder.directory / "build.json").read_text())
        if built["board"] != board.name:
            return None
        clock, oscillator = float(built["clock_mhz"]), float(built["oscillator_mhz"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return "oscillator" if clock == oscillator else f"{clock:.6f}"


def _verilog(text: str) -> str:
    """RTLIL of the top as Verilog."""
    folder = Path(tempfile.mkdtemp(prefix="hlsgen_emulate_"))
    try:
        (folder / "board_top.il").write_text(text)
        script = (
            "read_rtlil board_top.il\nproc\nmemory_collect\nwrite_verilog -noattr board_top.v\n"
        )
        (folder / "verilog.ys").write_text(script)
        run_tool(YOSYS, ("verilog.ys",), folder, "verilog.log", what="writing Verilog")
        return (folder / "board_top.v").read_text()
    finally:
        shutil.rmtree(folder)
