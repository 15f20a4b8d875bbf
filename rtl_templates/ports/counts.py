"""The counts of a circuit in a memory, as the bytes that the link sends."""

from __future__ import annotations

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.memory_ports import read_port, write_port
from hlsgen.rtl_templates.ports.successor import successor

from hlsgen.algebra.link import COUNTERS

WANTED_BITS = 32
TICK_BITS = 16
"""Bits of the oscillator's count that the link keeps; the bit above them tells the circuit's domain when they have run over."""
WANTED = COUNTERS.length + 1 & ~3
"""Place of the samples that are left, behind the bytes of the frame; their lowest byte is not there."""


class CountMemory(wiring.Component):
    """The bytes of COUNTERS in their order and then those of the samples that are left.

    A walk goes through them all the time, four cycles a byte, and adds what has run over in the counters of the lowest bytes.

    Members
    -------
    cycles, busy, samples, samples_left : In(9)
        The lowest bytes, and a bit that changes when they run over; of ``samples_left``, which is counted up to nothing but ones.
    clear, begins, cleared : In(1), Out(1), Out(1)
        All counts are to begin anew; it has begun (the counters are to be 0 in the next cycle); all of memory has been written.
    rest_done : Out(1)
        The upper bytes of ``samples_left`` are ones.
    Others
        As of ``Measure``.
    """

    def __init__(self) -> None:
        counters = ("cycles", "busy", "samples", "samples_left")
        flags = ("begins", "cleared", "rest_done")
        super().__init__(
            {
                **{name: In(9) for name in counters},
                "ticks": In(TICK_BITS + 1),
                "refused": In(1),
                "samples_wanted": In(WANTED_BITS),
                "hold": In(1),
                "clear": In(1),
                "counts": Out(stream.Signature(8)),
                **{name: Out(1) for name in flags},
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        last = WANTED + 3
        m.submodules.memory = memory = Memory(
            shape=8,
            depth=1 << last.bit_length(),
            init=(),
            attrs={"no_collision": 1, "ram_style": "block"},
        )
        writer, reader = write_port(memory), read_port(memory)
        place, byte = Signal(range(last + 1), name="place"), Signal(8, name="byte")
        # A byte is read, comes out of the memory through a register, is added to, and written; each in a cycle.
        assert 4 * (last + 1) < 1 << 8, last  # else a counter could run over twice in a walk
        steps = ("fetching", "adding", "writing", "moved")
        fetching, adding, writing, moved = (Signal(name=name) for name in steps)
        stored = Signal(8, reset_less=True, name="stored")
        wrapped, clearing = Signal(name="wrapped"), Signal(name="clearing")
        m.d.comb += [
            reader.addr.eq(place),
            reader.en.eq(~fetching & ~adding & ~writing),
            writer.addr.eq(place),
            writer.data.eq(byte),
            writer.en.eq(writing),
            self.counts.payload.eq(byte),
            wrapped.eq(writing & (place == last)),  # never while they are given
        ]
        m.d.sync += [fetching.eq(reader.en), stored.eq(reader.data), adding.eq(fetching)]
        m.d.sync += writing.eq(adding | (writing & ~moved))
        with m.If(moved):
            m.d.sync += place.eq(Mux(wrapped, 0, successor(place)))
        m.d.sync += self.begins.eq(0)
        with m.FSM(init="CLEAR"):
            with m.State("CLEAR"):
                m.d.comb += [moved.eq(writing), clearing.eq(1), self.cleared.eq(wrapped)]
                with m.If(wrapped):
                    m.next = "ADD"
            with m.State("ADD"):
                m.d.comb += moved.eq(writing)
                m.d.sync += self.begins.eq(wrapped & self.clear)
                with m.If(wrapped & self.clear):
                    m.next = "CLEAR"
                with m.Elif(wrapped & self.hold):
                    m.next = "SETTLE"
            with m.State("SETTLE"):  # what ran over before counting stopped
                m.d.comb += moved.eq(writing)
                with m.If(wrapped):
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += [
                    self.counts.valid.eq(writing & (place != COUNTERS.length)),
                    moved.eq(self.counts.valid & self.counts.ready),
                ]
                with m.If(~self.hold):
                    m.d.sync += [place.eq(0), writing.eq(0)]
                    m.next = "ADD"
        self._add(m, place, reader.en, adding, writing, stored, byte, clearing)
        return m

    def _add(
        self,
        m: Module,
        place: Signal,
        reading: Value,
        adding: Value,
        writing: Value,
        stored: Value,
        byte: Signal,
        clearing: Value,
    ) -> None:
        """The new byte of a place: of a counter, of the number of samples, or the old one and what is carried into it."""
        total, carry = Signal(9, name="total"), Signal(name="carry")
        m.d.comb += total.eq(stored + carry)
        with m.If(adding):
            m.d.sync += carry.eq(total[8])
        runs_over = {
            "cycles": (self.cycles[:8], self.cycles[8]),
            "ticks": (self.ticks[:TICK_BITS], self.ticks[TICK_BITS]),
            "busy": (self.busy[:8], self.busy[8]),
            "samples": (self.samples[:8], self.samples[8]),
            "refused": (Const(0, 0), self.refused),
        }
        begin, numbers = 0, {}
        for number in COUNTERS.payload:
            numbers[number.name] = begin
            begin += number.bytes
        levels = {WANTED + 1: self.samples_left[8]}
        parts, others = [], [clearing, place == numbers["measuring"]]

        def chosen(name: str, here: Value) -> Signal:
            """Decided while the byte is read, so that no path is long."""
            choice = Signal(name=f"{name}_here")
            m.d.sync += choice.eq(here)
            return choice

        for name, (lower, level) in runs_over.items():
            for k in range(len(lower) // 8):
                here = place == numbers[name] + k
                choice = chosen(f"{name}_{k}", here)
                parts.append(Mux(choice, lower.word_select(k, 8), 0))
                others.append(here)
            levels[numbers[name] + len(lower) // 8] = level
        for k in range(1, 4):
            choice = chosen(f"wanted_{k}", clearing & (place == WANTED + k))
            parts.append(Mux(choice, ~self.samples_wanted.word_select(k, 8), 0))
        other = chosen("other", Cat(*others).any())
        with m.If(adding):
            m.d.sync += byte.eq(reduce(or_, parts, Mux(other, 0, total[:8])))
        with m.If(reading), m.Switch(place):
            for where, level in levels.items():
                seen = Signal(name=f"seen_{where}")
                with m.Case(where):
                    m.d.sync += [carry.eq(seen ^ level), seen.eq(level)]
        ones, so_far = Signal(name="ones"), Signal(name="so_far")
        m.d.comb += ones.eq(byte.all() & (so_far | (place[:2] == 1)))
        with m.If(writing):
            m.d.sync += so_far.eq(ones)
            with m.If(place == WANTED + 3):
                m.d.sync += self.rest_done.eq(ones)
