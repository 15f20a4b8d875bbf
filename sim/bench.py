"""The cocotb bench: streams a job's samples through a design and checks the stream rules of every output.

Runs inside the simulator; the folder of the job is in the environment variable ``HLSGEN_JOB`` (see ``sim/job.py``).
Inputs change at the falling edge and everything is read once it has settled, so that no value is read in a race with the rising edge.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly
from hlsgen.sim.axi_stream import Sink, Source
from hlsgen.sim.job import Job, JobPort, JobResult, Probe
from hlsgen.sim.stalls import StallPattern

RESET_CYCLES = 4
DRAIN_CYCLES = 64
"""Cycles after the last expected word in which a surplus word would be seen."""
LOAD_CYCLES = 1024
"""Cycles behind an image of parameters: more than there are memories, each of which hands on what is left through a register."""


class SourcePort:
    """A Source on the signals of an input port; writes a signal only where it changes."""

    def __init__(self, top: Any, port: JobPort, source: Source) -> None:
        self.axis, self.source = port.axis, source
        self._data = getattr(top, f"{port.axis}_tdata")
        self._valid = getattr(top, f"{port.axis}_tvalid")
        self._last = getattr(top, f"{port.axis}_tlast")
        self._ready = getattr(top, f"{port.axis}_tready")
        self._driven = (False, 0, False)
        self._data.value, self._valid.value, self._last.value = 0, 0, 0

    def drive(self) -> None:
        driven = self.source.drive()
        if driven != self._driven:
            valid, data, last = driven
            self._valid.value, self._data.value, self._last.value = int(valid), data, int(last)
            self._driven = driven

    def settle(self, cycle: int) -> bool:
        return self.source.valid and self.source.settle(cycle, bool(self._ready.value))


class SinkPort:
    """A Sink on the signals of an output port."""

    def __init__(self, top: Any, port: JobPort, sink: Sink) -> None:
        self.axis, self.port, self.sink = port.axis, port, sink
        self._data = getattr(top, f"{port.axis}_tdata")
        self._valid = getattr(top, f"{port.axis}_tvalid")
        self._last = getattr(top, f"{port.axis}_tlast")
        self._ready = getattr(top, f"{port.axis}_tready")
        self._driven = False
        self._ready.value = 0

    def drive(self) -> None:
        ready = self.sink.drive()
        if ready != self._driven:
            self._ready.value = int(ready)
            self._driven = ready

    def settle(self, cycle: int) -> bool:
        if not self._valid.value:
            return self.sink.settle(cycle, False, 0, False)
        return self.sink.settle(cycle, True, self._data.value.to_unsigned(), bool(self._last.value))


class Recorder:
    """Words that pass on an internal stream (of an instance in the top), with the cycles in which each stood first and was taken."""

    def __init__(self, top: Any, probe: Probe) -> None:
        self.probe = probe
        unit = getattr(top, probe.instance)
        self._payload, self._valid, self._ready = (
            getattr(unit, _as_known(name)) for name in (probe.payload, probe.valid, probe.ready)
        )
        self.words: list[int] = []
        self.cycles: list[int] = []
        self.offered: list[int] = []

    def settle(self, cycle: int) -> None:
        if not self._valid.value:
            return
        if len(self.offered) == len(self.cycles):
            self.offered.append(cycle)
        if self._ready.value:
            self.words.append(int(self._payload.value))
            self.cycles.append(cycle)


@cocotb.test()
async def stream_samples(dut: Any) -> None:
    """Run the job of ``HLSGEN_JOB`` and write what the outputs gave beside it."""
    folder = Path(os.environ["HLSGEN_JOB"])
    job = Job.read(folder)
    sources = [_source(dut, job, port, folder) for port in job.inputs]
    sinks = [_sink(dut, job, port) for port in job.outputs]
    recorders = [Recorder(dut, probe) for probe in job.probes]
    await _reset(dut, job)
    if job.parameters is not None:
        await _load(dut, job, job.parameters, folder)
    cycles, stopped = await _run(dut, job, sources, sinks, recorders, _progress(folder, sinks))
    for source in sources:
        _write_cycles(folder, source.axis, source.source.first_accepted)
    for sink in sinks:
        _write_words(folder, sink.axis, sink.port.word_bytes, sink.sink.words)
        _write_cycles(folder, sink.axis, sink.sink.cycles)
    for recorder in recorders:
        probe = recorder.probe
        _write_words(folder, probe.instance, probe.word_bytes, recorder.words)
        _write_cycles(folder, probe.instance, recorder.cycles)
        _write_cycles(folder, f"{probe.instance}.offered", recorder.offered)
    violations = tuple(text for sink in sinks for text in sink.sink.violations)
    JobResult(cycles, violations, stopped).write(folder)


async def _reset(dut: Any, job: Job) -> None:
    reset = getattr(dut, job.reset)
    clock = getattr(dut, job.clock)
    reset.value = 1
    Clock(clock, 2, unit="ns").start()
    for _ in range(RESET_CYCLES):
        await FallingEdge(clock)
    reset.value = 0


async def _load(dut: Any, job: Job, port: JobPort, folder: Path) -> None:
    """The image of the parameters, a byte in a cycle, then a reset."""
    data, valid, last = (
        getattr(dut, f"{port.axis}_{part}") for part in ("tdata", "tvalid", "tlast")
    )
    image, falling = (
        (folder / f"{port.axis}.words").read_bytes(),
        FallingEdge(getattr(dut, job.clock)),
    )
    data.value, valid.value, last.value = 0, 0, 0
    for number, byte in enumerate(image, start=1):
        data.value, valid.value, last.value = byte, 1, int(number == len(image))
        await falling
    valid.value, last.value = 0, 0
    for level in (0, 1, 0):  # behind the registers between the layers
        getattr(dut, job.reset).value = level
        for _ in range(LOAD_CYCLES):
            await falling


async def _run(
    dut: Any,
    job: Job,
    sources: list[SourcePort],
    sinks: list[SinkPort],
    recorders: list[Recorder],
    progress: Callable[[], None],
) -> tuple[int, bool]:
    """Run to the last word and DRAIN_CYCLES on, or until patience runs out: (cycles, stopped)."""
    falling, settled = FallingEdge(getattr(dut, job.clock)), ReadOnly()
    ports: tuple[SourcePort | SinkPort, ...] = (*sources, *sinks)
    cycle = idle = drained = 0
    while drained < DRAIN_CYCLES:
        for port in ports:
            port.drive()
        await settled
        moved = False
        for port in ports:
            moved |= port.settle(cycle)
        for recorder in recorders:
            recorder.settle(cycle)
        idle = 0 if moved else idle + 1
        if all(sink.sink.done for sink in sinks):
            drained += 1
        elif idle > job.patience:
            return cycle, True
        cycle += 1
        if cycle % 4096 == 0:
            progress()
        await falling
    return cycle, False


def _source(dut: Any, job: Job, port: JobPort, folder: Path) -> SourcePort:
    raw = (folder / f"{port.axis}.words").read_bytes()
    words = [
        int.from_bytes(raw[k : k + port.word_bytes], "little")
        for k in range(0, len(raw), port.word_bytes)
    ]
    pattern = StallPattern(job.stall, f"{job.seed} {port.axis}")
    return SourcePort(dut, port, Source(words, port.words, pattern))


def _sink(dut: Any, job: Job, port: JobPort) -> SinkPort:
    pattern = StallPattern(job.stall, f"{job.seed} {port.axis}")
    return SinkPort(dut, port, Sink(port.axis, job.samples * port.words, port.words, pattern))


def _progress(folder: Path, sinks: list[SinkPort]) -> Callable[[], None]:
    expected = sum(sink.sink.expected for sink in sinks)

    def show() -> None:
        share = sum(len(sink.sink.words) for sink in sinks) / expected
        (folder / "progress").write_text(f"{share:.4f}")

    return show


def _as_known(name: str) -> str:
    """A Verilog name as the simulator's interface has it: with its escapes where it needs them."""
    return name if re.fullmatch(r"\w+", name) else f"\\{name} "


def _write_words(folder: Path, name: str, word_bytes: int, words: list[int]) -> None:
    raw = b"".join(word.to_bytes(word_bytes, "little") for word in words)
    (folder / f"{name}.words").write_bytes(raw)


def _write_cycles(folder: Path, name: str, cycles: list[int]) -> None:
    (folder / f"{name}.cycles").write_bytes(struct.pack(f"<{len(cycles)}Q", *cycles))
