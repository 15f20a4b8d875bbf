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
    top, draw, reset = FabricTop(grid_shape(fabric)), Random(seed), Signal()
    load, taken = Outgoing(top, "s_axis_load", words), Outgoing(top, "s_axis_stream", stream_in)
    unload, given = Incoming(top, "m_axis_unload"), Incoming(top, "m_axis_stream")
    ports = (load, taken, unload, given)
    run_cycles: list[int] = []
    refused, cycles = False, 0

    async def bench(context: Any) -> None:
        nonlocal refused, cycles
        quiet, was_busy = 0, False
        for _ in range(reset_after or 0):
            load.drive(context, True)
            load.settle(context)
            await context.tick()
        load.sent, load.valid = 0, False
        load.drive(context, False)
        context.set(reset, int(reset_after is not None))
        await context.tick()
        context.set(reset, 0)
        while quiet < QUIET_CYCLES:
            for port in ports:
                port.drive(context, draw.random() >= idle)
            moved = any([port.settle(context) for port in ports])
            busy = bool(context.get(top.busy))
            if busy and not was_busy:
                run_cycles.append(0)
            if context.get(top.enabled):
                run_cycles[-1] += 1
            was_busy = busy
            # A run that waits for a word for ever is quiet as well.
            quiet = 0 if moved or context.get(top.enabled) else quiet + 1
            cycles += 1
            assert cycles < MOST_CYCLES, "expected the program to end"
            await context.tick()
        refused = bool(context.get(top.refused))

    simulator = Simulator(ResetInserter(reset)(top))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    if not refused:
        reads = [packet.count for packet in from_words(words) if isinstance(packet, ReadPacket)]
        assert unload.lasts == [int(k == n - 1) for n in reads for k in range(n)]
    return ProgramResult(
        np.array(unload.words, dtype=np.uint32),
        tuple(int(wrap(word, fabric.word_bits)) for word in given.words),
        tuple(run_cycles),
        refused,
        cycles - QUIET_CYCLES,
    )
