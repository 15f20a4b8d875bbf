"""The board's end of the link, bit by bit: what it answers, what it takes in, what it sends again."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from amaranth.sim import Simulator
from hlsgen.rtl_templates.ports.link import FrameLink
from hlsgen.rtl_templates.ports.uart import BitTimes
from support.link_frames import frame, frames

IDENTITY = {
    "version": 1,
    "inputs": 2,
    "outputs": 1,
    "capacity": 64,
    "measures": 1,
    "oscillator_khz": 25_000,
    "baud": 1_000_000,
    "fast_baud": 3_000_000,
    "design": 0x0102030405060708,
}


class Bench:
    """A host that writes and reads bytes at the bits of the line, and a circuit that takes and gives bytes."""

    def __init__(self, usual: int = 4, fast: int = 4) -> None:
        self.link = FrameLink(BitTimes(Fraction(usual), Fraction(fast)), IDENTITY)
        self.usual, self.fast = usual, fast
        self.bit = usual
        self.taken: list[list[int]] = [[], []]
        self.open = [True, True]
        self.sent = bytearray()
        self.resets = 0

    def run(self, host: Callable[[Any], Any]) -> None:
        simulator = Simulator(self.link)
        simulator.add_clock(1e-6)
        simulator.add_testbench(host)
        for port in (0, 1):
            simulator.add_testbench(self.taker(port), background=True)
        simulator.add_testbench(self.listen, background=True)
        simulator.add_testbench(self.watch, background=True)
        simulator.run()

    def taker(self, port: int) -> Callable[[Any], Any]:
        async def take(ctx: Any) -> None:
            stream = getattr(self.link, f"o{port}")
            while True:
                ctx.set(stream.ready, self.open[port])
                _, _, valid, payload = await ctx.tick().sample(stream.valid, stream.payload)
                if valid and ctx.get(stream.ready):
                    self.taken[port].append(payload)

        return take

    async def watch(self, ctx: Any) -> None:
        while True:
            await ctx.tick()
            self.resets += ctx.get(self.link.restart)

    async def listen(self, ctx: Any) -> None:
        while True:
            await ctx.tick()
            if ctx.get(self.link.tx):
                continue
            await ctx.tick().repeat(self.bit + self.bit // 2)
            byte = 0
            for k in range(8):
                byte |= ctx.get(self.link.tx) << k
                await ctx.tick().repeat(self.bit)
            assert ctx.get(self.link.tx) == 1
            self.sent.append(byte)

    async def write(self, ctx: Any, data: bytes) -> None:
        for byte in data:
            for bit in (0, *((byte >> k) & 1 for k in range(8)), 1):
                ctx.set(self.link.rx, bit)
                await ctx.tick().repeat(self.bit)

    async def give(self, ctx: Any, data: bytes) -> None:
        stream = self.link.i0
        for byte in data:
            ctx.set(stream.payload, byte)
            ctx.set(stream.valid, 1)
            await ctx.tick().until(stream.ready)
        ctx.set(stream.valid, 0)

    async def quiet(self, ctx: Any, bits: int = 50) -> list[tuple[int, int, bytes]]:
        """Wait until nothing has come for a while; what came since the last time."""
        count = -1
        while count != len(self.sent):
            count = len(self.sent)
            await ctx.tick().repeat(bits * self.bit)
        came = list(frames(bytes(self.sent)))
        self.sent.clear()
        return came


def test_identity_holds_the_numbers_in_the_order_of_the_page() -> None:
    bench = Bench()

    async def host(ctx: Any) -> None:
        await bench.write(ctx, frame(0x01, 0x7E7D))  # a number of which both bytes are escaped
        ((kind, tag, payload),) = await bench.quiet(ctx)
        assert (kind, tag) == (0x81, 0x7E7D)
        assert payload == bytes((1, 2, 1, 64, 0, 1)) + b"".join(
            value.to_bytes(size, "little")
            for value, size in (
                (25_000, 4),
                (1_000_000, 4),
                (3_000_000, 4),
                (0x0102030405060708, 8),
            )
        )

    bench.run(host)


def test_elements_come_out_once_in_order_and_ports_do_not_mix() -> None:
    bench = Bench()

    async def host(ctx: Any) -> None:
        first = bytes(range(0x70, 0x90))  # flag and escape among them
        await bench.write(ctx, frame(0x40, 0, first) + frame(0x41, 0, b"\x7e\x01"))
        came = await bench.quiet(ctx)
        assert {(kind, position) for kind, position, _ in came} == {(0x90, 32), (0x91, 2)}
        limits = [payload for kind, _, payload in came if kind == 0x90]
        assert limits[-1] == (96).to_bytes(2, "little")  # room for 64 more behind the 32
        await bench.write(ctx, frame(0x40, 0, first))  # the same again: known, and refused
        assert [(kind, position) for kind, position, _ in await bench.quiet(ctx)] == [(0xA0, 32)]
        await bench.write(ctx, frame(0x40, 32, b"") + frame(0x50, 0))
        await bench.quiet(ctx)
        assert bench.taken == [list(first), [0x7E, 1]]

    bench.run(host)


@pytest.mark.parametrize("place", [1, 4, 6, 10])
def test_a_damaged_frame_changes_nothing_and_is_asked_for_again(place: int) -> None:
    bench = Bench()

    async def host(ctx: Any) -> None:
        data = bytearray(frame(0x40, 0, b"abcde"))
        data[place] ^= 0x10 if data[place] ^ 0x10 not in (0x7D, 0x7E) else 0x01
        await bench.write(ctx, bytes(data))
        came = await bench.quiet(ctx)
        assert {(kind, position) for kind, position, _ in came} == {(0xA0, 0), (0xA1, 0)}
        await bench.write(ctx, frame(0x40, 0, b"abcde"))
        await bench.quiet(ctx)
        assert bench.taken == [list(b"abcde"), []]

    bench.run(host)


def test_half_a_frame_and_any_bytes_before_it_do_not_spoil_the_next_one() -> None:
    bench, chance = Bench(), random.Random(3)

    async def host(ctx: Any) -> None:
        noise = bytes(chance.randrange(256) for _ in range(40))
        await bench.write(ctx, noise + frame(0x40, 0, b"abcdefgh")[:7])
        await bench.write(ctx, frame(0x40, 0, b"xyz"))
        await bench.quiet(ctx)
        assert bench.taken == [list(b"xyz"), []]

    bench.run(host)


def test_what_finds_no_room_is_refused_whole_and_the_host_hears_when_there_is_room() -> None:
    bench = Bench()

    async def host(ctx: Any) -> None:
        bench.open[0] = False
        await ctx.tick()
        await bench.write(ctx, frame(0x40, 0, bytes(60)))
        assert [(k, p) for k, p, _ in await bench.quiet(ctx)] == [(0x90, 60)]
        await bench.write(ctx, frame(0x40, 60, bytes(5)))
        assert await bench.quiet(ctx) == [(0xA0, 60, b"\x40\x00")]
        await bench.write(ctx, frame(0x40, 60, b"wxyz"))
        assert await bench.quiet(ctx) == [(0x90, 64, b"\x40\x00")]
        bench.open[0] = True
        came = await bench.quiet(ctx)
        assert came and all((kind, position) == (0x90, 64) for kind, position, _ in came)
        assert int.from_bytes(came[-1][2], "little") >= 64 + 32
        assert bench.taken[0] == [*bytes(60), *b"wxyz"]

    bench.run(host)


def test_outputs_are_sent_again_from_where_the_host_asks_and_wait_until_it_has_them() -> None:
    bench = Bench()
    data = bytes(range(0x60, 0xB0))  # 80 bytes, of which 64 have room

    async def host(ctx: Any) -> None:
        await ctx.tick()
        giving = 64
        await bench.give(ctx, data[:giving])
        came = await bench.quiet(ctx)
        assert b"".join(payload for _, _, payload in came) == data[:giving]
        assert [position for _, position, _ in came] == [0, *_ends(came)[:-1]]
        assert ctx.get(bench.link.i0.ready) == 0
        await bench.write(ctx, frame(0x30, 10))
        came = await bench.quiet(ctx)
        assert came[0][1] == 10 and b"".join(p for _, _, p in came) == data[10:giving]
        await bench.write(ctx, frame(0x30, 5))  # before what it has: not heeded
        assert await bench.quiet(ctx) == []
        await bench.write(ctx, frame(0x20, giving))
        await bench.give(ctx, data[giving:])
        came = await bench.quiet(ctx)
        assert came[0][1] == giving and b"".join(p for _, _, p in came) == data[giving:]

    bench.run(host)


def _ends(came: list[tuple[int, int, bytes]]) -> list[int]:
    return [position + len(payload) for _, position, payload in came]


def test_a_reset_begins_everything_anew_and_is_answered_behind_all_that_was_before() -> None:
    bench = Bench()

    async def host(ctx: Any) -> None:
        await bench.write(ctx, frame(0x40, 0, b"abc"))
        await bench.give(ctx, b"old")
        await bench.write(ctx, frame(0x02, 77))
        came = await bench.quiet(ctx)
        assert came[-1] == (0x82, 77, b"")
        assert bench.resets == 64
        await bench.write(ctx, frame(0x40, 0, b"def"))
        await bench.give(ctx, b"new")
        came = await bench.quiet(ctx)
        assert (0x90, 3) in {(kind, position) for kind, position, _ in came}
        assert b"".join(p for kind, _, p in came if kind == 0xC0) == b"new"
        assert bench.taken[0] == list(b"abcdef")

    bench.run(host)


def test_the_faster_rate_holds_until_a_break() -> None:
    bench = Bench(usual=12, fast=4)

    async def host(ctx: Any) -> None:
        await bench.write(ctx, frame(0x05, 1))
        assert await bench.quiet(ctx) == [(0x85, 1, b"")]
        bench.bit = bench.fast
        await bench.write(ctx, frame(0x10, 0))
        assert [kind for kind, _, _ in await bench.quiet(ctx)] == [0x90]
        bench.bit = bench.usual
        await bench.write(ctx, b"\x00\x00")  # at the usual rate: a break at the faster one
        await bench.write(ctx, b"\x7e")
        await bench.quiet(ctx)
        await bench.write(ctx, frame(0x10, 0))
        assert [kind for kind, _, _ in await bench.quiet(ctx)] == [0x90]

    bench.run(host)


def test_counters_are_read_from_the_circuit_while_they_are_held() -> None:
    bench = Bench()
    numbers = bytes(range(0x70, 0x70 + 18)) + b"\x00"

    async def host(ctx: Any) -> None:
        await bench.write(ctx, frame(0x03, 9))
        await ctx.tick().repeat(500)
        assert ctx.get(bench.link.hold) == 1
        ticks = ctx.get(bench.link.ticks)
        for byte in numbers:
            await ctx.tick().repeat(100)  # much slower than the line
            ctx.set(bench.link.counts.payload, byte)
            ctx.set(bench.link.counts.valid, 1)
            await ctx.tick().until(bench.link.counts.ready)
            ctx.set(bench.link.counts.valid, 0)
        assert ctx.get(bench.link.ticks) == ticks
        assert await bench.quiet(ctx) == [(0x83, 9, numbers)]
        assert ctx.get(bench.link.hold) == 0
        assert ctx.get(bench.link.ticks) != ticks

    bench.run(host)


def test_a_measurement_runs_until_the_circuit_is_done_and_ticks_count_as_long_as_it_replays() -> (
    None
):
    bench = Bench()

    async def host(ctx: Any) -> None:
        await bench.write(ctx, frame(0x04, 3, (100_000).to_bytes(4, "little")))
        assert await bench.quiet(ctx) == [(0x84, 3, b"")]
        assert ctx.get(bench.link.run) == 1
        assert ctx.get(bench.link.ticks) == 0
        ctx.set(bench.link.replay, 1)
        await bench.write(ctx, frame(0x40, 0, b"abcdefgh"))
        assert ctx.get(bench.link.samples_wanted) == 100_000
        await bench.quiet(ctx)
        await bench.write(ctx, frame(0x03, 4))  # asked meanwhile: it runs, and no more is said
        ((kind, _, payload),) = await bench.quiet(ctx)
        assert (kind, len(payload), payload[18]) == (0x83, 19, 1)
        ctx.set(bench.link.replay, 0)
        await ctx.tick().repeat(3)
        assert ctx.get(bench.link.run) == 0
        ticks = ctx.get(bench.link.ticks)
        assert ticks > 0
        await bench.quiet(ctx)
        assert ctx.get(bench.link.ticks) == ticks

    bench.run(host)
