"""Boards: their resources, read from ``boards/<name>.toml`` or a user's own file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from hlsgen.board_file import BOARD, TABLES, checked_board
from hlsgen.errors import BadOption
from hlsgen.toml_table import shown

Family = Literal["ecp5", "ice40", "gowin", "xilinx7"]
DEFAULT_BOARD = "ulx3s_85f"
COPY = ".board.toml"
"""The end of the name that a user's file has in the folder of a design."""


@dataclass(frozen=True)
class Board:
    """What the compiler knows of a board.

    ``lut``, ``ff``, ``dsp``, ``bram`` count what the family's table in ``cost/units.py`` counts: ``dsp`` is MULT18X18D on
    ECP5, SB_MAC16 on iCE40, MULT9X9 on Gowin, DSP48E1 on Xilinx 7; ``bram`` is blocks of 18 kbit (4 kbit on iCE40),
    ``spram`` blocks of 256 kbit with a single port and no first contents, which some iCE40 have.
    ``clock_mhz`` is the board's oscillator. ``build`` is the file's tables that only later steps read. ``text``: a user's file whole,
    nothing of a board that comes with hlsgen.
    """

    name: str
    title: str
    vendor: str
    family: Family
    device: str
    package: str
    speed: str
    lut: int
    ff: int
    dsp: int
    bram: int
    bram_kbit: int
    clock_mhz: float
    build: Mapping[str, Any]
    text: str = ""
    spram: int = 0

    def files(self) -> Mapping[str, bytes]:
        """What the folder of a design keeps of the board, so that it can be built and run wherever it is: a user's file."""
        return {f"{self.name}{COPY}": self.text.encode()} if self.text else {}


@cache
def boards() -> tuple[Board, ...]:
    """Every board that comes with hlsgen, in order of name."""
    folder = resources.files("hlsgen.boards")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(_board(f.name.removesuffix(".toml"), f.read_text("utf-8")) for f in files)


def load_board(name: str) -> Board:
    """The board of that name, or the one that a TOML file describes; raises BadOption with the nearest names, BadFile."""
    known = {board.name: board for board in boards()}
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix == ".toml":
        if path.stem in known:
            raise BadOption(
                f"board {shown(name)}",
                f"expected a file that is not called as a board of hlsgen, found {shown(path.stem)}",
                "Rename the file: it names the board.",
            )
        return _users(path.stem, path)
    near = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=3, cutoff=0.4)
    raise BadOption(
        f"board {shown(name)}",
        f"expected one of {', '.join(known)}, or a .toml file; found {shown(name)}",
        f"Did you mean {' or '.join(near)}?" if near else "Run 'hlsgen boards' for the list.",
    )


def board_of(directory: Path, name: str) -> Board:
    """The board that a design's folder calls so: of the user's file that it keeps, else as ``load_board``, whose errors it raises."""
    copy = directory / f"{name}{COPY}"
    return _users(name, copy) if copy.is_file() else load_board(name)


def _users(name: str, path: Path) -> Board:
    text = BOARD.read(path)
    return _board(name, text, text)


def _board(name: str, content: str, text: str = "") -> Board:
    fields = checked_board(name, content)
    tables = {key: fields.pop(key) for key in TABLES if key in fields}
    return Board(name=name, build=tables, text=text, **fields)
