"""A circuit's own speed: its last sample from memory, again and again, and what is counted meanwhile."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.memory_ports import read_port, write_port


class SampleReplay(wiring.Component):
    """The words of an input, which are kept as they pass, so that they can be given again.

    Parameters
    ----------
    width, words : int
        Bits of a word, words of a sample.
    depth : int
        Words that are kept, a power of two. Of a longer sample its last ones are, each in place of those before it at the
        same address: given again, the sample has other elements, as many.

    Members
    -------
    i, o : streams of ``width`` bits
    closed : In(1)
        Nothing passes.
    replay : In(1)
        While ``closed``: the kept words come out, one sample after the other.
    first : Out(1)
        High when the first word of a sample goes out.

    **Timing** Combinational while it passes; a word in each cycle when it replays, from the second one on.
    """

    def __init__(self, width: int, words: int, depth: int) -> None:
        assert depth & depth - 1 == 0, depth
        self.width, self.words, self.depth = width, words, depth
        super().__init__(
            {
                "i": In(stream.Signature(width)),
                "o": Out(stream.Signature(width)),
                "closed": In(1),
                "replay": In(1),
                "first": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=self.width, depth=self.depth, init=(), attrs={"no_collision": 1}
        )
        writer, reader = write_port(memory), read_port(memory)
        number = Signal(range(max(self.words, 2)), name="number")
        following, primed = Signal.like(number, name="following"), Signal(name="primed")
        moved = Signal(name="moved")
        m.d.comb += [
            moved.eq(self.o.valid & self.o.ready),
            self.first.eq(moved & (number == 0)),
            following.eq(number),
            writer.addr.eq(number),
            writer.data.eq(self.i.payload),
            writer.en.eq(self.i.valid & self.i.ready),
            reader.addr.eq(following),
            self.i.ready.eq(self.o.ready & ~self.closed),
            self.o.valid.eq(Mux(self.closed, self.replay & primed, self.i.valid)),
            self.o.payload.eq(Mux(self.closed, reader.data, self.i.payload)),
        ]
        with m.If(moved):
            m.d.comb += following.eq(Mux(number == self.words - 1, 0, number + 1))
        m.d.sync += [number.eq(following), primed.eq(self.closed)]
        return m


class Measure(wiring.Component):
    """Counts of a circuit, and the run that measures it.

    Members
    -------
    run : In(1)
        Begin to measure; stays until ``done``.
    samples_wanted : In(32)
        How many samples; at least 1, and still while ``run``.
    first, last : In(1), In(1)
        The first word of a sample has gone in, its last word has come out.
    hold : In(1)
        Count nothing, so that the counts can be read in another domain; ``held`` follows it. Not heeded while samples are replayed:
        the counts stand still once that is done.
    replay : Out(1)
        The samples are to be given again.
    closed : Out(1)
        From ``run`` until a reset: what comes out of the circuit is nobody's, and nobody's goes in.
    done : Out(1)
        The last sample is out; stays until ``run`` falls.
    cycles, busy, samples : Out(32)
        Since the reset or the beginning of ``run``: cycles, cycles with a sample inside, samples that came out.
    """

    def __init__(self) -> None:
        levels = {name: In(1) for name in ("run", "first", "last", "hold")}
        counts = {name: Out(32) for name in ("cycles", "busy", "samples")}
        told = {name: Out(1) for name in ("held", "replay", "closed", "done")}
        super().__init__({"samples_wanted": In(32), **levels, **told, **counts})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        inside, left = Signal(16, name="inside"), Signal(32, name="left")
        # Samples go in and come out at ends of the device: a register each, and what is counted follows a cycle later.
        entered, left_it = Signal(name="entered"), Signal(name="left_it")
        replayed = Signal(name="replayed")
        m.d.sync += [entered.eq(self.first), left_it.eq(self.last), replayed.eq(self.replay)]
        m.d.sync += self.held.eq(self.hold)
        begin = Signal(name="begin")
        m.d.comb += begin.eq(self.run & ~self.replay & ~self.done)
        m.d.sync += inside.eq(inside + entered - left_it)
        with m.If(begin):
            m.d.sync += [self.replay.eq(1), self.closed.eq(1), left.eq(self.samples_wanted)]
            m.d.sync += [self.cycles.eq(0), self.busy.eq(0), self.samples.eq(0)]
        with m.Elif(Mux(self.closed, self.replay & replayed, ~self.hold)):
            m.d.sync += self.cycles.eq(self.cycles + 1)
            m.d.sync += self.busy.eq(self.busy + ((inside != 0) | entered))
            m.d.sync += self.samples.eq(self.samples + left_it)
        with m.If(self.replay & replayed & left_it):
            m.d.sync += left.eq(left - 1)
            with m.If(left == 1):
                m.d.sync += [self.replay.eq(0), self.done.eq(1)]
        with m.If(~self.run):
            m.d.sync += self.done.eq(0)
        return m
