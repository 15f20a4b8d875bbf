"""LineTaps: the loop marks of the last iterations, kept by every unit for itself."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.run_bus import RunSignature
from hlsgen.rtl_templates.fabric.shape import RunShape


class LineTaps(wiring.Component):
    """Delays of the loop lines, in iterations.

    Members: ``run`` (In): from loop control. ``taps`` (Out, a register): line taps of the coming context, tap (line, stage) is bit
    line * stages + stage.

    **Timing**: they move when an iteration becomes the coming one; 0 from the cycle after ``run.clear``. **Cost**: a register per line
    and stage in each unit, so that a line is one wire through the fabric, not one for every stage (unless synthesis merges equal registers).
    **Semantics**: ``hlsgen.fabric.configuration.LineTap``.
    """

    def __init__(self, shape: RunShape) -> None:
        self.shape = shape
        super().__init__({"run": In(RunSignature(shape)), "taps": Out(shape.lines * shape.stages)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        stages = self.shape.stages
        taps = Signal(len(self.taps), reset_less=True, name="taps")
        with m.If(self.run.fetch & self.run.step):
            for line in range(self.shape.lines):
                delayed = taps.word_select(line, stages)
                m.d.sync += delayed.eq(Cat(self.run.marks[line], delayed)[:stages])
        with m.If(self.run.clear):
            m.d.sync += taps.eq(0)
        m.d.comb += self.taps.eq(taps)
        return m

    def tap(self, line: Any, stage: Any) -> Value:
        """Line ``line`` of the coming context's iteration, ``stage`` iterations ago; both are fields of the coming context."""
        shape = data.ArrayLayout(data.ArrayLayout(1, self.shape.stages), self.shape.lines)
        lines: data.View[Any] = data.View(shape, self.taps)
        return Value.cast(lines[line][stage])
