"""Samples let into a circuit in the number that was asked for, and counted."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class SampleGate(wiring.Component):
    """Lets whole samples of a stream pass.

    Parameters
    ----------
    words : int
        Of a sample.

    Members
    -------
    valid, ready : In(1), Out(1)
        Of the stream that comes.
    passed_valid, passed_ready : Out(1), In(1)
        Of the stream that goes on; the words themselves need no gate.
    load, samples : In(1), In(32)
        So many samples may pass from now on.
    endless : In(1)
        Any number may. When it falls, a sample that has begun, or whose first word waits, still passes.
    first : Out(1)
        The first word of a sample passes.

    **Timing** Combinational while open. ``passed_valid``, once high, stays until ``passed_ready``, where ``valid`` does.
    """

    def __init__(self, words: int) -> None:
        self.words = words
        ways = {"valid": In(1), "ready": Out(1), "passed_valid": Out(1), "passed_ready": In(1)}
        asked = {"load": In(1), "samples": In(32), "endless": In(1)}
        super().__init__({**ways, **asked, "first": Out(1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        left, more = Signal(32, name="left"), Signal(name="more")
        opened, moved = Signal(name="opened"), Signal(name="moved")
        word = Signal(range(max(self.words, 2)), name="word")
        last, begun = Signal(name="last"), Signal(name="begun")
        m.d.comb += [
            self.passed_valid.eq(self.valid & opened),
            self.ready.eq(self.passed_ready & opened),
            moved.eq(self.passed_valid & self.passed_ready),
            last.eq(word == self.words - 1),
            begun.eq((word != 0) | self.valid),
            self.first.eq(moved & (word == 0)),
            more.eq((left > 1) | self.endless),
        ]
        with m.If(moved):
            m.d.sync += word.eq(Mux(last, 0, word + 1))
        with m.If(moved & last):
            m.d.sync += [opened.eq(more), left.eq(left - (left != 0))]
        with m.Elif(~opened | ~begun):
            m.d.sync += opened.eq((left != 0) | self.endless)
        with m.If(self.load):
            m.d.sync += left.eq(self.samples)
        return m


class RunControl(wiring.Component):
    """When a run of samples begins, when it is done, and how long it took.

    Parameters
    ----------
    outputs : int
        A sample has come out when its last word has, on each of so many outputs.

    Members
    -------
    start, samples, endless
        As in ``algebra.registers.CONTROL``.
    first : In(1)
        The first word of a sample goes in.
    last : In(outputs)
        The last word of a sample comes out, of each output.
    load : Out(1)
        A run begins.
    running, done, busy, finished, cycles, busy_cycles
        As in ``CONTROL``.
    ended : Out(1)
        High in the cycle in which a run becomes done.
    """

    def __init__(self, outputs: int) -> None:
        self.outputs = outputs
        asked = {"start": In(1), "samples": In(32), "endless": In(1)}
        seen = {"first": In(1), "last": In(outputs)}
        flags = {name: Out(1) for name in ("load", "running", "done", "busy", "ended")}
        counts = {name: Out(32) for name in ("finished", "cycles", "busy_cycles")}
        super().__init__({**asked, **seen, **flags, **counts})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        left, inside = Signal(32, name="left"), Signal(32, name="inside")
        counting, finishes = Signal(name="counting"), Signal(name="finishes")
        m.d.comb += [
            self.load.eq(self.start & ~counting),
            finishes.eq(self._all_out(m)),
            self.ended.eq(counting & ((left == 0) | (finishes & (left == 1)))),
            self.running.eq(counting | self.endless),
            self.busy.eq(inside != 0),
        ]
        m.d.sync += inside.eq(inside + self.first - finishes)
        with m.If(self.running):
            m.d.sync += self.cycles.eq(self.cycles + 1)
            m.d.sync += self.busy_cycles.eq(self.busy_cycles + (self.busy | self.first))
        m.d.sync += self.finished.eq(self.finished + finishes)
        with m.If(counting):
            m.d.sync += left.eq(left - finishes)
        with m.If(self.ended):
            m.d.sync += [counting.eq(0), self.done.eq(1)]
        with m.If(self.load):
            m.d.sync += [counting.eq(1), left.eq(self.samples), self.done.eq(0)]
            m.d.sync += [self.finished.eq(0), self.cycles.eq(0), self.busy_cycles.eq(0)]
        return m

    def _all_out(self, m: Module) -> Value:
        """High when a sample has come out whole: an output may be samples ahead of another."""
        if self.outputs == 1:
            return self.last[0]
        out = Signal(name="all_out")
        ahead = [Signal(32, name=f"ahead_{k}") for k in range(self.outputs)]
        nonzero = [(count != 0) for count in ahead]
        whole: Value = nonzero[0]
        for other in nonzero[1:]:
            whole = whole & other
        m.d.comb += out.eq(whole)
        for count, last in zip(ahead, self.last, strict=True):
            m.d.sync += count.eq(count + last - out)
        return out
