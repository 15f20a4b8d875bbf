"""Steps for tests of a cluster: its workers import them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from hlsgen.bitstream.steps import BuildStep, Workplace
from hlsgen.errors import ToolFailed
from hlsgen.processes import started


@dataclass(frozen=True)
class Slow:
    """Copies in.txt to its output, after ``seconds``; notes in ``log`` which process began it."""

    name: str
    log: Path
    seconds: float

    def __call__(self, place: Workplace) -> None:
        with self.log.open("a") as log:
            log.write(f"{os.getpid()}\n")
        place.progress(f"working on {self.name}", 0.5)
        command = [sys.executable, "-c", f"import time; time.sleep({self.seconds})"]
        with started(command, place.running) as program:
            if program.wait():
                with self.log.open("a") as log:
                    log.write("ended\n")
                raise ToolFailed(self.name, "expected exit code 0, found a signal", "Again.")
        (place.folder / f"{self.name}.txt").write_text((place.folder / "in.txt").read_text() * 2)


def slow(name: str, log: Path, seconds: float) -> BuildStep:
    """A step of that."""
    return BuildStep(name, ("in.txt",), (f"{name}.txt",), (), Slow(name, log, seconds))


def failing(place: Workplace) -> None:
    """Leaves a log and fails."""
    (place.folder / "tool.log").write_text("no room")
    where = f"tool, log {place.folder / 'tool.log'}"
    raise ToolFailed(where, "expected exit code 0, found 1", "Read the log.")


def started_by(log: Path) -> list[int]:
    """The processes that began steps."""
    return [int(line) for line in log.read_text().split() if line.isdigit()] if log.exists() else []
