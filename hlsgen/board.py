"""Boards: their resources, read from ``boards/<name>.toml``."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from hlsgen.errors import BadOption

Family = Literal["ecp5", "ice40", "gowin", "xilinx7"]
DEFAULT_BOARD = "ulx3s_85f"


@dataclass(frozen=True)
class Board:
    """What the compiler knows of a board.

    ``lut``, ``ff``, ``dsp``, ``bram`` count what the family's table in ``cost/units.py`` counts: ``dsp`` is MULT18X18D on
    ECP5, SB_MAC16 on iCE40, MULT9X9 on Gowin, DSP48E1 on Xilinx 7; ``bram`` is blocks of 18 kbit (4 kbit on iCE40).
    ``clock_mhz`` is the board's oscillator. ``build`` is the file's tables that only the build step reads.
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


@cache
def boards() -> tuple[Board, ...]:
    """Every board, in order of name."""
    folder = resources.files("hlsgen.boards")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(_parse(f.name.removesuffix(".toml"), f.read_text("utf-8")) for f in files)


def load_board(name: str) -> Board:
    """The board of that name; raises BadOption with the nearest names."""
    known = {board.name: board for board in boards()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=3, cutoff=0.4)
    raise BadOption(
        f"board {name!r}",
        f"expected one of {', '.join(known)}; found {name!r}",
        f"Did you mean {' or '.join(near)}?" if near else "Run 'hlsgen boards' for the list.",
    )


def _parse(name: str, text: str) -> Board:
    data = tomllib.loads(text)
    fields = {key: data.pop(key) for key in Board.__annotations__ if key not in ("name", "build")}
    return Board(name=name, build=data, **fields)
