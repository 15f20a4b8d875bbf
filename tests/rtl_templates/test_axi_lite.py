"""Registers on AXI4-Lite under idle and backpressure of every kind: fields, strobes, events, and answers to what is not there."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.sim import Simulator
from hlsgen.rtl_templates.ports.axi_lite import OKAY, SLVERR, AxiLiteRegisters
from hlsgen.sim.stalls import StallPattern

from hlsgen.algebra.registers import Register, RegisterAccess, RegisterField

REGISTERS = (
    Register("state", 0x00, "", (RegisterField("value", 0, 32, RegisterAccess.READ, ""),)),
    Register(
        "mode",
        0x04,
        "",
        (
            RegisterField("go", 0, 1, RegisterAccess.PULSE, ""),
            RegisterField("level", 4, 12, RegisterAccess.WRITE, ""),
        ),
    ),
    Register("event", 0x0C, "", (RegisterField("done", 1, 1, RegisterAccess.CLEAR, ""),)),
)
STALLS = ("none", "random", "bursty")


class Manager:
    """Drives the bus; ``pulses`` counts the cycles in which ``mode.go`` is high."""

    def __init__(self, unit: AxiLiteRegisters, idle: str, backpressure: str) -> None:
        self.unit = unit
        self.idle = StallPattern(idle, "idle")
        self.backpressure = StallPattern(backpressure, "backpressure")
        self.pulses = 0

    async def tick(self, ctx: Any) -> None:
        self.pulses += ctx.get(self.unit.mode_go)
        await ctx.tick()

    async def answer(self, ctx: Any, channel: str, fields: tuple[str, ...]) -> tuple[int, ...]:
        """Wait for an answer and take it when willing; it must stand still until then."""
        valid, ready = getattr(self.unit, f"{channel}valid"), getattr(self.unit, f"{channel}ready")
        seen = None
        for _ in range(200):
            willing = self.backpressure.willing()
            ctx.set(ready, willing)
            there = ctx.get(valid)
            now = tuple(ctx.get(getattr(self.unit, name)) for name in fields) if there else None
            assert seen is None or seen == now, "an answer changed or went away"
            await self.tick(ctx)
            if there and willing:
                ctx.set(ready, 0)
                assert now is not None
                return now
            seen = now
        raise AssertionError("no answer")

    async def write(self, ctx: Any, address: int, data: int, strobe: int = 0xF) -> int:
        unit, waiting = self.unit, {"aw", "w"}
        for name, value in (("awaddr", address), ("wdata", data), ("wstrb", strobe)):
            ctx.set(getattr(unit, name), value)
        offered: set[str] = set()
        while waiting:
            for channel in sorted(waiting - offered):
                if self.idle.willing():
                    offered.add(channel)
                    ctx.set(getattr(unit, f"{channel}valid"), 1)
            taken = {c for c in waiting & offered if ctx.get(getattr(unit, f"{c}ready"))}
            await self.tick(ctx)
            for channel in taken:
                ctx.set(getattr(unit, f"{channel}valid"), 0)
            waiting -= taken
        (response,) = await self.answer(ctx, "b", ("bresp",))
        return response

    async def read(self, ctx: Any, address: int) -> tuple[int, ...]:
        while not self.idle.willing():
            await self.tick(ctx)
        ctx.set(self.unit.araddr, address)
        ctx.set(self.unit.arvalid, 1)
        while not ctx.get(self.unit.arready):
            await self.tick(ctx)
        await self.tick(ctx)
        ctx.set(self.unit.arvalid, 0)
        return await self.answer(ctx, "r", ("rdata", "rresp"))


def run(bench: Any, idle: str = "none", backpressure: str = "none") -> None:
    unit = AxiLiteRegisters(REGISTERS)
    simulator = Simulator(unit)
    simulator.add_clock(1e-6)

    async def testbench(ctx: Any) -> None:
        await bench(ctx, unit, Manager(unit, idle, backpressure))

    simulator.add_testbench(testbench)
    simulator.run()


@pytest.mark.parametrize("idle", STALLS)
@pytest.mark.parametrize("backpressure", STALLS)
def test_every_access_is_answered_once(idle: str, backpressure: str) -> None:
    async def bench(ctx: Any, unit: AxiLiteRegisters, bus: Manager) -> None:
        ctx.set(unit.state_value, 0x12345678)
        for level in (0xABC, 0x000, 0xFFF, 0x123):
            assert await bus.write(ctx, 0x04, level << 4) == OKAY
            assert await bus.read(ctx, 0x04) == (level << 4, OKAY)
            assert await bus.read(ctx, 0x00) == (0x12345678, OKAY)
        assert bus.pulses == 0

    run(bench, idle, backpressure)


@pytest.mark.parametrize("idle", STALLS)
@pytest.mark.parametrize("backpressure", STALLS)
def test_an_event_is_one_cycle_however_long_the_answer_waits(idle: str, backpressure: str) -> None:
    async def bench(ctx: Any, unit: AxiLiteRegisters, bus: Manager) -> None:
        for times in range(1, 5):
            assert await bus.write(ctx, 0x04, 1) == OKAY
            await bus.tick(ctx)
            await bus.tick(ctx)
            assert bus.pulses == times
        assert await bus.read(ctx, 0x04) == (0, OKAY)

    run(bench, idle, backpressure)


def test_bytes_without_a_strobe_are_not_written() -> None:
    async def bench(ctx: Any, unit: AxiLiteRegisters, bus: Manager) -> None:
        await bus.write(ctx, 0x04, 0xFFFF)
        await bus.write(ctx, 0x04, 0x0000, strobe=0b0010)
        assert await bus.read(ctx, 0x04) == (0x00F0, OKAY)
        await bus.write(ctx, 0x04, 0x0001, strobe=0b0010)
        assert bus.pulses == 1, "the first write's alone"

    run(bench)


def test_what_is_not_there_answers_with_an_error() -> None:
    async def bench(ctx: Any, unit: AxiLiteRegisters, bus: Manager) -> None:
        assert await bus.read(ctx, 0x08) == (0, SLVERR)
        assert await bus.write(ctx, 0x08, 1) == SLVERR
        assert await bus.write(ctx, 0x00, 1) == SLVERR
        assert await bus.write(ctx, 0x04, 0) == OKAY

    run(bench)


def test_a_flag_is_cleared_by_writing_1_unless_it_is_set_in_that_cycle() -> None:
    async def bench(ctx: Any, unit: AxiLiteRegisters, bus: Manager) -> None:
        async def happen() -> None:
            ctx.set(unit.event_done_set, 1)
            await bus.tick(ctx)
            ctx.set(unit.event_done_set, 0)

        await happen()
        assert await bus.read(ctx, 0x0C) == (2, OKAY)
        await bus.write(ctx, 0x0C, 0)
        assert await bus.read(ctx, 0x0C) == (2, OKAY)
        await bus.write(ctx, 0x0C, 2)
        assert await bus.read(ctx, 0x0C) == (0, OKAY)
        await happen()
        for name, value in (("awaddr", 0x0C), ("wdata", 2), ("wstrb", 0xF)):
            ctx.set(getattr(unit, name), value)
        ctx.set(unit.awvalid, 1)
        ctx.set(unit.wvalid, 1)
        await happen()
        ctx.set(unit.awvalid, 0)
        ctx.set(unit.wvalid, 0)
        await bus.answer(ctx, "b", ("bresp",))
        assert await bus.read(ctx, 0x0C) == (2, OKAY)

    run(bench)
