"""Bytes over pins arrive once, in order, unchanged, whatever stalls and however the wires change."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from hlsgen.rtl_templates.ports.pin_handshake import PinReceiver, PinSender
from hlsgen.sim.unit_check import PATTERNS, run_stream_unit


class Loop(wiring.Component):
    """A sender whose pins are those of a receiver, with wires that a clock passes ``delay`` times."""

    def __init__(self, delay: int) -> None:
        self.delay = delay
        super().__init__({"i": In(stream.Signature(9)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.sender = sender = PinSender()
        m.submodules.receiver = receiver = PinReceiver()
        wiring.connect(m, wiring.flipped(self.i), sender.i)
        wiring.connect(m, receiver.o, wiring.flipped(self.o))
        m.d.comb += receiver.data.eq(sender.data)
        for name, source, sink in (
            ("request", sender.request, receiver.request),
            ("acknowledge", receiver.acknowledge, sender.acknowledge),
        ):
            for number in range(self.delay):
                later = Signal(name=f"{name}_{number}")
                m.d.sync += later.eq(source)
                source = later
            m.d.comb += sink.eq(source)
        return m


@pytest.mark.parametrize(("idle", "backpressure"), list(itertools.product(PATTERNS, PATTERNS)))
@pytest.mark.parametrize("delay", [0, 3])
def test_bytes_pass_under_every_pattern(idle: str, backpressure: str, delay: int) -> None:
    draw = random.Random(f"{idle}{backpressure}{delay}")
    words = [draw.randrange(512) for _ in range(60)]
    seen = run_stream_unit(
        Loop(delay), words, len(words), idle=idle, backpressure=backpressure, seed="pins"
    )
    assert list(seen.words) == [word & 255 for word in words]


def test_a_byte_and_its_mark_stand_before_the_request_and_until_the_acknowledge() -> None:
    sender, draw = PinSender(), random.Random(3)
    words = [draw.randrange(512) for _ in range(60)]
    taken: list[int] = []

    async def source(ctx: Any) -> None:
        for word in words:
            ctx.set(sender.i.payload, word)
            ctx.set(sender.i.valid, 1)
            await ctx.tick().until(sender.i.ready)
            ctx.set(sender.i.valid, 0)

    async def host(ctx: Any) -> None:
        level, before = 0, 0
        while len(taken) < len(words):
            pins = ctx.get(sender.data) | ctx.get(sender.last) << 8
            if ctx.get(sender.request) != level:
                assert pins == before, "the byte is there a cycle before its request"
                for _ in range(draw.randrange(6)):
                    await ctx.tick()
                    assert pins == ctx.get(sender.data) | ctx.get(sender.last) << 8
                taken.append(pins)
                level ^= 1
                ctx.set(sender.acknowledge, level)
            before = pins
            await ctx.tick()

    simulator = Simulator(sender)
    simulator.add_clock(1e-6)
    simulator.add_testbench(source)
    simulator.add_testbench(host)
    simulator.run_until(1e-2)
    assert taken == words


def test_a_byte_is_not_taken_before_its_request_nor_twice() -> None:
    receiver = PinReceiver()

    async def host(ctx: Any) -> None:
        ctx.set(receiver.o.ready, 1)
        ctx.set(receiver.data, 7)
        for _ in range(10):
            await ctx.tick()
            assert not ctx.get(receiver.o.valid)
        ctx.set(receiver.request, 1)
        valid = 0
        for _ in range(10):
            await ctx.tick()
            valid += ctx.get(receiver.o.valid)
        assert valid == 1 and ctx.get(receiver.acknowledge) == 1

    simulator = Simulator(receiver)
    simulator.add_clock(1e-6)
    simulator.add_testbench(host)
    simulator.run()
