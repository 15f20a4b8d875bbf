"""Loop control against a plain enumeration of its nest, and the context memories that follow it."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import Any

import pytest
from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from hlsgen.rtl_templates.fabric.context_memory import ContextMemory
from hlsgen.rtl_templates.fabric.line_taps import LineTaps
from hlsgen.rtl_templates.fabric.loop_control import LoopControl
from hlsgen.rtl_templates.fabric.shape import ControlShape, RunShape

from hlsgen.algebra.fields import Field, Fields, pitch, string_words

LINES = 4
LOOPS = 6


def control_shape(stages: int, contexts: int, registers: int) -> ControlShape:
    fields = [Field("interval", 5), Field("cycles", 20)]
    fields += [Field(f"extent_{level}", 7) for level in range(LOOPS)]
    fields += [
        Field(f"line_{k}_{name}", bits)
        for k in (1, 2, 3)
        for name, bits in (("last", 1), ("level", 3))
    ]
    return ControlShape(RunShape(LINES, stages, contexts, registers, True), LOOPS, tuple(fields))


def pack(fields: Fields, values: dict[str, int]) -> list[int]:
    """Fields as words of the load port, lowest bits first."""
    whole = at = 0
    for field in fields:
        whole |= (values.get(field.name, 0) % (1 << field.bits)) << at
        at += field.bits
    return [(whole >> (32 * k)) % (1 << 32) for k in range(string_words(fields))]


@dataclass(frozen=True)
class Plan:
    """A run: ``lines`` are (edge, level) of lines 1, 2, 3."""

    interval: int
    extents: tuple[int, ...]
    lines: tuple[tuple[str, int], ...]
    cycles: int

    def words(self, shape: ControlShape) -> list[int]:
        extents = (*self.extents, *(1,) * (LOOPS - len(self.extents)))
        values = {"interval": self.interval, "cycles": self.cycles}
        values |= {f"extent_{level}": extent for level, extent in enumerate(extents)}
        for k, (edge, level) in enumerate(self.lines, 1):
            values |= {f"line_{k}_last": int(edge == "last"), f"line_{k}_level": level}
        return pack(shape.fields, values)

    def marks(self) -> list[tuple[bool, ...]]:
        """The lines of every iteration."""
        marks = []
        for step in itertools.product(*map(range, self.extents)):
            edges = {
                "first": [n == 0 for n in step],
                "last": [n == extent - 1 for n, extent in zip(step, self.extents, strict=True)],
            }
            marks.append((True, *(all(edges[edge][level:]) for edge, level in self.lines)))
        return marks


def random_plan(rng: random.Random, contexts: int) -> Plan:
    extents = tuple(rng.randint(1, 4) for _ in range(rng.randint(0, LOOPS)))
    lines = tuple((rng.choice(("first", "last")), rng.randint(0, len(extents))) for _ in range(3))
    interval = rng.randint(1, contexts)
    return Plan(interval, extents, lines, rng.randint(1, 120))


class Bench(wiring.Component):
    """Loop control and one unit with contexts of one field."""

    def __init__(self, shape: ControlShape) -> None:
        self.control = LoopControl(shape)
        self.fields: Fields = (Field("low", 30), Field("high", 37))
        self.unit = ContextMemory(shape.run, self.fields)
        self.taps = LineTaps(shape.run)
        super().__init__({"enable": In(1), "issued": Out(67)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.control, m.submodules.unit = self.control, self.unit
        m.submodules.taps = self.taps
        for name in self.control.run.signature.members:
            for unit in (self.unit, self.taps):
                m.d.comb += getattr(unit.run, name).eq(getattr(self.control.run, name))
        m.d.comb += self.control.enable.eq(self.enable & self.control.running)
        with m.If(self.control.run.fetch):
            m.d.sync += self.issued.eq(Mux(self.unit.known, self.unit.coming.as_value(), 0))
        return m


async def write(context: Any, unit: Any, address: int, words: list[int]) -> None:
    for k, word in enumerate(words):
        context.set(unit.write.valid, 1)
        context.set(unit.write.address, address + k)
        context.set(unit.write.data, word)
        await context.tick()
    context.set(unit.write.valid, 0)


async def follow(
    context: Any, bench: Bench, plan: Plan, rows: list[int], rng: random.Random
) -> None:
    """Start the run, and compare everything in every cycle of it."""
    control, shape = bench.control, bench.control.shape.run
    marks, registers = plan.marks(), shape.registers
    context.set(control.start, 1)
    await context.tick()
    context.set(control.start, 0)

    def taps(cycle: int) -> list[int]:
        delays = [cycle // plan.interval - stage for stage in range(shape.stages)]
        return [
            int(0 <= k < len(marks) and marks[k][line]) for line in range(LINES) for k in delays
        ]

    for cycle in range(-2, plan.cycles):
        assert context.get(control.busy)
        assert context.get(control.running) == (cycle >= 0)
        while cycle >= 0 and rng.random() < 0.3:
            context.set(bench.enable, 0)
            await context.tick()
        context.set(bench.enable, 1)
        if cycle >= -1:
            k, slot = divmod(cycle + 1, plan.interval)
            lines = context.get(bench.taps.taps)
            assert [lines >> n & 1 for n in range(LINES * shape.stages)] == taps(cycle + 1)
            if registers:
                assert context.get(control.run.rotation) == -k % registers
        if cycle >= 0:
            slot = cycle % plan.interval
            assert context.get(control.run.last_slot) == (slot == plan.interval - 1)
            assert context.get(bench.issued) == rows[slot]
        await context.tick()
    assert not context.get(control.busy)


@pytest.mark.parametrize("seed", range(8))
def test_loop_control_enumerates_the_nest_of_every_run(seed: int) -> None:
    rng = random.Random(seed)
    contexts = rng.choice((1, 3, 4, 8))
    shape = control_shape(rng.choice((1, 2, 5)), contexts, rng.choice((0, 1, 3, 4)))
    bench = Bench(shape)

    async def runs(context: Any) -> None:
        for turn in range(4):
            plan = random_plan(rng, contexts)
            rows = [0] * contexts
            await write(context, bench.control, 0, plan.words(shape))
            if turn != 2:  # a unit that is not written does nothing
                rows = [rng.getrandbits(67) for _ in range(contexts)]
                for slot, row in enumerate(rows):
                    fields = {"low": row % (1 << 30), "high": row >> 30}
                    words = [*pack(bench.fields, fields), 0xDEAD]  # between strings: ignored
                    await write(context, bench.unit, slot * pitch(bench.fields), words)
            await follow(context, bench, plan, rows, rng)

    simulate(bench, runs)


def simulate(bench: Any, process: Any) -> None:
    simulator = Simulator(bench)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run()


def test_a_configuration_is_written_while_the_one_before_runs() -> None:
    shape = control_shape(2, 4, 0)
    bench = Bench(shape)
    plans = [Plan(2, (3,), (("first", 0),) * 3, 40), Plan(3, (2, 2), (("last", 1),) * 3, 20)]

    async def runs(context: Any) -> None:
        await write(context, bench.control, 0, plans[0].words(shape))
        for slot in range(2):
            await write(context, bench.unit, slot * 4, pack(bench.fields, {"low": 10 + slot}))
        context.set(bench.control.start, 1)
        await context.tick()
        context.set(bench.control.start, 0)
        await write(context, bench.control, 0, plans[1].words(shape))
        for slot in range(3):
            await write(context, bench.unit, slot * 4, pack(bench.fields, {"low": 20 + slot}))
        context.set(bench.enable, 1)
        cycle = 0
        while context.get(bench.control.busy):
            if context.get(bench.control.running):
                assert context.get(bench.issued) == 10 + cycle % 2
                cycle += 1
            await context.tick()
        assert cycle == plans[0].cycles
        await follow(context, bench, plans[1], [20, 21, 22], random.Random(0))

    simulate(bench, runs)


def test_a_run_without_a_configuration_ends_at_once() -> None:
    shape = control_shape(2, 4, 2)
    bench = Bench(shape)

    async def runs(context: Any) -> None:
        context.set(bench.enable, 1)
        await write(context, bench.control, 0, Plan(1, (2,), (("first", 0),) * 3, 2).words(shape))
        for written in (True, False):
            context.set(bench.control.start, 1)
            await context.tick()
            context.set(bench.control.start, 0)
            enabled = 0
            for _ in range(6):
                enabled += context.get(bench.control.run.enable)
                await context.tick()
            assert enabled == (2 if written else 0)
            assert not context.get(bench.control.busy)

    simulate(bench, runs)
