"""Refusals of the files of boards."""

from __future__ import annotations

from pathlib import Path

import test_board as files
from errors.messages import Case

from hlsgen.bitstream.pins import pins_of
from hlsgen.board import load_board


def described(old: str, new: str) -> Case:
    return lambda folder: load_board(str(files.written(folder, files.edited(old, new))))


def named(name: str) -> Case:
    return lambda folder: load_board(str(files.written(folder, name=name)))


def unlike_its_class(folder: Path) -> object:
    start, _, rest = files.MINE.partition("[pins]")
    pins = '[platform]\nclass = "amaranth_boards.fomu_pvt:FomuPVTPlatform"\n\n'
    text = f"{start}{pins}[uart]{rest.partition('[uart]')[2]}"
    return pins_of(load_board(str(files.written(folder, text))))


def board_cases() -> dict[str, Case]:
    cases = {f"file: {name}": described(*change[:2]) for name, change in files.WRONG.items()}
    return cases | {
        "file: none": lambda folder: load_board(str(folder / "none.toml")),
        "name: two words": named("my board.toml"),
        "name: a board of hlsgen": named("icebreaker.toml"),
        "class: no serial line": unlike_its_class,
    }
