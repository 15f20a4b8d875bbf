"""What waits at an end of the link: elements of a frame until it is known to be good, and elements sent until the host has them."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.memory_ports import read_port, write_port

POSITION = unsigned(16)


class CommitBuffer(wiring.Component):
    """Bytes that may be read once the frame that brought them is known to be good.

    Parameters
    ----------
    depth : int
        Bytes, a power of two.

    Members
    -------
    byte, write : In(8), In(1)
        A byte of the frame in hand; one that finds no room makes ``commit`` do nothing.
    begin : In(1)
        A frame begins: what came of one that was not committed is forgotten.
    commit : In(1)
        The bytes since ``begin`` are good.
    kept : Out(1)
        With ``commit``: they had room.
    accepted, limit : Out(16), Out(16)
        Position behind the last good byte, and position up to which there is room.
    o : stream of 8 bits
        The good bytes.
    """

    def __init__(self, depth: int) -> None:
        assert depth & depth - 1 == 0 and 2 <= depth <= 1 << 14, depth
        self.depth = depth
        super().__init__(
            {
                "byte": In(8),
                "write": In(1),
                "begin": In(1),
                "commit": In(1),
                "kept": Out(1),
                "accepted": Out(POSITION),
                "limit": Out(POSITION),
                "o": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=8, depth=self.depth, init=(), attrs={"no_collision": 1}
        )
        writer, reader = write_port(memory), read_port(memory)
        tentative, overrun = Signal(POSITION, name="tentative"), Signal(name="overrun")
        taken, next_taken = Signal(POSITION, name="taken"), Signal(POSITION, name="next_taken")
        m.d.comb += [
            self.limit.eq(taken + self.depth),
            writer.addr.eq(tentative),
            writer.data.eq(self.byte),
            writer.en.eq(self.write & (tentative != self.limit)),
            self.kept.eq(~overrun),
        ]
        with m.If(self.begin):
            m.d.sync += [tentative.eq(self.accepted), overrun.eq(0)]
        with m.Elif(self.write):
            m.d.sync += tentative.eq(tentative + writer.en)
            m.d.sync += overrun.eq(overrun | ~writer.en)
        with m.If(self.commit & ~overrun):
            m.d.sync += self.accepted.eq(tentative)
        m.d.comb += next_taken.eq(taken + (self.o.valid & self.o.ready))
        m.d.comb += [reader.addr.eq(next_taken), self.o.payload.eq(reader.data)]
        m.d.sync += [taken.eq(next_taken), self.o.valid.eq(next_taken != self.accepted)]
        return m


class ResendBuffer(wiring.Component):
    """Bytes that were sent, until the host has them, so that they can be sent again.

    Parameters
    ----------
    depth : int
        Bytes, a power of two.

    Members
    -------
    i : stream of 8 bits
        Bytes to send.
    sent, available : Out(16), Out(16)
        Position from which a frame would begin, and bytes that are there from it on.
    begin, end : In(1), In(1)
        A frame begins at ``sent``, two cycles before its first byte is taken; it has gone.
    o : stream of 8 bits
        The bytes of the frame; always valid within ``available`` of its beginning.
    position : In(16)
        The host has everything before it: with ``taken``; and wants what follows again: with ``again``. One that is not
        between what it said before and what is there is not heeded.
    """

    def __init__(self, depth: int) -> None:
        assert depth & depth - 1 == 0 and 2 <= depth <= 1 << 14, depth
        self.depth = depth
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "sent": Out(POSITION),
                "available": Out(POSITION),
                "begin": In(1),
                "end": In(1),
                "o": Out(stream.Signature(8)),
                "position": In(POSITION),
                "taken": In(1),
                "again": In(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=8, depth=self.depth, init=(), attrs={"no_collision": 1}
        )
        writer, reader = write_port(memory), read_port(memory)
        written, kept = Signal(POSITION, name="written"), Signal(POSITION, name="kept")
        reading, next_reading = Signal(POSITION, name="reading"), Signal(POSITION, name="next")
        turned = Signal(name="turned_back")
        waiting, told = Signal(POSITION, name="waiting"), Signal(POSITION, name="told")
        m.d.comb += [
            waiting.eq(written - kept),
            told.eq(self.position - kept),
            self.i.ready.eq(waiting != self.depth),
            writer.addr.eq(written),
            writer.data.eq(self.i.payload),
            writer.en.eq(self.i.valid & self.i.ready),
            self.available.eq(written - self.sent),
            next_reading.eq(reading + self.o.ready),
            reader.addr.eq(next_reading),
            self.o.valid.eq(1),
            self.o.payload.eq(reader.data),
        ]
        m.d.sync += [written.eq(written + writer.en), reading.eq(next_reading)]
        with m.If(self.begin):
            m.d.sync += [reading.eq(self.sent), turned.eq(0)]
        with m.If(self.end & ~turned):
            m.d.sync += self.sent.eq(reading)
        with m.If((self.taken | self.again) & (told <= waiting)):
            m.d.sync += kept.eq(self.position)
            # What the host has need not be sent, though it be asked for again by mistake.
            with m.If(self.again):
                m.d.sync += [self.sent.eq(self.position), turned.eq(1)]
        return m
