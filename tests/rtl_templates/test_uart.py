"""The serial link: bytes, words, breaks and overflow, bit by bit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from amaranth.sim import Simulator
from hlsgen.rtl_templates.ports.uart import (
    UartLink,
    UartReceiver,
    UartTransmitter,
    WordAssembler,
    WordSplitter,
)

DIVISOR = 5


async def send_byte(ctx: Any, line: Any, byte: int, divisor: int = DIVISOR) -> None:
    """Drive one frame onto a line."""
    for bit in (0, *((byte >> k) & 1 for k in range(8)), 1):
        ctx.set(line, bit)
        await ctx.tick().repeat(divisor)


async def receive_byte(ctx: Any, line: Any, divisor: int = DIVISOR) -> int:
    """Wait for a frame on a line and return its byte."""
    await ctx.tick().until(line == 0)
    await ctx.tick().repeat(divisor // 2 + divisor - 1)
    byte = 0
    for k in range(8):
        byte |= ctx.get(line) << k
        await ctx.tick().repeat(divisor)
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


@pytest.mark.parametrize("divisor", [4, 5, 12])
def test_receiver_takes_every_byte_at_full_rate(divisor: int) -> None:
    unit, data, taken = UartReceiver(divisor), [0, 255, 0x55, 0xA3, 1, 128], []

    async def drive(ctx: Any) -> None:
        for byte in data:
            await send_byte(ctx, unit.rx, byte, divisor)

    async def take(ctx: Any) -> None:
        await collect(ctx, unit.o, len(data), taken, iter([0] * 9))

    run(unit, drive, take)
    assert taken == data


def test_receiver_reports_a_lost_byte_and_a_break() -> None:
    unit, seen = UartReceiver(DIVISOR), {"overflow": 0, "broken": 0}

    async def drive(ctx: Any) -> None:
        await send_byte(ctx, unit.rx, 17)
        await send_byte(ctx, unit.rx, 18)
        ctx.set(unit.rx, 0)
        await ctx.tick().repeat(20 * DIVISOR)
        ctx.set(unit.rx, 1)
        await ctx.tick().repeat(4 * DIVISOR)

    async def watch(ctx: Any) -> None:
        async for *_, overflow, broken in ctx.tick().sample(unit.overflow, unit.broken):
            seen["overflow"] += overflow
            seen["broken"] += broken

    run(unit, drive, background=watch)
    assert seen == {"overflow": 1, "broken": 1}


@pytest.mark.parametrize("divisor", [4, 5, 12])
def test_transmitter_sends_every_byte(divisor: int) -> None:
    unit, data, taken = UartTransmitter(divisor), [0, 255, 0x55, 0xA3], []

    async def drive(ctx: Any) -> None:
        ctx.set(unit.i.valid, 1)
        for byte in data:
            ctx.set(unit.i.payload, byte)
            await ctx.tick().until(unit.i.ready)
        ctx.set(unit.i.valid, 0)

    async def take(ctx: Any) -> None:
        for _ in data:
            taken.append(await receive_byte(ctx, unit.tx, divisor))

    run(unit, drive, take)
    assert taken == data


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


def test_link_is_little_endian_and_starts_anew_after_a_break() -> None:
    unit = UartLink(divisor=DIVISOR, word_in=16, word_out=16, depth=4)
    words: list[int] = []
    answer: list[int] = []

    async def drive(ctx: Any) -> None:
        await send_byte(ctx, unit.rx, 0x99)
        ctx.set(unit.rx, 0)
        await ctx.tick().repeat(20 * DIVISOR)
        ctx.set(unit.rx, 1)
        await ctx.tick().repeat(DIVISOR)
        for byte in (0x34, 0x12, 0x78, 0x56):
            await send_byte(ctx, unit.rx, byte)

    async def take(ctx: Any) -> None:
        await collect(ctx, unit.o, 2, words, iter([0] * 4))
        ctx.set(unit.i.payload, 0xBEEF)
        ctx.set(unit.i.valid, 1)
        await ctx.tick().until(unit.i.ready)
        ctx.set(unit.i.valid, 0)

    async def listen(ctx: Any) -> None:
        for _ in range(2):
            answer.append(await receive_byte(ctx, unit.tx))

    run(unit, drive, take, listen)
    assert words == [0x1234, 0x5678]
    assert answer == [0xEF, 0xBE]


def test_link_answers_nothing_after_an_overflow_until_a_break() -> None:
    unit = UartLink(divisor=DIVISOR, word_in=8, word_out=8, depth=2)
    sent: list[int] = []

    async def drive(ctx: Any) -> None:
        ctx.set(unit.i.payload, 0x42)
        for byte in range(8):
            await send_byte(ctx, unit.rx, byte)
        assert ctx.get(unit.overflow) == 1
        ctx.set(unit.i.valid, 1)
        for _ in range(20 * DIVISOR):
            assert ctx.get(unit.tx) == 1
            await ctx.tick()
        ctx.set(unit.i.valid, 0)
        ctx.set(unit.rx, 0)
        await ctx.tick().repeat(20 * DIVISOR)
        ctx.set(unit.rx, 1)
        await ctx.tick().repeat(DIVISOR)
        assert ctx.get(unit.o.valid) == 0, "the break empties the link"
        ctx.set(unit.i.valid, 1)
        await ctx.tick().until(unit.i.ready)
        ctx.set(unit.i.valid, 0)

    async def listen(ctx: Any) -> None:
        sent.append(await receive_byte(ctx, unit.tx))

    run(unit, drive, listen)
    assert sent == [0x42]
