"""``build``: from a compiled folder to a bitstream and ``build.json``; ``synthesise``: resources only."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hlsgen.bitstream.ecp5 import Ecp5
from hlsgen.bitstream.gowin import Gowin
from hlsgen.bitstream.ice40 import Ice40
from hlsgen.bitstream.toolchain import Routed, Target, Toolchain, Usage, pins_of
from hlsgen.bitstream.uart_top import TOP, BoardTop, to_rtlil
from hlsgen.bitstream.xilinx import Xilinx7
from hlsgen.board import Board, load_board
from hlsgen.errors import BadFile, BadOption, ToolFailed
from hlsgen.progress import Progress, silent

TOOLCHAINS: Mapping[str, Toolchain] = {
    toolchain.family: toolchain for toolchain in (Ecp5(), Ice40(), Gowin(), Xilinx7())
}
LINK_BYTES = (512, 2048)
"""Least and most bytes of input that the link's FIFO holds: less would be no smaller, more takes several block RAMs."""


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


def build(
    directory: str | os.PathLike[str], board: str | None = None, progress: Progress = silent
) -> BuildResult:
    """Build a compiled folder for ``board`` (default: the one it was compiled for).

    Writes ``build/<board>/`` with every file of the tools, the bitstream beside ``design.v`` and, last and atomically,
    ``build.json``. Raises BadFile, BadOption, ToolFailed.
    """
    started = time.monotonic()
    directory = Path(directory)
    manifest = read_manifest(directory)
    name = board or manifest.get("board")
    if name is None:
        raise BadOption(
            f"{directory}",
            "expected a board; the design was compiled for none",
            "Name one: --board; 'hlsgen boards' lists them.",
        )
    target = load_board(name)
    (directory / "build.json").unlink(missing_ok=True)
    folder = directory / "build" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(directory / "design.v", folder / "design.v")
    (folder / f"{TOP}.il").write_text(to_rtlil(board_top(manifest, target, directory)))
    toolchain = TOOLCHAINS[target.family]
    sources = ("design.v", f"{TOP}.il")
    large = manifest.get("schedule") == "grid"
    usage = toolchain.synthesise(folder, sources, TOP, target, progress, large)
    routed = toolchain.place_and_route(
        Target(folder, target, pins_of(target), large), usage, progress
    )
    result = _result(directory, target, routed, time.monotonic() - started)
    _write_atomically(directory / "build.json", json.dumps(asdict(result), indent=2) + "\n")
    return result


def synthesise(
    directory: str | os.PathLike[str],
    family: str,
    progress: Progress = silent,
    large: bool = False,
) -> Usage:
    """Resources of ``directory/design.v`` alone on a family (ecp5, ice40, gowin, xilinx7), without place and route.

    ``large`` as in ``Toolchain.synthesise``.
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
            folder, ("design.v",), "hlsgen_top", progress=progress, large=large
        )
    except ToolFailed:  # names the log in this folder
        raise
    except BaseException:
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)
    return result


def board_top(manifest: Mapping[str, Any], board: Board, directory: Path) -> BoardTop:
    """The board top around the circuit of a manifest; raises BadOption for several inputs or outputs.

    Of a fabric the serial line carries the words of its load port and those that it sends back; its streams are not used.
    """
    clock = board.clock_mhz
    baud = board.build["uart"]["baud"]
    if manifest.get("schedule") == "grid":
        tied = {"s_axis_stream_tdata": 0, "s_axis_stream_tvalid": 0, "m_axis_stream_tready": 1}
        return BoardTop(
            clock_mhz=clock,
            baud=baud,
            input_prefix="s_axis_load",
            output_prefix="m_axis_unload",
            word_in=32,
            word_out=32,
            depth=LINK_BYTES[0],
            input_last=False,
            tied=tied,
        )
    if (len(manifest["inputs"]), len(manifest["outputs"])) != (1, 1):
        raise BadOption(
            f"{directory / 'manifest.json'}",
            "expected one input and one output, which is what the serial link of a board carries; found "
            f"{len(manifest['inputs'])} and {len(manifest['outputs'])}",
            "Use design.v, whose ports are AXI4-Stream, in a design of your own.",
        )
    source, sink = manifest["inputs"][0], manifest["outputs"][0]
    word_in, word_out = word_bits(source), word_bits(sink)
    sample_bytes = int(source["words"]) * word_in // 8
    return BoardTop(
        clock_mhz=clock,
        baud=baud,
        input_prefix=source["axis"],
        output_prefix=sink["axis"],
        word_in=word_in,
        word_out=word_out,
        depth=min(max(LINK_BYTES[0], 1 << (sample_bytes - 1).bit_length()), LINK_BYTES[1]),
    )


def word_bits(port: Mapping[str, Any]) -> int:
    """Bits of a port's tdata: its lanes, each element padded to whole bytes."""
    element_bits = int(str(port["element"])[1:])
    return int(port["lanes"]) * -(-element_bits // 8) * 8


def read_manifest(directory: Path) -> Mapping[str, Any]:
    """The manifest of a compiled folder, whose ``design.v`` must be the one it describes. Raises BadFile."""
    try:
        manifest: Mapping[str, Any] = json.loads((directory / "manifest.json").read_text())
        digest = hashlib.sha256((directory / "design.v").read_bytes()).hexdigest()
    except (OSError, ValueError) as error:
        raise BadFile(
            f"{directory}",
            f"expected a folder with manifest.json and design.v; found {error}",
            "Give the folder that 'hlsgen compile' wrote, and compile again if that was interrupted.",
        ) from None
    if manifest.get("verilog_sha256") != digest:
        raise BadFile(
            f"{directory / 'design.v'}",
            f"expected SHA-256 {manifest.get('verilog_sha256')}, as manifest.json says; found {digest}",
            "Compile again; do not edit design.v.",
        )
    return manifest


def _result(directory: Path, board: Board, routed: Routed, seconds: float) -> BuildResult:
    """Copy the bitstream beside the design and put the numbers together."""
    bitstream = None
    if routed.bitstream is not None:
        bitstream = f"{board.name}{routed.bitstream.suffix}"
        shutil.copyfile(routed.bitstream, directory / bitstream)
    report: Mapping[str, Any] = {}
    if (directory / "report.json").exists():
        report = json.loads((directory / "report.json").read_text())
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
        predicted_lut=report.get("predicted_lut"),
        predicted_ff=report.get("predicted_ff"),
        predicted_dsp=report.get("predicted_dsp"),
        predicted_bram=report.get("predicted_bram"),
        utilisation=routed.utilisation,
    )


def _write_atomically(path: Path, text: str) -> None:
    """Write a file so that no reader ever sees a part of it."""
    temporary = path.with_name(path.name + ".partial")
    temporary.write_text(text)
    os.replace(temporary, path)
