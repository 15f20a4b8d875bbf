"""LoopControl: counts slots and iterations of a run, delays the loop marks, and starts and ends the run."""

from __future__ import annotations

import enum
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.run_bus import RunSignature, WriteSignature
from hlsgen.rtl_templates.fabric.settings import Settings
from hlsgen.rtl_templates.fabric.shape import ControlShape
from hlsgen.rtl_templates.loop_contract import RUN_REGISTER_CYCLES

from hlsgen.algebra.fields import members


class _State(enum.IntEnum):
    IDLE = 0
    FILL = 1  # the context memories read slot 0
    DECODE = 2  # slot 0 is decoded, slot 1 is read
    RUN = 3


class LoopMarks(wiring.Component):
    """The loop nest of a run and its marks.

    Members (In): ``clear``: back to the first iteration, before the run; ``advance``: the next iteration; ``configuration``. (Out):
    ``marks``: the lines in the present iteration; all 0 after the last.

    **Timing**: ``marks`` is a function of registers: whether a trip is the first or, of more than one, the last is known a trip ahead.
    **Cost**: a counter and a comparison per loop.
    **Semantics**: ``hlsgen.algebra.mark.Mark``; line 0 is true in every iteration.
    """

    def __init__(self, shape: ControlShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "clear": In(1),
                "advance": In(1),
                "configuration": In(data.StructLayout(members(shape.fields))),
                "marks": Out(shape.run.lines),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shape = self.shape
        inside = Signal(name="inside")
        first, last = (Signal(shape.loops, name=name) for name in ("first", "last"))
        moving: Value = self.advance
        for level in reversed(range(shape.loops)):
            extent = Value.cast(self.configuration[f"extent_{level}"])
            count = Signal(len(extent), name=f"count_{level}")
            ends = Signal(name=f"ends_{level}")  # in trips after the first
            m.d.comb += last[level].eq(Mux(first[level], extent == 1, ends))
            with m.If(moving):
                m.d.sync += [
                    count.eq(Mux(last[level], 0, count + 1)),
                    first[level].eq(last[level]),
                    ends.eq(count == extent - 2),
                ]
            with m.If(self.clear):
                m.d.sync += [count.eq(0), first[level].eq(1)]
            wrapping = Signal(name=f"wrapping_{level}")
            m.d.comb += wrapping.eq(moving & last[level])
            moving = wrapping
        with m.If(moving):
            m.d.sync += inside.eq(0)
        with m.If(self.clear):
            m.d.sync += inside.eq(1)
        m.d.comb += self.marks[0].eq(inside)
        for line in range(1, shape.run.lines):
            level = Value.cast(self.configuration[f"line_{line}_level"])
            edge = Mux(self.configuration[f"line_{line}_last"], last, first)
            outer = Cat(level > k for k in range(shape.loops))
            m.d.comb += self.marks[line].eq(inside & (edge | outer).all())
        return m


class LoopControl(wiring.Component):
    """The only unit of a fabric that knows where in its run the fabric is.

    Members: ``start`` (In): begin a run with the configuration written since the run before; only while ``busy`` is low.
    ``busy`` (Out): from the cycle after ``start`` until the last enabled cycle of the run in all units. ``running`` (Out): the fabric may be
    enabled. ``enable`` (In): it is (``running`` and no stream holds it up). ``write`` (In): word w of the configuration at
    address w. ``run`` (Out): for every unit; ``run.enable`` is ``enable``.

    **Timing**: ``clear`` and ``swap`` in the cycle of ``start``; ``running`` from the third cycle after it (``loop_contract.RUN_FILL_CYCLES``). A run without a
    configuration, or of no cycles, ends at once.
    **Cost**: two copies of the configuration in registers, a counter and a comparison per loop.
    **Semantics**: docs/grid.md, "Time".
    """

    def __init__(self, shape: ControlShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "start": In(1),
                "busy": Out(1),
                "running": Out(1),
                "enable": In(1),
                "write": In(WriteSignature()),
                "run": Out(RunSignature(shape.run)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        run = self.run
        layout = data.StructLayout(members(self.shape.fields))
        m.submodules.settings = settings = Settings(layout)
        wiring.connect(m, wiring.flipped(self.write), settings.write)
        m.d.comb += settings.swap.eq(self.start)
        active = settings.active
        state = Signal(_State, name="state")
        left = Signal.like(active["cycles"], name="left")
        moving = Signal(name="moving")
        m.d.comb += moving.eq(state != _State.IDLE)
        ending = Signal(RUN_REGISTER_CYCLES, name="ending")  # units with registers of their own
        if not self.shape.run.streams:
            m.d.sync += ending.eq(Cat(moving, ending))
        m.d.comb += [
            self.busy.eq(moving | ending.any()),
            self.running.eq(state == _State.RUN),
            run.enable.eq(self.enable),
            run.clear.eq(self.start),
            run.swap.eq(self.start),
            run.fetch.eq(self.enable | (state == _State.FILL) | (state == _State.DECODE)),
        ]
        with m.Switch(state):
            with m.Case(_State.FILL):
                empty = active["cycles"] == 0
                m.d.sync += [
                    left.eq(active["cycles"]),
                    state.eq(Mux(empty, _State.IDLE, _State.DECODE)),
                ]
            with m.Case(_State.DECODE):
                m.d.sync += state.eq(_State.RUN)
            with m.Case(_State.RUN):
                with m.If(self.enable):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.d.sync += state.eq(_State.IDLE)
        with m.If(self.start):
            m.d.sync += [run.half.eq(~run.half), state.eq(_State.FILL)]
        self._count(m, active)
        return m

    def _count(self, m: Module, active: Any) -> None:
        """Slots, rotation and loop lines, each for the stage of the context registers that needs it."""
        shape, run = self.shape.run, self.run
        m.submodules.nest = nest = LoopMarks(self.shape)
        last, coming_last = Signal(name="last"), Signal(name="coming_last")
        m.d.comb += [
            nest.configuration.eq(active),
            nest.clear.eq(self.start),
            nest.advance.eq(run.fetch & last),
            last.eq(run.slot == active["interval"] - 1),
            run.step.eq(run.slot == 0),
            run.marks.eq(nest.marks),
        ]
        with m.If(run.fetch):
            m.d.sync += [
                run.slot.eq(Mux(last, 0, run.slot + 1)),
                coming_last.eq(last),
                run.last_slot.eq(coming_last),
            ]
            if shape.registers > 1:
                wrapped = Mux(run.rotation == 0, shape.registers, run.rotation)
                with m.If(run.step):
                    m.d.sync += run.rotation.eq(wrapped - 1)
        with m.If(self.start):
            m.d.sync += run.slot.eq(0)
            if shape.registers > 1:
                m.d.sync += run.rotation.eq(1)  # one before the first iteration
