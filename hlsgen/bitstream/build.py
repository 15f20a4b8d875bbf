"""``build``: from a compiled folder to a bitstream and ``build.json``; ``synthesise``: resources only."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hlsgen.artefact.board_ports import BoardPorts
from hlsgen.artefact.folder import Folder
from hlsgen.artefact.manifest import DESIGN
from hlsgen.artefact.manifest import TOP as UNNAMED
from hlsgen.bitstream.ecp5 import Ecp5
from hlsgen.bitstream.gowin import Gowin
from hlsgen.bitstream.ice40 import Ice40
from hlsgen.bitstream.toolchain import Routed, Target, Toolchain, Usage, pins_of
from hlsgen.bitstream.uart_top import TOP, BoardTop, to_rtlil
from hlsgen.bitstream.xilinx import Xilinx7
from hlsgen.board import Board, load_board
from hlsgen.errors import BadOption, ToolFailed
from hlsgen.progress import Progress, silent

TOOLCHAINS: Mapping[str, Toolchain] = {
    toolchain.family: toolchain for toolchain in (Ecp5(), Ice40(), Gowin(), Xilinx7())
}


@dataclass(frozen=True)
class BuildResult:
    """What ``build.json`` holds: what the built design uses, beside what the compiler predicted.

    ``fmax_mhz`` and ``bitstream`` (a path relative to the compiled folder) are None for Xilinx boards; ``board_mhz`` is
    the oscillator at which the bitstream runs; predictions are of the circuit without the serial link, and None where
    there is no report; ``utilisation`` is nextpnr's own table.
    """

    board: str
    lut: int
    ff: int
    dsp: int
    bram: int
    fmax_mhz: float | None
    board_mhz: float
    bitstream: str | None
    seconds: float
    predicted_lut: int | None
    predicted_ff: int | None
    predicted_dsp: int | None
    predicted_bram: int | None
    utilisation: Mapping[str, Mapping[str, int]]

    @property
    def meets_clock(self) -> bool | None:
        """Whether the design is fast enough for the board's oscillator; None where it is not known."""
        return None if self.fmax_mhz is None else self.fmax_mhz >= self.board_mhz

    def text(self) -> str:
        """The table that ``hlsgen build`` prints."""
        board = load_board(self.board)
        lines = [
            f"{board.title} ({board.device}), {self.seconds:.0f} s",
            f"{'':12}{'used':>8}{'predicted':>11}{'available':>11}",
        ]
        for kind in ("lut", "ff", "dsp", "bram"):
            predicted = getattr(self, f"predicted_{kind}")
            shown = "" if predicted is None else predicted
            lines.append(f"{kind:12}{getattr(self, kind):>8}{shown:>11}{getattr(board, kind):>11}")
        if self.fmax_mhz is None:
            lines.append(
                "no bitstream here: run 'vivado -mode batch -source build.tcl' in the build folder"
            )
            return "\n".join(lines)
        lines.append(f"fmax        {self.fmax_mhz:8.1f} MHz, oscillator {self.board_mhz:g} MHz")
        if not self.meets_clock:
            lines.append("TOO SLOW for the oscillator: the bitstream will not work on the board")
        lines.append(f"bitstream   {self.bitstream}")
        return "\n".join(lines)


def build_design(
    folder: Folder, ports: BoardPorts, board: str | None = None, progress: Progress = silent
) -> BuildResult:
    """Build the design of a folder for ``board`` (default: the one it was compiled for); ``ports``: what the serial line reaches.

    Writes ``build/<board>/`` with every file of the tools, the bitstream beside ``design.v`` and, last and atomically,
    ``build.json``. Raises BadFile, BadOption, ToolFailed.
    """
    started = time.monotonic()
    directory = folder.directory
    name = board or folder.manifest.board
    if name is None:
        raise BadOption(
            f"{directory}",
            "expected a board; the design was compiled for none",
            "Name one: --board; 'hlsgen boards' lists them.",
        )
    target = load_board(name)
    (directory / "build.json").unlink(missing_ok=True)
    work = directory / "build" / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / DESIGN).write_bytes(folder.read(DESIGN))
    (work / f"{TOP}.il").write_text(to_rtlil(board_top(ports, target, folder.manifest.top)))
    toolchain = TOOLCHAINS[target.family]
    sources = (DESIGN, f"{TOP}.il")
    usage = toolchain.synthesise(work, sources, TOP, target, progress, ports.large)
    routed = toolchain.place_and_route(
        Target(work, target, pins_of(target), ports.large), usage, progress
    )
    result = _result(folder, target, routed, time.monotonic() - started)
    folder.write("build.json", json.dumps(asdict(result), indent=2) + "\n")
    return result


def synthesise(
    directory: str | os.PathLike[str],
    family: str,
    progress: Progress = silent,
    large: bool = False,
    top: str = UNNAMED,
) -> Usage:
    """Resources of ``directory/design.v`` alone on a family (ecp5, ice40, gowin, xilinx7), without place and route.

    ``large`` as in ``Toolchain.synthesise``; ``top`` is the name of the design.
    """
    if family not in TOOLCHAINS:
        raise BadOption(
            f"family {family!r}",
            f"expected one of {', '.join(TOOLCHAINS)}; found {family!r}",
            "Choose a family of this list.",
        )
    directory = Path(directory)
    folder = Path(tempfile.mkdtemp(prefix="hlsgen_synthesis_"))
    try:
        shutil.copyfile(directory / "design.v", folder / "design.v")
        result = TOOLCHAINS[family].synthesise(
            folder, (DESIGN,), top, progress=progress, large=large
        )
    except ToolFailed:  # names the log in this folder
        raise
    except BaseException:
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)
    return result


def board_top(ports: BoardPorts, board: Board, module: str = UNNAMED) -> BoardTop:
    """The board top around a circuit with these ports."""
    return BoardTop(
        module=module,
        clock_mhz=board.clock_mhz,
        baud=board.build["uart"]["baud"],
        input_prefix=ports.input_prefix,
        output_prefix=ports.output_prefix,
        word_in=ports.word_in,
        word_out=ports.word_out,
        depth=ports.depth,
        input_last=ports.input_last,
        tied=ports.tied,
    )


def _result(folder: Folder, board: Board, routed: Routed, seconds: float) -> BuildResult:
    """Copy the bitstream beside the design and put the numbers together."""
    directory, report, bitstream = folder.directory, folder.report(), None
    if routed.bitstream is not None:
        bitstream = f"{board.name}{routed.bitstream.suffix}"
        shutil.copyfile(routed.bitstream, directory / bitstream)
    return BuildResult(
        board=board.name,
        lut=routed.usage.lut,
        ff=routed.usage.ff,
        dsp=routed.usage.dsp,
        bram=routed.usage.bram,
        fmax_mhz=routed.fmax_mhz,
        board_mhz=board.clock_mhz,
        bitstream=bitstream,
        seconds=round(seconds, 1),
        predicted_lut=report.get("lut"),
        predicted_ff=report.get("ff"),
        predicted_dsp=report.get("dsp"),
        predicted_bram=report.get("bram"),
        utilisation=routed.utilisation,
    )
