"""The generic check of a template in Amaranth's simulator: bits, latency, interval, and every mix of idle and backpressure.

A check is data: a function that makes the unit, the words that go in, the words that must come out. Words are bit
patterns; :func:`bits` packs Python values by a layout.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockDomain, Const, Module, Value
from amaranth.sim import Simulator
from hlsgen.rtl_templates.arithmetic.scalar_unit import ScalarUnit
from hlsgen.sim.stalls import StallPattern

PATTERNS = ("none", "random", "bursty")
LONGEST_SILENCE = 2_000
SILENCE_AT_END = 50


class UnitMismatch(AssertionError):
    """A unit that computes, or keeps time, otherwise than it must."""


@dataclass(frozen=True)
class UnitRun:
    """What was seen: the output words, the cycles of input acceptance and of output transfer.

    ``first_offer``: the cycle in which the first input was offered; ``first_result``: that in which the first output was
    valid.
    """

    words: tuple[int, ...]
    accepted: tuple[int, ...]
    delivered: tuple[int, ...]
    first_offer: int
    first_result: int


def bits(layout: Any, value: Any) -> int:
    """The bit pattern of a Python value (number, list, mapping) of an Amaranth shape or layout."""
    if hasattr(layout, "const"):
        return int(layout.const(value).as_bits())
    cast = Const.cast(Const(value, layout))
    return int(cast.value) & ((1 << len(cast)) - 1)


def run_stream_unit(
    unit: Any,
    inputs: Sequence[int],
    outputs: int,
    *,
    idle: str = "none",
    backpressure: str = "none",
    seed: str = "0",
) -> UnitRun:
    """Send ``inputs`` to port ``i`` and take ``outputs`` words from port ``o``; the patterns are those of ``sim.stalls``.

    Raises UnitMismatch if the unit falls silent, delivers more words, or withdraws or changes a word that
    it offers.
    """
    source = _Source(unit.i, inputs, StallPattern(idle, f"{seed}/in"))
    sink = _Sink(unit.o, outputs, StallPattern(backpressure, f"{seed}/out"))
    _simulate(unit, source.drive, sink.drive)
    if len(sink.words) != outputs:
        raise UnitMismatch(f"expected {outputs} words, found {len(sink.words)}")
    return UnitRun(
        tuple(sink.words),
        tuple(source.accepted),
        tuple(sink.delivered),
        source.first_offer,
        sink.first_result,
    )


class _Source:
    """Offers words to a stream, and keeps each offered until it is taken."""

    def __init__(self, port: Any, words: Sequence[int], pattern: StallPattern) -> None:
        self.port, self.words, self.pattern = port, words, pattern
        self.accepted: list[int] = []
        self.first_offer = -1

    async def drive(self, context: Any) -> None:
        """Begin when memories have read their first words: two cycles after the reset."""
        payload, cycle = Value.cast(self.port.payload), 2
        for _ in range(cycle):
            await context.tick()
        for word in self.words:
            while not self.pattern.willing():
                await context.tick()
                cycle += 1
            context.set(payload, word)
            context.set(self.port.valid, 1)
            if self.first_offer < 0:
                self.first_offer = cycle
            taken = False
            while not taken:
                _, _, ready = await context.tick().sample(self.port.ready)
                taken = bool(ready)
                cycle += 1
            self.accepted.append(cycle - 1)
            context.set(self.port.valid, 0)
            context.set(payload, 0)


class _Sink:
    """Takes words from a stream, watches its rules, and waits a while for words too many."""

    def __init__(self, port: Any, outputs: int, pattern: StallPattern) -> None:
        self.port, self.outputs, self.pattern = port, outputs, pattern
        self.words: list[int] = []
        self.delivered: list[int] = []
        self.first_result = -1

    async def drive(self, context: Any) -> None:
        """Take a word in every cycle in which it is offered and the pattern is willing."""
        payload, silence, pending = Value.cast(self.port.payload), 0, None
        for cycle in itertools.count():
            if len(self.words) >= self.outputs and silence > SILENCE_AT_END:
                return
            willing = self.pattern.willing()
            context.set(self.port.ready, willing)
            _, _, valid, word = await context.tick().sample(self.port.valid, payload)
            _keeps_word(pending, valid, word, cycle)
            silence = 0 if valid else silence + 1
            if silence > LONGEST_SILENCE:
                raise UnitMismatch(f"expected {self.outputs} words, found {len(self.words)}")
            pending = word if valid and not willing else None
            if valid and self.first_result < 0:
                self.first_result = cycle
            if valid and willing:
                self.words.append(word)
                self.delivered.append(cycle)


def _keeps_word(pending: int | None, valid: int, word: int, cycle: int) -> None:
    if pending is not None and (not valid or word != pending):
        raise UnitMismatch(f"cycle {cycle}: expected the offered word {pending:#x} to stay")


def _simulate(unit: Any, *testbenches: Callable[[Any], Any]) -> None:
    bench = Module()
    bench.domains.sync = ClockDomain("sync")  # also for a unit without registers
    bench.submodules.unit = unit
    simulator = Simulator(bench)
    simulator.add_clock(1e-6)
    for testbench in testbenches:
        simulator.add_testbench(testbench)
    simulator.run()


def check_stream_unit(
    make: Callable[[], Any],
    inputs: Sequence[int],
    expected: Sequence[int],
    *,
    mask: int = -1,
    latency: int | None = None,
    cycles: int | None = None,
    seed: str = "0",
) -> None:
    """Run a unit under all nine mixes of idle and backpressure and compare every word (under ``mask``).

    At full speed also: ``latency`` cycles from the first offer to the first result, and ``cycles`` from the first to the
    last transfer at the output. Raises UnitMismatch.
    """
    for idle, backpressure in itertools.product(PATTERNS, PATTERNS):
        run = run_stream_unit(
            make(), inputs, len(expected), idle=idle, backpressure=backpressure, seed=seed
        )
        where = f"idle {idle}, backpressure {backpressure}, seed {seed}"
        for k, (got, want) in enumerate(zip(run.words, expected, strict=True)):
            if (got ^ want) & mask:
                raise UnitMismatch(f"{where}: word {k}: expected {want:#x}, found {got:#x}")
        if idle == backpressure == "none":
            _compare(where, "latency", latency, run.first_result - run.first_offer)
            _compare(where, "cycles", cycles, run.delivered[-1] - run.delivered[0])


def _compare(where: str, what: str, expected: int | None, actual: int) -> None:
    if expected is not None and expected != actual:
        raise UnitMismatch(f"{where}: expected {what} {expected}, found {actual}")


def check_scalar_unit(
    unit: ScalarUnit, vectors: Sequence[Sequence[int]], expected: Sequence[int], *, seed: str = "0"
) -> None:
    """Start a word per vector of operands, at random distances of at least the interval, and compare each result.

    Every operand has its value only in the cycles in which the unit may rely on it, noise in all others.
    Raises UnitMismatch.
    """
    noise = random.Random(seed)
    timing = unit.timing
    starts = list(_starts(len(vectors), unit.interval, noise))
    drive: dict[int, list[tuple[int, int]]] = {}
    for start, vector in zip(starts, vectors, strict=True):
        for k, value in enumerate(vector):
            for cycle in range(unit.interval):
                drive.setdefault(start + timing.arrivals[k] + cycle, []).append((k, value))
    due = {start + timing.latency: n for n, start in enumerate(starts)}
    begins = set(starts)

    async def testbench(context: Any) -> None:
        for cycle in range(max(due) + 1):
            context.set(unit.start, cycle in begins)
            for k, width in enumerate(unit.operands):
                context.set(unit.operand(k), noise.getrandbits(width.bits))
            for k, value in drive.get(cycle, []):
                context.set(unit.operand(k), value)
            result = context.get(unit.result)
            if cycle in due and result != expected[due[cycle]]:
                n = due[cycle]
                raise UnitMismatch(
                    f"{type(unit).__name__}{tuple(vectors[n])}: expected {expected[n]}, found {result}"
                )
            await context.tick()

    _simulate(unit, testbench)


def _starts(count: int, interval: int, noise: random.Random) -> Iterator[int]:
    cycle = 1
    for k in range(count):
        yield cycle
        cycle += interval + (noise.randrange(3) if k % 8 == 7 else 0)
