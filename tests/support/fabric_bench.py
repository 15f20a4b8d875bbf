"""Programs of the load port on fabrics of a few cells in Amaranth's simulator: no build, so that fabrics and faults can be many."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator
from hlsgen.rtl_templates.fabric.top import FabricTop

from hlsgen.algebra.types import wrap
from hlsgen.cycle_model.program import ProgramResult
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.packets import ReadPacket, from_words
from hlsgen.rtl.fabric_shapes import grid_shape

QUIET_CYCLES = 24
"""Cycles without anything that end a program whose words are all sent."""


MOST_CYCLES = 20_000
"""More cycles than any program here takes."""


class Outgoing:
    """Words for one of the circuit's input streams, offered until they are taken."""

    def __init__(self, top: Any, axis: str, words: Sequence[int]) -> None:
        self.words, self.sent, self.valid = words, 0, False
        self.data, self.offered, self.ready = (
            getattr(top, f"{axis}_t{part}") for part in ("data", "valid", "ready")
        )

    def drive(self, context: Any, willing: bool) -> None:
        self.valid = self.sent < len(self.words) and (self.valid or willing)
        context.set(self.offered, int(self.valid))
        if self.valid:
            context.set(self.data, int(self.words[self.sent]) % (1 << len(self.data)))

    def settle(self, context: Any) -> bool:
        moves = self.valid and bool(context.get(self.ready))
        self.sent += moves
        self.valid &= not moves
        return moves


class Incoming:
    """Words of one of the circuit's output streams, with tlast where there is one."""

    def __init__(self, top: Any, axis: str) -> None:
        self.words: list[int] = []
        self.lasts: list[int] = []
        self.data, self.offered, self.ready = (
            getattr(top, f"{axis}_t{part}") for part in ("data", "valid", "ready")
        )
        self.last = getattr(top, f"{axis}_tlast", None)
        self.willing = False

    def drive(self, context: Any, willing: bool) -> None:
        self.willing = willing
        context.set(self.ready, int(willing))

    def settle(self, context: Any) -> bool:
        if not (self.willing and context.get(self.offered)):
            return False
        self.words.append(context.get(self.data))
        self.lasts.append(0 if self.last is None else context.get(self.last))
        return True


class Bench:
    """A fabric with a testbench at all of its streams, each unwilling in a share ``idle`` of the cycles.

    ``run_cycles``: cycles of each run; ``cycles``: all of them; ``refused``: whether the program was, at its end.
    """

    def __init__(
        self,
        fabric: Fabric,
        words: Sequence[int] | np.ndarray,
        stream_in: Sequence[int],
        seed: int,
        idle: float,
    ) -> None:
        self.top, self.reset = FabricTop(grid_shape(fabric)), Signal()
        self.load = Outgoing(self.top, "s_axis_load", words)
        taken = Outgoing(self.top, "s_axis_stream", stream_in)
        self.unload = Incoming(self.top, "m_axis_unload")
        self.given = Incoming(self.top, "m_axis_stream")
        self.ports = (self.load, taken, self.unload, self.given)
        self.draw, self.idle = Random(seed), idle
        self.run_cycles: list[int] = []
        self.refused, self.cycles, self.was_busy = False, 0, False

    async def restart(self, context: Any, reset_after: int | None) -> None:
        """A cycle in which nothing is offered; with ``reset_after`` that of a reset, after so many cycles of the program."""
        for _ in range(reset_after or 0):
            self.load.drive(context, True)
            self.load.settle(context)
            await context.tick()
        self.load.sent, self.load.valid = 0, False
        self.load.drive(context, False)
        context.set(self.reset, int(reset_after is not None))
        await context.tick()
        context.set(self.reset, 0)

    async def cycle(self, context: Any) -> bool:
        """One cycle; whether anything happened in it."""
        for port in self.ports:
            port.drive(context, self.draw.random() >= self.idle)
        moved = any([port.settle(context) for port in self.ports])
        busy, enabled = bool(context.get(self.top.busy)), bool(context.get(self.top.enabled))
        if busy and not self.was_busy:
            self.run_cycles.append(0)
        if enabled:
            self.run_cycles[-1] += 1
        self.was_busy = busy
        self.cycles += 1
        assert self.cycles < MOST_CYCLES, "expected the program to end"
        await context.tick()
        return moved or enabled

    def simulate(self, reset_after: int | None) -> None:
        """The program, until nothing has happened for QUIET_CYCLES: a run that waits for a word for ever is quiet as well."""

        async def bench(context: Any) -> None:
            await self.restart(context, reset_after)
            quiet = 0
            while quiet < QUIET_CYCLES:
                quiet = 0 if await self.cycle(context) else quiet + 1
            self.refused = bool(context.get(self.top.refused))

        simulator = Simulator(ResetInserter(self.reset)(self.top))
        simulator.add_clock(1e-6)
        simulator.add_testbench(bench)
        simulator.run()


def run(
    fabric: Fabric,
    words: Sequence[int] | np.ndarray,
    stream_in: Sequence[int] = (),
    seed: int = 0,
    idle: float = 0.2,
    reset_after: int | None = None,
) -> ProgramResult:
    """Run a program; every stream is unwilling in a share ``idle`` of the cycles. The last word of every answer must be marked.

    With ``reset_after``: the circuit is reset after so many cycles, and the program then runs from its beginning.
    """
    bench = Bench(fabric, words, stream_in, seed, idle)
    bench.simulate(reset_after)
    if not bench.refused:
        reads = [packet.count for packet in from_words(words) if isinstance(packet, ReadPacket)]
        assert bench.unload.lasts == [int(k == n - 1) for n in reads for k in range(n)]
    return ProgramResult(
        np.array(bench.unload.words, dtype=np.uint32),
        tuple(int(wrap(word, fabric.word_bits)) for word in bench.given.words),
        tuple(bench.run_cycles),
        bench.refused,
        bench.cycles - QUIET_CYCLES,
    )
