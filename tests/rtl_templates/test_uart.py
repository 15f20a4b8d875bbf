"""The serial line: bytes at both bit rates, whole or not whole in cycles, breaks; and words of bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from amaranth.sim import Simulator
from hlsgen.rtl_templates.ports.uart import BitTimes, UartReceiver, UartTransmitter
from hlsgen.rtl_templates.ports.words import WordAssembler, WordSplitter

TIMES = BitTimes(Fraction(25), Fraction(25, 3))
"""Of 25 MHz: 1 and 3 megabits per second."""


async def send_byte(ctx: Any, line: Any, byte: int, cycles: Fraction) -> None:
    """Drive one frame onto a line, each bit as near to its place as whole cycles allow."""
    bits = (0, *((byte >> k) & 1 for k in range(8)), 1)
    for place, bit in enumerate(bits):
        ctx.set(line, bit)
        await ctx.tick().repeat(round(cycles * (place + 1)) - round(cycles * place))


async def receive_byte(ctx: Any, line: Any, cycles: Fraction) -> int:
    """Wait for a frame on a line and return its byte, looked at in the middle of its bits."""
    await ctx.tick().until(line == 0)
    byte, past = 0, 0
    for place in range(1, 10):
        at = round(cycles * place + cycles / 2)
        await ctx.tick().repeat(at - past)
        past = at
        if place < 9:
            byte |= ctx.get(line) << (place - 1)
    assert ctx.get(line) == 1, "no stop bit"
    return byte


async def collect(ctx: Any, port: Any, count: int, taken: list[int], rest: Iterator[int]) -> None:
    """Take ``count`` payloads of a stream, idle for ``next(rest)`` cycles before each."""
    for _ in range(count):
        await ctx.tick().repeat(next(rest) + 1)
        ctx.set(port.ready, 1)
        (payload,) = await ctx.tick().sample(port.payload).until(port.valid)
        taken.append(payload)
        ctx.set(port.ready, 0)


def run(unit: Any, *benches: Any, background: Any = None) -> None:
    """Simulate until every bench has ended."""
    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    if background is not None:
        simulator.add_testbench(background, background=True)
    simulator.run()


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("times", [TIMES, BitTimes(Fraction(12), Fraction(4))])
def test_receiver_takes_every_byte_at_full_rate(times: BitTimes, fast: bool) -> None:
    unit, data, taken = UartReceiver(times), [0, 255, 0x55, 0xA3, 1, 128], []
    cycles = times.fast if fast else times.usual

    async def drive(ctx: Any) -> None:
        ctx.set(unit.fast, fast)
        await ctx.tick().repeat(4)
        for byte in data:
            await send_byte(ctx, unit.rx, byte, cycles)

    async def take(ctx: Any) -> None:
        while len(taken) < len(data):
            await ctx.tick()
            if ctx.get(unit.valid):
                taken.append(ctx.get(unit.byte))

    run(unit, drive, take)
    assert taken == data


def test_receiver_reports_a_break_and_bytes_of_a_slower_rate_are_one() -> None:
    unit, seen = UartReceiver(TIMES), {"broken": 0}

    async def drive(ctx: Any) -> None:
        ctx.set(unit.fast, 1)
        await ctx.tick().repeat(4)
        await send_byte(ctx, unit.rx, 0, TIMES.usual)
        await ctx.tick().repeat(40)

    async def watch(ctx: Any) -> None:
        while True:
            await ctx.tick()
            seen["broken"] += ctx.get(unit.broken)

    run(unit, drive, background=watch)
    assert seen["broken"] == 1


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("times", [TIMES, BitTimes(Fraction(12), Fraction(4))])
def test_transmitter_sends_every_byte(times: BitTimes, fast: bool) -> None:
    unit, data, taken = UartTransmitter(times), [0, 255, 0x55, 0xA3], []

    async def drive(ctx: Any) -> None:
        ctx.set(unit.fast, fast)
        ctx.set(unit.i.valid, 1)
        for byte in data:
            ctx.set(unit.i.payload, byte)
            await ctx.tick().until(unit.i.ready)
        ctx.set(unit.i.valid, 0)

    async def take(ctx: Any) -> None:
        for _ in data:
            taken.append(await receive_byte(ctx, unit.tx, times.fast if fast else times.usual))

    run(unit, drive, take)
    assert taken == data


@pytest.mark.parametrize("fast", [False, True])
def test_transmitter_takes_a_byte_every_ten_bits(fast: bool) -> None:
    unit, count, taken = UartTransmitter(TIMES), 12, []

    async def drive(ctx: Any) -> None:
        ctx.set(unit.fast, fast)
        ctx.set(unit.i.valid, 1)
        for cycle in range(10_000):
            if ctx.get(unit.i.ready):
                taken.append(cycle)
            if len(taken) == count:
                return
            await ctx.tick()

    run(unit, drive)
    bits = 10 * (TIMES.fast if fast else TIMES.usual)
    # Lengths of bits add up to what they should, to a cycle.
    assert taken[-1] - taken[0] in (int((count - 1) * bits), -int(-(count - 1) * bits // 1))


@pytest.mark.parametrize("width", [8, 16, 24])
def test_splitter_then_assembler_is_the_identity_under_backpressure(width: int) -> None:
    from amaranth.hdl import Module
    from amaranth.lib import wiring

    splitter, assembler, m = WordSplitter(width), WordAssembler(width), Module()
    m.submodules += splitter, assembler
    wiring.connect(m, splitter.o, assembler.i)
    chance = random.Random(width)
    data, taken = [chance.randrange(1 << width) for _ in range(20)], []

    async def drive(ctx: Any) -> None:
        for word in data:
            await ctx.tick().repeat(chance.randrange(4) + 1)
            ctx.set(splitter.i.payload, word)
            ctx.set(splitter.i.valid, 1)
            await ctx.tick().until(splitter.i.ready)
            ctx.set(splitter.i.valid, 0)

    async def take(ctx: Any) -> None:
        rest = iter([chance.randrange(6) for _ in data])
        await collect(ctx, assembler.o, len(data), taken, rest)

    run(m, drive, take)
    assert taken == data
