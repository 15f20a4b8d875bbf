"""The counts of a circuit, which stand in a memory but for their lowest bytes, and the samples that are given again."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.sim import Simulator
from hlsgen.rtl_templates.ports.measure import Measure, SampleReplay

from hlsgen.algebra.link import COUNTERS


async def _counts(ctx: Any, measure: Measure, pause: int = 0) -> dict[str, int]:
    """What it gives while it is held, byte by byte."""
    ctx.set(measure.hold, 1)
    data = bytearray()
    while len(data) < COUNTERS.length:
        await ctx.tick().repeat(1 + pause)
        ctx.set(measure.counts.ready, 1)
        (byte,) = await ctx.tick().sample(measure.counts.payload).until(measure.counts.valid)
        ctx.set(measure.counts.ready, 0)
        data.append(byte)
    await ctx.tick().repeat(100)
    assert ctx.get(measure.counts.valid) == 0
    ctx.set(measure.hold, 0)
    await ctx.tick().repeat(3)
    numbers = {}
    for number in COUNTERS.payload:
        numbers[number.name] = int.from_bytes(data[: number.bytes], "little")
        del data[: number.bytes]
    return numbers


def _run(measure: Measure, bench: Any) -> None:
    simulator = Simulator(measure)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("pause", [0, 7, 60])
def test_counts_are_those_of_all_cycles_and_samples_however_often_they_are_read(pause: int) -> None:
    measure, chance = Measure(), random.Random(pause)

    async def bench(ctx: Any) -> None:
        await ctx.tick().repeat(100)  # what is in memory after a reset is written over
        busy = samples = inside = 0
        before = await _counts(ctx, measure)
        for _ in range(3):
            for _ in range(900):
                first = int(chance.random() < 0.7 and inside < 5)
                last = int(inside > 0 and chance.random() < 0.7)
                ctx.set(measure.first, first)
                ctx.set(measure.last, last)
                busy += inside > 0 or first
                samples += last
                inside += first - last
                await ctx.tick()
            ctx.set(measure.first, 0)
            ctx.set(measure.last, 0)
            while inside:
                ctx.set(measure.last, 1)
                await ctx.tick()
                busy, samples, inside = busy + 1, samples + 1, inside - 1
            ctx.set(measure.last, 0)
            await ctx.tick().repeat(3)
            counts = await _counts(ctx, measure, pause)
            assert (counts["busy"], counts["samples"]) == (busy, samples)
            assert counts["measuring"] == 0
            passed = counts["cycles"] - before["cycles"]
            assert 900 <= passed <= 900 + 20
            before = counts

    _run(measure, bench)


def test_ticks_and_refused_frames_come_from_the_other_domain() -> None:
    measure = Measure()

    async def bench(ctx: Any) -> None:
        await ctx.tick().repeat(100)
        for k in range(300):
            ctx.set(measure.refused, k + 1 & 1)
            ctx.set(measure.ticked, k + 1 & 1)
            await ctx.tick().repeat(100)
        ctx.set(measure.ticks, 0xABCD)
        counts = await _counts(ctx, measure)
        assert counts["refused"] == 300
        assert counts["ticks"] == 300 << 16 | 0xABCD

    _run(measure, bench)


@pytest.mark.parametrize(
    ("samples", "interval"),
    [
        *(
            (samples, interval)
            for samples in (1, 2, 255, 256, 257, 511, 770)
            for interval in (1, 3)
        ),
        pytest.param(65_540, 1, marks=pytest.mark.slow),
    ],
)
def test_as_many_samples_are_measured_as_are_wanted_to_the_cycle(
    samples: int, interval: int
) -> None:
    measure, latency = Measure(), 5

    async def bench(ctx: Any) -> None:
        await ctx.tick().repeat(13)
        ctx.set(measure.samples_wanted, samples)
        ctx.set(measure.run, 1)
        while not ctx.get(measure.replay):
            await ctx.tick()
        cycle = 0
        while ctx.get(measure.replay):  # a circuit that takes a sample each interval
            assert ctx.get(measure.closed) == 1
            ctx.set(measure.first, int(cycle % interval == 0))
            ctx.set(measure.last, int(cycle >= latency and (cycle - latency) % interval == 0))
            await ctx.tick()
            cycle += 1
        ctx.set(measure.first, 0)
        ctx.set(measure.last, 0)
        await ctx.tick().repeat(3)
        ctx.set(measure.run, 0)
        await ctx.tick().repeat(3)
        counts = await _counts(ctx, measure)
        assert counts["samples"] == samples
        # From the cycle in which the first word goes in to that in which the last one comes out.
        assert counts["cycles"] == latency + (samples - 1) * interval + 1
        assert counts["busy"] == counts["cycles"]
        assert ctx.get(measure.closed) == 1 and ctx.get(measure.replay) == 0

    _run(measure, bench)


@pytest.mark.parametrize(("words", "depth"), [(1, 2), (2, 2), (5, 8), (8, 8), (11, 4)])
@pytest.mark.parametrize("readiness", [1.0, 0.5])
def test_the_last_sample_is_given_again_word_by_word(
    words: int, depth: int, readiness: float
) -> None:
    replay, chance = SampleReplay(8, words, depth), random.Random(words)
    passed = [chance.randrange(256) for _ in range(3 * words)]
    kept = {number % depth: word for number, word in enumerate(passed[-words:])}
    expected = [kept[number % depth] for number in range(words)] * 4

    async def bench(ctx: Any) -> None:
        async def take(count: int) -> list[tuple[int, int]]:
            taken: list[tuple[int, int]] = []
            while len(taken) < count:
                ready = int(chance.random() < readiness)
                ctx.set(replay.o.ready, ready)
                ctx.set(replay.i.valid, int(bool(source)))
                ctx.set(replay.i.payload, source[-1] if source else 0)
                moved = ready and ctx.get(replay.o.valid)
                assert ctx.get(replay.first) <= moved
                if moved:
                    taken.append((ctx.get(replay.o.payload), ctx.get(replay.first)))
                    del source[-1:]
                await ctx.tick()
            return taken

        source = passed[::-1]
        firsts = [int(number % words == 0) for number in range(3 * words)]
        assert await take(3 * words) == list(zip(passed, firsts, strict=True))
        ctx.set(replay.o.ready, 0)
        ctx.set(replay.closed, 1)
        await ctx.tick().repeat(4)
        ctx.set(replay.replay, 1)
        firsts = [int(number % words == 0) for number in range(4 * words)]
        assert await take(4 * words) == list(zip(expected, firsts, strict=True))

    simulator = Simulator(replay)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
