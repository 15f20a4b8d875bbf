"""The cocotb bench of a fabric: sends a program to its load port, streams words in and out, and counts the cycles of every run.

Runs inside the simulator; the folder of the job is in the environment variable ``HLSGEN_JOB``. Files there: ``job.json`` (a
:class:`ProgramJob`), ``load.words`` and ``stream.words`` (what goes in), and, written here, ``unload.words`` (5 bytes each, the fifth
is tlast), ``stream_out.words``, ``result.json`` (a :class:`ProgramOutcome`).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly
from hlsgen.sim.axi_stream import Sink, Source
from hlsgen.sim.stalls import StallPattern

RESET_CYCLES = 4
QUIET_CYCLES = 80
"""Cycles without anything that end a program whose words are all sent: more than the longest burst of stalls."""
LOAD_BYTES = 4
UNLOAD_BYTES = 5


@dataclass(frozen=True)
class ProgramJob:
    """``idle``, ``backpressure``: stalls of what goes in and of what comes out; ``stream_bytes``: of a word of the streams.

    ``unloaded``, ``streamed``: how many words are expected. ``patience``: cycles without any progress after which the fabric
    counts as stopped."""

    idle: str
    backpressure: str
    seed: int
    stream_bytes: int
    unloaded: int
    streamed: int
    patience: int


@dataclass(frozen=True)
class ProgramOutcome:
    """``run_cycles``: enabled cycles of every run; ``cycles``: until the last event; ``busy_cycles``: from the start of the first run to
    the end of the last."""

    cycles: int
    busy_cycles: int
    run_cycles: tuple[int, ...]
    refused: bool
    violations: tuple[str, ...]
    stopped: bool


class _Input:
    """A Source on a port without tlast."""

    def __init__(self, top: Any, axis: str, words: list[int], pattern: StallPattern) -> None:
        self.source = Source(words, 1, pattern)
        self._data, self._valid, self._ready = (
            getattr(top, f"{axis}_t{part}") for part in ("data", "valid", "ready")
        )
        self._data.value, self._valid.value = 0, 0
        self._driven = (False, 0)

    def drive(self) -> None:
        valid, data, _ = self.source.drive()
        if (valid, data) != self._driven:
            self._valid.value, self._data.value = int(valid), data
            self._driven = (valid, data)

    def settle(self, cycle: int) -> bool:
        return self.source.valid and self.source.settle(cycle, bool(self._ready.value))


class _Output:
    """A Sink on a port; where the port has tlast, that is the bit above the word."""

    def __init__(self, top: Any, axis: str, sink: Sink, last: bool) -> None:
        self.sink = sink
        self._data, self._valid, self._ready = (
            getattr(top, f"{axis}_t{part}") for part in ("data", "valid", "ready")
        )
        self._last = getattr(top, f"{axis}_tlast") if last else None
        self._ready.value = 0

    def drive(self) -> None:
        ready = self.sink.ready
        if self.sink.drive() != ready:
            self._ready.value = int(self.sink.ready)

    def settle(self, cycle: int) -> bool:
        if not self._valid.value:
            return self.sink.settle(cycle, False, 0, False)
        word = self._data.value.to_unsigned()
        if self._last is not None:
            word |= int(self._last.value) << 32
        return self.sink.settle(cycle, True, word, False)


@cocotb.test()
async def run_program(dut: Any) -> None:
    """Run the program of the job and write what came of it beside it."""
    folder = Path(os.environ["HLSGEN_JOB"])
    job = ProgramJob(**json.loads((folder / "job.json").read_text()))
    bench = _Bench(dut, job, folder)
    await bench.reset()
    outcome = await bench.run()
    _write(folder / "unload.words", UNLOAD_BYTES, bench.unload.sink.words)
    _write(folder / "stream_out.words", job.stream_bytes, bench.given.sink.words)
    (folder / "result.json").write_text(json.dumps(asdict(outcome)))


class _Bench:
    def __init__(self, dut: Any, job: ProgramJob, folder: Path) -> None:
        self.dut, self.job, self.folder = dut, job, folder
        endless = 1 << 62  # no word is the last of a sample: these streams have none

        def pattern(kind: str, axis: str) -> StallPattern:
            return StallPattern(kind, f"{job.seed} {axis}")

        load = _read(folder / "load.words", LOAD_BYTES)
        taken = _read(folder / "stream.words", job.stream_bytes)
        self.load = _Input(dut, "s_axis_load", load, pattern(job.idle, "load"))
        self.taken = _Input(dut, "s_axis_stream", taken, pattern(job.idle, "stream"))
        unload = Sink("m_axis_unload", job.unloaded, endless, pattern(job.backpressure, "unload"))
        given = Sink("m_axis_stream", job.streamed, endless, pattern(job.backpressure, "given"))
        self.unload = _Output(dut, "m_axis_unload", unload, last=True)
        self.given = _Output(dut, "m_axis_stream", given, last=False)
        self.ports = (self.load, self.taken, self.unload, self.given)

    async def reset(self) -> None:
        self.dut.rst.value = 1
        Clock(self.dut.clk, 2, unit="ns").start()
        for _ in range(RESET_CYCLES):
            await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0

    async def run(self) -> ProgramOutcome:
        """Run until all is sent and nothing happens any more, or patience runs out."""
        dut, falling, settled = self.dut, FallingEdge(self.dut.clk), ReadOnly()
        run_cycles: list[int] = []
        cycle = idle = last_event = first_busy = last_busy = 0
        was_busy = False
        while idle < self.job.patience:
            for port in self.ports:
                port.drive()
            await settled
            moved = False
            for port in self.ports:
                moved |= port.settle(cycle)
            is_busy = bool(dut.busy.value)
            if is_busy and not was_busy:
                first_busy = cycle if not run_cycles else first_busy
                run_cycles.append(0)
            last_busy = cycle + 1 if is_busy else last_busy
            if dut.enabled.value:
                run_cycles[-1] += 1
                moved = True
            was_busy = is_busy
            cycle += 1
            idle = 0 if moved else idle + 1
            if moved:
                last_event = cycle
            elif idle > QUIET_CYCLES and self.load.source.done and not is_busy:
                break
            if cycle % 4096 == 0:
                self._show()
            await falling
        violations = (*self.unload.sink.violations, *self.given.sink.violations)
        stopped = idle >= self.job.patience
        refused = bool(dut.refused.value)
        busy = last_busy - first_busy
        return ProgramOutcome(last_event, busy, tuple(run_cycles), refused, violations, stopped)

    def _show(self) -> None:
        share = self.load.source.sent / max(1, len(self.load.source.words))
        (self.folder / "progress").write_text(f"{share:.4f}")


def _read(path: Path, word_bytes: int) -> list[int]:
    raw = path.read_bytes()
    return [
        int.from_bytes(raw[k : k + word_bytes], "little") for k in range(0, len(raw), word_bytes)
    ]


def _write(path: Path, word_bytes: int, words: list[int]) -> None:
    path.write_bytes(b"".join(word.to_bytes(word_bytes, "little") for word in words))
