"""Samples are let in whole and in the number asked for, under idle and backpressure; runs are counted and end."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.sim import Simulator
from hlsgen.rtl_templates.ports.run_control import RunControl, SampleGate
from hlsgen.sim.stalls import StallPattern

STALLS = ("none", "random", "bursty")
CYCLES = 400


class Gated(wiring.Component):
    """A gate and a run; what passes comes out at once, on ``outputs`` outputs."""

    def __init__(self, words: int, outputs: int = 1) -> None:
        self.gate, self.control, self.outputs = SampleGate(words), RunControl(outputs), outputs
        super().__init__({"start": In(1), "samples": In(32), "endless": In(1), "late": In(outputs)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.gate, m.submodules.control = gate, control = self.gate, self.control
        for name in ("start", "samples", "endless"):
            m.d.comb += getattr(control, name).eq(getattr(self, name))
        m.d.comb += [
            gate.load.eq(control.load),
            gate.samples.eq(self.samples),
            gate.endless.eq(self.endless),
            control.first.eq(gate.first),
        ]
        m.d.comb += control.last.eq(self.late)
        return m


def simulate(unit: Any, bench: Any) -> None:
    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


class Stream:
    """The streams of a gate: ``passed`` words; a word that was offered to the circuit must stay until it is taken."""

    def __init__(self, gate: SampleGate, idle: str, backpressure: str) -> None:
        self.gate, self.passed = gate, 0
        self.idle, self.backpressure = StallPattern(idle, "i"), StallPattern(backpressure, "b")
        self.valid = self.offered = False

    async def cycle(self, ctx: Any) -> None:
        gate = self.gate
        self.valid = self.valid or self.idle.willing()
        ctx.set(gate.valid, self.valid)
        ready = self.backpressure.willing()
        ctx.set(gate.passed_ready, ready)
        offered = ctx.get(gate.passed_valid)
        assert offered or not self.offered, "an offered word was withdrawn"
        taken = bool(ctx.get(gate.ready)) and self.valid
        assert taken == bool(offered and ready)
        self.passed += taken
        self.offered = bool(offered) and not ready
        if taken:
            self.valid = False
        await ctx.tick()


@pytest.mark.parametrize("idle", STALLS)
@pytest.mark.parametrize("backpressure", STALLS)
@pytest.mark.parametrize("words", [1, 5])
def test_as_many_samples_pass_as_were_asked_for(idle: str, backpressure: str, words: int) -> None:
    unit = Gated(words)

    async def bench(ctx: Any) -> None:
        stream, expected = Stream(unit.gate, idle, backpressure), 0
        for samples in (1, 0, 3, 2):
            for _ in range(10):
                await stream.cycle(ctx)
            assert stream.passed == expected * words
            ctx.set(unit.samples, samples)
            ctx.set(unit.start, 1)
            await stream.cycle(ctx)
            ctx.set(unit.start, 0)
            expected += samples
            for _ in range(CYCLES):
                await stream.cycle(ctx)
            assert stream.passed == expected * words
            for _ in range(samples):  # they come out
                ctx.set(unit.late, 1)
                await stream.cycle(ctx)
            ctx.set(unit.late, 0)
            await stream.cycle(ctx)
            assert ctx.get(unit.control.done)
            assert ctx.get(unit.control.finished) == samples

    simulate(unit, bench)


@pytest.mark.parametrize("idle", STALLS)
@pytest.mark.parametrize("backpressure", STALLS)
def test_without_end_means_until_it_is_cleared_and_then_whole_samples(
    idle: str, backpressure: str
) -> None:
    unit = Gated(words=5)

    async def bench(ctx: Any) -> None:
        stream = Stream(unit.gate, idle, backpressure)
        for _ in range(4):
            ctx.set(unit.endless, 1)
            for _ in range(CYCLES):
                await stream.cycle(ctx)
            assert ctx.get(unit.control.running)
            ctx.set(unit.endless, 0)
            before = stream.passed
            for _ in range(CYCLES):
                await stream.cycle(ctx)
            assert stream.passed > 5 and stream.passed % 5 == 0
            assert stream.passed - before <= 10, "the begun sample, and one whose first word waited"
            assert not ctx.get(unit.control.running)

    simulate(unit, bench)


def test_a_run_is_done_when_every_output_has_given_its_samples() -> None:
    unit = Gated(words=1, outputs=2)

    async def bench(ctx: Any) -> None:
        ended = 0
        ctx.set(unit.samples, 2)
        ctx.set(unit.start, 1)
        await ctx.tick()
        ctx.set(unit.start, 0)
        for late in (0b01, 0b01, 0b00, 0b10, 0b00, 0b00):
            ctx.set(unit.late, late)
            ended += ctx.get(unit.control.ended)
            await ctx.tick()
        assert not ctx.get(unit.control.done) and ctx.get(unit.control.finished) == 1
        for late in (0b10, 0b00, 0b00):
            ctx.set(unit.late, late)
            ended += ctx.get(unit.control.ended)
            await ctx.tick()
        assert ctx.get(unit.control.done) and ctx.get(unit.control.finished) == 2 and ended == 1

    simulate(unit, bench)


def test_cycles_and_busy_cycles_are_those_of_the_run() -> None:
    unit = Gated(words=2)

    async def bench(ctx: Any) -> None:
        gate, control = unit.gate, unit.control
        ctx.set(unit.samples, 1)
        ctx.set(unit.start, 1)
        await ctx.tick()
        ctx.set(unit.start, 0)
        await ctx.tick().repeat(7)  # nothing comes
        ctx.set(gate.valid, 1)
        ctx.set(gate.passed_ready, 1)
        await ctx.tick()
        assert ctx.get(control.busy)
        await ctx.tick()
        ctx.set(gate.valid, 0)
        await ctx.tick().repeat(3)
        ctx.set(unit.late, 1)
        await ctx.tick()
        ctx.set(unit.late, 0)
        await ctx.tick().repeat(5)
        assert ctx.get(control.cycles) == 7 + 2 + 3 + 1
        assert ctx.get(control.busy_cycles) == 2 + 3 + 1
        assert not ctx.get(control.busy) and not ctx.get(control.running)

    simulate(unit, bench)


def test_a_start_while_a_run_goes_on_has_no_effect() -> None:
    unit = Gated(words=1)

    async def bench(ctx: Any) -> None:
        ctx.set(unit.samples, 2)
        ctx.set(unit.start, 1)
        await ctx.tick().repeat(5)
        ctx.set(unit.start, 0)
        stream = Stream(unit.gate, "none", "none")
        for _ in range(20):
            await stream.cycle(ctx)
        assert stream.passed == 2

    simulate(unit, bench)
