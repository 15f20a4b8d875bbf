"""A board that holds a design: its weights where they are loadable, samples in, answers out, and how fast."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.algebra.link import HASH_BYTES
from hlsgen.artefact.folder import Folder
from hlsgen.board import board_of
from hlsgen.errors import BadOption, BoardFailed
from hlsgen.host.connection import Connection
from hlsgen.host.line import BoardLine, choose_port, open_line
from hlsgen.host.traffic import Traffic
from hlsgen.progress import Progress, silent
from hlsgen.verify.run import Runs
from hlsgen.verify.simulation import Simulation

USUAL_BAUD = 1_000_000
"""Of a board of which the folder does not say how fast its line is."""

BEHIND = 1024
"""Bytes that go behind parameters, besides those that fill the board's buffer: one for each register between buffer and memories."""


@dataclass(frozen=True)
class Measurement:
    """``samples`` run one after the other from memory took ``cycles`` of the circuit's clock, which has ``clock_mhz`` by the oscillator."""

    samples: int
    cycles: int
    clock_mhz: float

    @property
    def per_second(self) -> float:
        """Samples a second of the circuit alone."""
        return self.samples * self.clock_mhz * 1e6 / self.cycles


@dataclass(frozen=True, eq=False)
class Answers:
    """``outputs``: value name -> (samples, *tensor_shape) integers of the circuit; ``seconds`` from the first byte sent to the last received."""

    outputs: Mapping[str, np.ndarray]
    seconds: float


class ConnectedBoard:
    """A board with the design of a folder."""

    def __init__(self, folder: Folder, connection: Connection) -> None:
        """Raises BoardFailed where the board holds another design."""
        self.folder, self.connection = folder, connection
        self._loaded = b""
        expected = bytes.fromhex(folder.manifest.verilog_sha256)[:HASH_BYTES]
        present = connection.identity["design"].to_bytes(HASH_BYTES, "little")
        if present != expected:
            raise BoardFailed(
                connection.line.name,
                f"expected the design {expected.hex()} of {folder.directory}, found {present.hex()} on the board",
                "Program the bitstream of 'hlsgen build' (docs/boards.md), or name the folder of the design that is there.",
            )

    def exchange(self, traffic: Traffic, progress: Progress = silent) -> Answers:
        """Samples through the circuit, with its parameters before them where it does not hold these. Raises BoardFailed."""
        if traffic.parameters != self._loaded:
            self.load(traffic.parameters, progress)
        began = time.monotonic()
        raw = self.connection.transfer(traffic.inputs, traffic.sizes, progress)
        seconds = time.monotonic() - began
        return Answers(traffic.outputs(raw), seconds)

    def load(self, parameters: bytes, progress: Progress = silent) -> None:
        """Fill the memories of a circuit whose weights are loadable; it begins anew. Raises BoardFailed."""
        connection, identity = self.connection, self.connection.identity
        progress("loading weights", None)
        # The circuit lets what comes behind the parameters go: when the board has the last of it, they have left its buffer.
        behind = bytes(identity["capacity"] + BEHIND)
        samples = [b""] * (identity["inputs"] - 1)
        connection.reset()
        connection.transfer([*samples, parameters + behind], [0] * identity["outputs"])
        connection.reset()
        self._loaded = parameters

    def measure(self, samples: int) -> Measurement:
        """Run the last sample that was sent ``samples`` times from the board's memory; the circuit begins anew afterwards. Raises BadOption, BoardFailed."""
        if not self.connection.identity["measures"]:
            raise BadOption(
                f"{self.folder.directory}",
                "expected a design whose inputs and outputs are samples, found a fabric",
                "Count its program's cycles in simulation: hlsgen verify DIR.",
            )
        if not 0 < samples < 1 << 32:
            raise BadOption(
                "samples", f"expected 1 to {2**32 - 1}, found {samples}", "Measure fewer."
            )
        counters = self.connection.measure(samples)
        ticks, khz = counters["ticks"], self.connection.identity["oscillator_khz"]
        clock = khz / 1000 * counters["cycles"] / max(1, ticks)
        return Measurement(counters["samples"], counters["cycles"], clock)


@contextmanager
def connected(
    folder: Folder, port: str | None = None, line: BoardLine | None = None
) -> Iterator[ConnectedBoard]:
    """The board at a serial device (None: the only one there is), or behind a line. Raises BoardFailed, BadOption."""
    opened = line or open_line(choose_port(port), _baud(folder))
    try:
        connection = Connection(opened)
        board = ConnectedBoard(folder, connection)
        connection.speed_up()
        yield board
    finally:
        opened.close()


def run_on_board(
    folder: Folder, traffic: Traffic, port: str | None, progress: Progress = silent
) -> Runs:
    """Samples through the board, as simulations give them; the cycles are those of the whole run by the board's counter. Raises BoardFailed."""
    with connected(folder, port) as board:
        answers = board.exchange(traffic, progress)
        cycles = board.connection.counters()["cycles"]
    missing = {name: np.zeros(array.shape, bool) for name, array in answers.outputs.items()}
    none = np.zeros(0, np.int64)
    run = Simulation(traffic.samples, cycles, False, (), answers.outputs, missing, none, none, {})
    return Runs(run, run)


def _baud(folder: Folder) -> int:
    """The usual bit rate of the board that was built for last, else of the one that the design was compiled for."""
    name: Any = folder.manifest.board
    with suppress(OSError, ValueError, KeyError, TypeError):
        name = json.loads((folder.directory / "build.json").read_text())["board"]
    return (
        USUAL_BAUD if name is None else int(board_of(folder.directory, name).build["uart"]["baud"])
    )
