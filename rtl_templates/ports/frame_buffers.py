"""What waits at an end of the link: elements of a frame until it is known to be good, and elements sent until the host has them."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.memory_ports import read_port, write_port

from hlsgen.algebra.link import LONGEST

POSITION = unsigned(16)


class CommitBuffer(wiring.Component):
    """Bytes that may be read once the frame that brought them is known to be good.

    Parameters
    ----------
    depth : int
        Bytes, a power of two, at least 4.

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
    freed : Out(1)
        High for a cycle when another quarter of the buffer has been read.
    o : stream of 8 bits
        The good bytes.
    """

    def __init__(self, depth: int) -> None:
        assert depth & depth - 1 == 0 and 4 <= depth <= 1 << 14, depth
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
                "freed": Out(1),
                "o": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=8, depth=self.depth, init=(), attrs={"no_collision": 1}
        )
        writer, reader = write_port(memory), read_port(memory)
        # Bytes of the frame in hand, and the position behind them.
        fresh, behind = Signal(range(LONGEST + 1), name="fresh"), Signal(POSITION, name="behind")
        taken, next_taken = Signal(POSITION, name="taken"), Signal(POSITION, name="next_taken")
        full, overrun = Signal(name="full"), Signal(name="overrun")
        lower = self.depth.bit_length() - 1
        m.d.comb += [
            behind.eq(self.accepted + fresh),
            self.limit.eq(taken + self.depth),
            full.eq((behind[:lower] == taken[:lower]) & (behind[lower] != taken[lower])),
            writer.addr.eq(behind),
            writer.data.eq(self.byte),
            writer.en.eq(self.write & ~full),
            self.kept.eq(~overrun),
        ]
        with m.If(self.begin):
            m.d.sync += [fresh.eq(0), overrun.eq(0)]
        with m.Elif(self.write):
            m.d.sync += fresh.eq(fresh + writer.en)
            m.d.sync += overrun.eq(overrun | full)
        with m.If(self.commit & ~overrun):
            m.d.sync += self.accepted.eq(behind)
        m.d.comb += [
            next_taken.eq(taken + (self.o.valid & self.o.ready)),
            self.freed.eq(next_taken[lower - 2] != taken[lower - 2]),
            reader.addr.eq(next_taken),
            self.o.payload.eq(reader.data),
        ]
        # No more than ``depth`` bytes are between the two.
        there = next_taken[: lower + 1] != self.accepted[: lower + 1]
        m.d.sync += [taken.eq(next_taken), self.o.valid.eq(there)]
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
        A frame begins at ``sent``, two cycles before its first byte is taken; all of it has gone.
    o : stream of 8 bits
        The bytes of the frame; always valid within ``available`` of its beginning.
    position : In(16)
        The host has everything before it: with ``taken``; and wants what follows again: with ``again``. One that is not
        between what it said before and what is there, modulo four times ``depth``, is not heeded.
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
        # Bytes of the frame in hand that have been taken, and the position behind them.
        passed, next_passed = (
            Signal(range(LONGEST + 1), name=name) for name in ("passed", "next_passed")
        )
        behind = Signal(POSITION, name="behind")
        sending, turned = Signal(name="sending"), Signal(name="turned_back")
        lower = self.depth.bit_length() - 1
        # What is less than ``depth`` or equal to it, and what is less than four times as much.
        narrow, wide = lower + 1, lower + 2
        available = Signal(narrow, name="unsent")
        not_before, after = (Signal(wide, name=name) for name in ("not_before", "after"))
        full = (written[:lower] == kept[:lower]) & (written[lower] != kept[lower])
        m.d.comb += [
            self.i.ready.eq(~full),
            writer.addr.eq(written),
            writer.data.eq(self.i.payload),
            writer.en.eq(self.i.valid & self.i.ready),
            available.eq(written[:narrow] - self.sent[:narrow]),
            self.available.eq(available),
            next_passed.eq(passed + self.o.ready),
            behind.eq(self.sent + next_passed),
            reader.addr.eq(behind),
            self.o.valid.eq(1),
            self.o.payload.eq(reader.data),
            not_before.eq(kept[:wide] + ~self.position[:wide]),
            after.eq(written[:wide] - self.position[:wide]),
        ]
        with m.If(writer.en):
            m.d.sync += written.eq(written + 1)
        m.d.sync += passed.eq(next_passed)
        with m.If(self.begin):
            m.d.sync += sending.eq(1)
        with m.If(self.end):
            m.d.sync += [sending.eq(0), passed.eq(0), self.sent.eq(behind)]
        # What the host asked for again meanwhile follows the frame in hand.
        with m.If((self.end | ~sending) & turned & ~self.begin):
            m.d.sync += [self.sent.eq(kept), turned.eq(0)]
        # From what the host has to the position, and on to what is written: where both are less than twice the depth they are what is there.
        heeded = not_before[-1] & ~after[-1]
        with m.If((self.taken | self.again) & heeded):
            m.d.sync += kept.eq(self.position)
            # What the host has need not be sent, though it be asked for again by mistake.
            with m.If(self.again):
                m.d.sync += turned.eq(1)
        return m
