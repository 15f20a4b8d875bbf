"""What the link and the PLL of a board take: the top of a small design against the design alone, by synthesis.

``python -m benchmarks.run link``: a ReLU of int8 pictures with one input and one output, on one board for each family.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import hlsgen
from benchmarks.line_rows import SIDES, relu
from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row
from hlsgen.artefact.folder import Folder, open_folder
from hlsgen.artefact.manifest import DESIGN
from hlsgen.bitstream.board_top import TOP, BoardTop, Circuit, to_rtlil
from hlsgen.bitstream.build import TOOLCHAINS, synthesised
from hlsgen.bitstream.clock_choice import FASTEST, plan_clock
from hlsgen.bitstream.steps import Workplace
from hlsgen.bitstream.synthesis import SynthesisJob
from hlsgen.bitstream.toolchain import Usage
from hlsgen.board import Board, load_board
from hlsgen.processes import Running
from hlsgen.progress import silent
from hlsgen.targets import target_of

RESOURCES = ("lut", "ff", "dsp", "bram")


def _usage(folder: Folder, board: Board, texts: Sequence[tuple[str, str]], top: str) -> Usage:
    """Synthesis of the design with other files (name and text) of one top."""
    work = Path(tempfile.mkdtemp(prefix="hlsgen_link_cost_"))
    try:
        shutil.copyfile(folder.directory / DESIGN, work / DESIGN)
        for name, text in texts:
            (work / name).write_text(text)
        pads = board if texts else None
        job = SynthesisJob((DESIGN, *(name for name, _ in texts)), top, pads)
        return synthesised(TOOLCHAINS[board.family], Workplace(work, silent, Running()), job)
    finally:
        shutil.rmtree(work)


def _measure(design: str, sources: Sources, work: Path) -> Record:
    board = load_board(design)
    options = {"board": board.name, "effort": "small"}
    compiled = hlsgen.compile(relu(SIDES["3k"]), output=work / design, name="relu", **options)
    folder = open_folder(compiled.directory)
    manifest, ports = folder.manifest, target_of(folder).board_ports(folder)
    circuit = Circuit(manifest.top, ports, manifest.verilog_sha256)
    alone = _usage(folder, board, (), manifest.top)
    values: dict[str, object] = {
        "family": board.family,
        "alone": {key: getattr(alone, key) for key in RESOURCES},
    }
    settings = {"oscillator": None, "pll": plan_clock(board, FASTEST, large=False).setting}
    for name, setting in settings.items():
        top = BoardTop(board, circuit, setting)
        used = _usage(folder, board, ((f"{TOP}.il", to_rtlil(top)),), TOP)
        values[name] = {key: getattr(used, key) - getattr(alone, key) for key in RESOURCES}
        values["capacity_bytes"] = top.identity["capacity"]
    return Record("link", design, f"python -m benchmarks.run link {design}", options, values)


link = Row(("ulx3s_85f", "icebreaker", "tang_nano_9k"), _measure)
