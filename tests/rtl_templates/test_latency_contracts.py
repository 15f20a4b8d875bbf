"""Latencies that schedules plan with and that no stream shows by itself, measured on the running units."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.sim import Simulator
from hlsgen.rtl_templates import contract, loop_contract
from hlsgen.rtl_templates.fabric.load_port import LoadPort
from hlsgen.rtl_templates.fabric.loop_control import LoopControl
from hlsgen.rtl_templates.fabric.shape import ControlShape, RunShape
from hlsgen.rtl_templates.kernel.loop_pipeline import LoopPipeline
from hlsgen.rtl_templates.kernel.shape import ConstantTap, PipelineShape, StageShape
from hlsgen.rtl_templates.stream.channel_buffer import ChannelBuffer
from hlsgen.rtl_templates.stream.shape import (
    BufferShape,
    CopyShape,
    CounterShape,
    GuardShape,
    Ramp,
)

from hlsgen.algebra.fields import Field, to_string
from hlsgen.algebra.packets import HELLO, READ, head

DEPTH = 4
HASH = 0x1234


def simulate(unit: Any, bench: Any) -> None:
    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def buffer() -> ChannelBuffer:
    """One row of 8 pixels of one channel, read one pixel a group; DEPTH words are held."""
    still = Ramp(0, 0, 0, 0)
    guard = GuardShape(1, 8, 8, still, Ramp(1, 1, 1, 8), still, Ramp(0, 1, 0, 8), 0)
    step = CounterShape(0, (1, 1))
    return ChannelBuffer(
        BufferShape(
            bits=8,
            signed=False,
            channels=1,
            write_lanes=1,
            lanes=1,
            depth=DEPTH,
            height=1,
            width=8,
            outside=0,
            address=step,
            row=CounterShape(0, (0, 0)),
            column=step,
            row_range=(0, 0),
            column_range=(0, 7),
            copies=(CopyShape(0, 0, 0),),
            lane_copies=((0,),),
            guard=guard,
        )
    )


async def filled(context: Any, unit: ChannelBuffer) -> None:
    """Words 10, 11, ... until the buffer takes no more."""
    word = 10
    context.set(unit.i.valid, 1)
    while context.get(unit.i.ready):
        context.set(unit.i.payload[0], word)
        await context.tick()
        word += 1
    assert word == 10 + DEPTH


def test_elements_follow_their_address_after_the_read_latency_of_a_channel() -> None:
    unit, seen = buffer(), []

    async def bench(context: Any) -> None:
        await filled(context, unit)
        context.set(unit.address, 2)
        for _ in range(5):
            seen.append(int(context.get(unit.o[0][0])))
            await context.tick()

    simulate(unit, bench)
    assert seen.index(12) == contract.CHANNEL_READ_LATENCY


def test_a_dead_word_gives_way_after_the_cycles_that_a_channel_takes_to_free_it() -> None:
    unit, seen = buffer(), []

    async def bench(context: Any) -> None:
        await filled(context, unit)
        while not context.get(unit.ready):
            await context.tick()
        context.set(unit.group_last, 1)
        for _ in range(6):
            seen.append(bool(context.get(unit.i.valid) and context.get(unit.i.ready)))
            await context.tick()
            context.set(unit.group_last, 0)

    simulate(unit, bench)
    # the word is in the memory, for a reader to count on, in the cycle after it was accepted
    assert seen.index(True) + 1 == contract.CHANNEL_FREED_AFTER


@pytest.mark.parametrize("streams", [True, False])
def test_a_run_is_enabled_after_its_contexts_are_filled(streams: bool) -> None:
    fields = (Field("interval", 3), Field("cycles", 8), Field("extent_0", 4))
    fields += tuple(
        Field(f"line_{k}_{name}", bits)
        for k in (1, 2, 3)
        for name, bits in (("level", 2), ("last", 1))
    )
    unit = LoopControl(ControlShape(RunShape(4, 1, 2, 0, streams), 1, fields))
    seen: list[tuple[int, int]] = []

    async def bench(context: Any) -> None:
        values = {"interval": 1, "cycles": 5, "extent_0": 5}
        for address, word in enumerate(to_string("control", fields, values)):
            context.set(unit.write.valid, 1)
            context.set(unit.write.address, address)
            context.set(unit.write.data, word)
            await context.tick()
        context.set(unit.write.valid, 0)
        context.set(unit.start, 1)
        await context.tick()
        context.set(unit.start, 0)
        for _ in range(12):
            running = int(context.get(unit.running))
            context.set(unit.enable, running)
            seen.append((int(context.get(unit.busy)), running))
            await context.tick()

    simulate(unit, bench)
    assert seen.index((1, 1)) == loop_contract.RUN_FILL_CYCLES
    assert sum(running for _, running in seen) == 5
    ended = 0 if streams else loop_contract.RUN_REGISTER_CYCLES
    assert [busy for busy, _ in seen].index(0) == loop_contract.RUN_FILL_CYCLES + 5 + ended


@pytest.mark.parametrize(("iterations", "interval"), [(1, 1), (5, 1), (4, 3)])
@pytest.mark.parametrize("length", [1, 4])
def test_a_loop_pipeline_is_done_after_its_cycles(
    iterations: int, interval: int, length: int
) -> None:
    stage = StageShape("s", "add", 0, 1, (ConstantTap(1), ConstantTap(2)))
    unit = LoopPipeline(PipelineShape(8, (iterations,), interval, length, (stage,)))

    async def bench(context: Any) -> None:
        context.set(unit.start, 1)
        await context.tick()
        context.set(unit.start, 0)
        cycles = 1
        while not context.get(unit.done):
            await context.tick()
            cycles += 1
        assert cycles == loop_contract.loop_pipeline_cycles(
            iterations=iterations, interval=interval, length=length
        )

    simulate(unit, bench)


@pytest.mark.parametrize("late", [0, 1])
def test_a_row_is_offered_after_the_latencies_of_the_load_port_and_its_queue(late: int) -> None:
    """``late``: the output register of the memory."""
    latency = loop_contract.LOAD_READ_LATENCY + late
    unit, seen = LoadPort(hash=HASH, row_latency=latency), []

    async def bench(context: Any) -> None:
        context.set(unit.i.valid, 1)
        for word in (head(HELLO), HASH, head(READ, count=1), 0):
            context.set(unit.i.payload, word)
            await context.tick()
        context.set(unit.i.valid, 0)
        while not context.get(unit.read):
            await context.tick()
        while not context.get(unit.o.valid):
            seen.append(context.get(unit.row))
            await context.tick()
            context.set(unit.row, 7 if len(seen) == 1 + late else 3)
        assert context.get(unit.o.payload.word) == 7

    simulate(unit, bench)
    queue = contract.credit_fifo(depth=1, word_bits=1).latency
    assert len(seen) == latency + queue
