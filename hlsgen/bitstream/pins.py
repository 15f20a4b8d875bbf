"""Where a design meets the board: package pins and the files that tell the tools of them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from amaranth.build.dsl import Subsignal

from hlsgen.board import Board
from hlsgen.errors import BadFile


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


def pins_of(board: Board) -> Pins:
    """The pins of a board: from its amaranth-boards class where the file names one, else from the file. Raises BadFile."""
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
