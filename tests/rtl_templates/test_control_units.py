"""Loop nest, guards, forks and ports against their definitions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import signed
from amaranth.lib import wiring
from amaranth.sim import Simulator
from hlsgen.rtl_templates.ports.axi_stream import AxisInput, AxisOutput
from hlsgen.rtl_templates.stream.channel_guard import ChannelGuard, counter_bits
from hlsgen.rtl_templates.stream.fork import StreamFork
from hlsgen.rtl_templates.stream.loop_nest import CounterPort, LoopNest
from hlsgen.rtl_templates.stream.shape import CounterShape, GuardShape, NestShape, Ramp


def simulate(unit: wiring.Component, bench: Any) -> None:
    simulator = Simulator(unit)
    simulator.add_clock(1e-6, if_exists=True)
    simulator.add_testbench(bench)
    simulator.run()


def counter(
    trips: tuple[int, ...], coefficients: tuple[int, ...], wrap: int, start: int
) -> CounterShape:
    """Deltas of ``sum(coefficient * step)``, from the definition: differences of neighbouring steps."""
    deltas = [0] * (len(trips) + 1)
    steps = list(itertools.product(*map(range, trips)))
    value = [sum(c * n for c, n in zip(coefficients, step, strict=True)) for step in steps]
    for here, following in itertools.pairwise(range(len(steps))):
        level = next(k for k in range(len(trips)) if steps[here][k] != steps[following][k])
        deltas[1 + level] = value[following] - value[here]
    deltas[0] = wrap - value[-1]
    return CounterShape(start, tuple(deltas))


@pytest.mark.parametrize("seed", range(6))
def test_a_loop_nest_keeps_affine_functions_of_its_position(seed: int) -> None:
    generator = np.random.default_rng(seed)
    trips = tuple(int(n) for n in generator.integers(1, 6, 5))
    coefficients = tuple(int(n) for n in generator.integers(-3, 9, 5))
    port = CounterPort(counter(trips, coefficients, 100, 5), 9)
    below_zero = CounterPort(counter(trips, coefficients, -3, -300), 10, signed=True)
    wrapping = CounterPort(counter(trips, coefficients, 7, 1000), 6, signed=True)
    unit = LoopNest(NestShape(trips, 2, 3), (port, below_zero, wrapping))

    async def bench(context: Any) -> None:
        for turn in range(2):
            for step in itertools.product(*map(range, trips)):
                while generator.random() < 0.3:
                    context.set(unit.advance, 0)
                    await context.tick()
                context.set(unit.advance, 1)
                place = sum(c * n for c, n in zip(coefficients, step, strict=True))
                last = [n == trip - 1 for n, trip in zip(step, trips, strict=True)]
                assert context.get(unit.value_0) == (5 + 100 * turn + place) % 512
                assert context.get(unit.value_1) == -300 - 3 * turn + place
                assert (context.get(unit.value_2) - 1000 - 7 * turn - place) % 64 == 0
                assert -32 <= context.get(unit.value_2) < 32
                assert context.get(unit.group_first) == (not any(step[2:]))
                assert context.get(unit.group_last) == all(last[2:])
                assert context.get(unit.result_last) == all(last[3:])
                await context.tick()

    simulate(unit, bench)


GUARD = GuardShape(
    rows=4,
    columns=3,
    words=60,
    need_row=Ramp(-12, 24, 0, 48),
    need_column=Ramp(6, 8, 6, 12),
    low_row=Ramp(-24, 24, 0, 48),
    low_column=Ramp(-2, 8, 0, 10),
    settled_row=1,
)


SPARSE = GuardShape(
    rows=2,
    columns=3,
    words=60,
    need_row=Ramp(0, 30, 0, 30),
    need_column=Ramp(2, 10, 2, 22),
    low_row=Ramp(0, 30, 0, 30),
    low_column=Ramp(0, 10, 0, 20),
    settled_row=0,
)
"""Between its groups are words that none reads."""


@pytest.mark.parametrize(
    ("guard", "depth"),
    [*((GUARD, n) for n in (30, 40, 62, 70, 127, 300)), *((SPARSE, n) for n in (2, 8, 24, 60))],
)
def test_counters_of_words_are_as_wide_as_the_differences_that_they_can_have(
    guard: GuardShape, depth: int
) -> None:
    places = list(itertools.product(range(3), range(guard.rows), range(guard.columns)))
    need = [60 * sample + guard.need(y, x) for sample, y, x in places]
    limit = [60 * sample + guard.low(y, x) + depth for sample, y, x in places]
    furthest = max(
        abs(counter - written)
        for k in range(len(places))
        for written in range(need[k - 1] if k else 0, limit[k] + 1)
        for counter in (need[k], limit[k])
    )
    assert counter_bits(guard, depth) == furthest.bit_length() + 1


def test_a_guard_gives_need_and_limit_of_every_group_and_sample() -> None:
    guard, depth = GUARD, 40
    bits = counter_bits(guard, depth)
    unit = ChannelGuard(guard, depth, bits)

    async def bench(context: Any) -> None:
        await context.tick()
        context.set(unit.advance, 1)
        for sample in range(3):
            for y, x in itertools.product(range(4), range(3)):
                assert context.get(unit.valid)
                need = 60 * sample + guard.need(y, x)
                assert context.get(unit.minus_need) == -need % (1 << bits)
                limit = 60 * sample + guard.low(y, x) + depth
                assert context.get(unit.minus_limit) == -limit % (1 << bits)
                await context.tick()

    simulate(unit, bench)


@pytest.mark.parametrize("seed", range(3))
def test_a_fork_gives_every_word_to_every_branch_once_whatever_the_others_do(seed: int) -> None:
    unit = StreamFork(signed(8), 3)
    generator = np.random.default_rng(seed)
    taken: list[list[int]] = [[], [], []]
    branches = [unit.o0, unit.o1, unit.o2]

    async def bench(context: Any) -> None:
        sent = 0
        while min(map(len, taken)) < 20:
            offered = sent < 20 and (context.get(unit.i.valid) or generator.random() < 0.6)
            context.set(unit.i.valid, int(offered))
            context.set(unit.i.payload, sent)
            for branch in branches:
                context.set(branch.ready, int(generator.random() < 0.5))
            moved = [context.get(b.valid) and context.get(b.ready) for b in branches]
            for k, branch in enumerate(branches):
                if moved[k]:
                    taken[k].append(context.get(branch.payload))
            sent += context.get(unit.i.ready) and offered
            await context.tick()
        assert sent == 20

    simulate(unit, bench)
    assert taken == [list(range(20))] * 3


def test_a_branch_of_a_fork_goes_ahead_while_another_waits() -> None:
    unit = StreamFork(signed(8), 2)

    async def bench(context: Any) -> None:
        context.set(unit.i.valid, 1)
        context.set(unit.o0.ready, 1)
        assert context.get(unit.o0.valid) and not context.get(unit.i.ready)
        await context.tick()
        assert not context.get(unit.o0.valid) and context.get(unit.o1.valid)
        context.set(unit.o1.ready, 1)
        assert context.get(unit.i.ready)

    simulate(unit, bench)


def test_a_port_carries_elements_in_whole_bytes_and_zeros_past_a_pixels_end() -> None:
    unit = AxisOutput(signed(5), 2, channels=3, pixels=2)

    async def bench(context: Any) -> None:
        context.set(unit.i.valid, 1)
        context.set(unit.tready, 1)
        context.set(unit.i.payload, [-3, 7])
        for word in range(8):
            assert context.get(unit.tdata) == (0xFD if word % 2 else 0x07FD)
            assert context.get(unit.tlast) == (word % 4 == 3)
            await context.tick()

    simulate(unit, bench)


def test_an_input_takes_the_low_bits_of_each_byte_group() -> None:
    unit = AxisInput(signed(10), 2)

    async def bench(context: Any) -> None:
        context.set(unit.tdata, 0x0001_03FF)
        assert context.get(unit.o.payload.as_value()) == (1 << 10) | 0x3FF

    simulate(unit, bench)
