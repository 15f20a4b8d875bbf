"""A circuit's own speed: its last sample from memory, again and again, and what is counted meanwhile."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.memory_ports import read_port, write_port
from hlsgen.rtl_templates.ports.counts import TICK_BITS, WANTED_BITS, CountMemory

MOST_INSIDE = 1023
"""Samples that are told apart inside a circuit; one of an interval of a cycle holds as many as its latency has cycles."""


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
        # Of the word that passes, or (while closed) of the one that is read next, which is the one behind it.
        number = Signal(range(max(self.words, 2)), name="number")
        primed, moved = Signal(name="primed"), Signal(name="moved")
        m.d.comb += [
            moved.eq(self.o.valid & self.o.ready),
            self.first.eq(moved & (number == Mux(self.closed, 1 % self.words, 0))),
            writer.addr.eq(number),
            writer.data.eq(self.i.payload),
            writer.en.eq(self.i.valid & self.i.ready),
            reader.addr.eq(number),
            reader.en.eq(self.closed & (moved | ~primed)),
            self.i.ready.eq(self.o.ready & ~self.closed),
            self.o.valid.eq(Mux(self.closed, self.replay & primed, self.i.valid)),
            self.o.payload.eq(Mux(self.closed, reader.data, self.i.payload)),
        ]
        m.d.sync += primed.eq(self.closed)
        with m.If(moved | reader.en):
            m.d.sync += number.eq(number + 1)
            with m.If(number == self.words - 1):
                m.d.sync += number.eq(0)
        return m


class Measure(wiring.Component):
    """Counts of a circuit, and the run that measures it.

    Only the lowest bytes of the counts are counters; the others stand in a ``CountMemory``.

    Members
    -------
    run : In(1)
        Begin to measure; stays until ``replay`` has fallen.
    samples_wanted : In(32)
        How many samples; at least 1, and still while ``run``.
    first, last : In(1), In(1)
        The first word of a sample has gone in, its last word has come out.
    ticks : In(16), ticked, refused : In(1), In(1)
        The lower bits of the oscillator's count, in its own domain; a level that changes when they have run over; and one that
        changes with each frame that is refused.
    hold : In(1)
        Count nothing, and give the counts; not while ``run``.
    counts : stream of 8 bits (Out)
        While ``hold``: the bytes of COUNTERS.
    replay : Out(1)
        The samples are to be given again.
    closed : Out(1)
        From ``run`` until a reset: what comes out of the circuit is nobody's, and nobody's goes in.
    """

    def __init__(self) -> None:
        levels = ("run", "first", "last", "ticked", "refused", "hold")
        super().__init__(
            {
                "samples_wanted": In(WANTED_BITS),
                **{name: In(1) for name in levels},
                "ticks": In(TICK_BITS),
                "counts": Out(stream.Signature(8)),
                "replay": Out(1),
                "closed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        counters = {
            name: Signal(9, name=name) for name in ("cycles", "busy", "samples", "samples_left")
        }
        m.submodules.memory = memory = CountMemory()
        m.d.comb += [
            *(getattr(memory, name).eq(counter) for name, counter in counters.items()),
            memory.samples_wanted.eq(self.samples_wanted),
            memory.ticks.eq(Cat(self.ticks, self.ticked)),
            memory.refused.eq(self.refused),
            memory.hold.eq(self.hold),
        ]
        wiring.connect(m, memory.counts, wiring.flipped(self.counts))
        # The last sample is out; until ``run`` falls.
        done, begun = Signal(name="done"), Signal(name="begun")
        m.d.comb += memory.clear.eq(self.run & ~begun & ~done)
        reached, counted = Signal(name="reached"), Signal(name="sample_counted")
        left = counters["samples_left"][:8]
        all_ones = left[1:].all() & (left[0] ^ counted)  # behind this cycle
        m.d.sync += reached.eq(all_ones & memory.rest_done & self.replay)
        with m.If(memory.cleared & self.run & begun & ~done):
            m.d.sync += self.replay.eq(1)
        with m.If(reached):
            m.d.sync += [self.replay.eq(0), done.eq(1)]
        with m.If(~self.run):
            m.d.sync += [done.eq(0), begun.eq(0)]
        self._count(m, counters, counted, reached, memory.begins)
        with m.If(memory.begins):
            m.d.sync += [self.closed.eq(1), begun.eq(1)]
            m.d.sync += [counter.eq(0) for counter in counters.values()]
            m.d.sync += counters["samples_left"].eq(~self.samples_wanted[:8])
        return m

    def _count(
        self,
        m: Module,
        counters: dict[str, Signal],
        sample: Signal,
        reached: Value,
        begins: Value,
    ) -> None:
        """Samples go in and come out at ends of the device: a register each, and what is counted follows two cycles later."""
        inside = Signal(range(MOST_INSIDE + 1), name="inside")
        entered, left_it = Signal(name="entered"), Signal(name="left_it")
        replayed, counting = Signal(name="replayed"), Signal(name="counting")
        counted, occupied = Signal(name="counted"), Signal(name="occupied")
        m.d.sync += [entered.eq(self.first), left_it.eq(self.last), replayed.eq(self.replay)]
        m.d.comb += counting.eq(Mux(self.closed, self.replay & replayed & ~reached, ~self.hold))
        with m.If(entered ^ left_it):
            m.d.sync += inside.eq(inside + Cat(1, left_it.replicate(len(inside) - 1)))
        m.d.comb += sample.eq(left_it & counting)
        m.d.sync += counted.eq(counting & ~begins)
        m.d.sync += occupied.eq(counting & ~begins & (inside.any() | entered))
        for name, event in (
            ("cycles", counted),
            ("busy", occupied),
            ("samples", sample),
            ("samples_left", sample),
        ):
            with m.If(event):
                m.d.sync += counters[name].eq(counters[name] + 1)
