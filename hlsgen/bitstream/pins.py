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
    name = board.build["platform"]["class"]
    module, _, class_name = name.partition(":")
    try:
        platform = getattr(importlib.import_module(module), class_name)
        clock = _resource(platform.resources, platform.default_clk)
        uart = _resource(platform.resources, "uart")
        lines = {io.name: io for io in uart.ios if isinstance(io, Subsignal)}
        attributes = {**uart.attrs, **lines["rx"].attrs}
        return Pins(
            clock=_pin(clock.ios[0]),
            rx=_pin(lines["rx"].ios[0]),
            tx=_pin(lines["tx"].ios[0]),
            io_standard=next(attributes[key] for key in _STANDARDS if key in attributes),
        )
    except (ImportError, AttributeError, KeyError, StopIteration) as error:
        raise BadFile(
            f"board {board.name}, platform",
            f"expected in amaranth-boards a class {name} with an oscillator and a uart on pins of their own; found {error!r}",
            "Give the pins in a table [pins] instead: clock, rx, tx, io_standard.",
        ) from None


_STANDARDS = ("IO_TYPE", "IO_STANDARD", "IOSTANDARD")


def _pin(io: Any) -> str:
    """The pin of a line that has one; raises AttributeError for a pair of pins, KeyError for one of a connector."""
    name = str(io.names[0])
    if ":" in name:
        raise KeyError(name)
    return name


def _resource(resources: Any, name: str) -> Any:
    return next(resource for resource in resources if (resource.name, resource.number) == (name, 0))
