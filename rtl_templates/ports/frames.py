"""Frames of the link (``hlsgen.algebra.link``) out of bytes, and bytes out of frames."""

from __future__ import annotations

from amaranth.hdl import Array, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc import Processor
from amaranth.lib.crc.catalog import CRC16_IBM_3740
from amaranth.lib.wiring import In, Out

from hlsgen.algebra.link import CHECK_BYTES, ESCAPE, FLAG, FLIP, HEADER_BYTES, LONGEST


class FrameReceiver(wiring.Component):
    """Frames out of the bytes of a line, one byte in three cycles at most.

    Members
    -------
    byte, valid : In(8), In(1)
        The bytes.
    kind, position, length : Out(8), Out(16), Out(8)
        The header; whole from ``begin`` to the end of the frame.
    begin : Out(1)
        High for a cycle when the header is whole.
    payload, payload_valid : Out(8), Out(1)
        Its payload, byte by byte, before it is known whether the frame is good.
    good, bad : Out(1), Out(1)
        High for a cycle at the end: all as it was sent, or not.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "byte": In(8),
                "valid": In(1),
                "kind": Out(8),
                "position": Out(16),
                "length": Out(8),
                "begin": Out(1),
                "payload": Out(8),
                "payload_valid": Out(1),
                "good": Out(1),
                "bad": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.check = check = Processor(CRC16_IBM_3740(data_width=8))
        escaped = Signal(name="escaped")
        count = Signal(range(HEADER_BYTES + LONGEST + CHECK_BYTES + 2), name="count")
        too_long = HEADER_BYTES + LONGEST + CHECK_BYTES + 1
        whole = Signal(name="whole")
        m.d.comb += [
            self.payload.eq(self.byte ^ (escaped << FLIP.bit_length() - 1)),
            check.data.eq(self.payload),
            whole.eq((count == HEADER_BYTES + CHECK_BYTES + self.length) & check.match_detected),
        ]
        m.d.sync += self.begin.eq(0)
        with m.If(self.valid):
            with m.If(self.byte == FLAG):
                m.d.comb += [self.good.eq(whole & ~escaped), self.bad.eq(count.any() & ~self.good)]
                m.d.comb += check.start.eq(1)
                m.d.sync += [count.eq(0), escaped.eq(0)]
            with m.Elif(self.byte == ESCAPE):
                m.d.sync += escaped.eq(1)
            with m.Else():
                m.d.sync += escaped.eq(0)
                m.d.comb += check.valid.eq(1)
                with m.If(count != too_long):
                    m.d.sync += count.eq(count + 1)
                with m.Switch(count):
                    with m.Case(0):
                        m.d.sync += self.kind.eq(self.payload)
                    with m.Case(1):
                        m.d.sync += self.position[:8].eq(self.payload)
                    with m.Case(2):
                        m.d.sync += self.position[8:].eq(self.payload)
                    with m.Case(3):
                        m.d.sync += [self.length.eq(self.payload), self.begin.eq(1)]
                    with m.Default():
                        inside = count < HEADER_BYTES + self.length
                        m.d.comb += self.payload_valid.eq(inside)
        return m


class FrameSender(wiring.Component):
    """Frames as bytes of a line.

    Members
    -------
    start : In(1)
        A frame is to be sent; taken while ``idle``.
    kind, position, length : In(8), In(16), In(8)
        Its header, which stays until ``done``.
    payload : stream of 8 bits (In)
        ``length`` bytes, each there (valid) when it is asked for, or waited for.
    o : stream of 8 bits (Out)
        The bytes.
    idle, done : Out(1), Out(1)
        Nothing is being sent; high for a cycle when the last byte has gone.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "kind": In(8),
                "position": In(16),
                "length": In(8),
                "payload": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                "idle": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.check = check = Processor(CRC16_IBM_3740(data_width=8))
        flipped = Signal(name="flipped")
        left = Signal(range(LONGEST + 1), name="left")
        byte, present, plain = Signal(8, name="byte"), Signal(name="present"), Signal(name="plain")
        special, passed = Signal(name="special"), Signal(name="passed")
        m.d.comb += [
            special.eq(((byte == FLAG) | (byte == ESCAPE)) & ~plain & ~flipped),
            self.o.valid.eq(present),
            self.o.payload.eq(byte ^ (flipped << FLIP.bit_length() - 1)),
            passed.eq(present & self.o.ready & ~special),
            check.data.eq(byte),
        ]
        with m.If(special):
            m.d.comb += self.o.payload.eq(ESCAPE)
        with m.If(present & self.o.ready):
            m.d.sync += flipped.eq(special)
        header = Array((self.kind, self.position[:8], self.position[8:], self.length))
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(1), check.start.eq(1)]
                m.d.sync += left.eq(0)
                with m.If(self.start):
                    m.next = "FLAG"
            with m.State("FLAG"):
                m.d.comb += [byte.eq(FLAG), present.eq(1), plain.eq(1)]
                with m.If(passed):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += [byte.eq(header[left[:2]]), present.eq(1), check.valid.eq(passed)]
                with m.If(passed):
                    m.d.sync += left.eq(left + 1)
                    with m.If(left == HEADER_BYTES - 1):
                        m.d.sync += left.eq(self.length)
                        m.next = "PAYLOAD"
            with m.State("PAYLOAD"):
                m.d.comb += [byte.eq(self.payload.payload), check.valid.eq(passed)]
                with m.If(left == 0):
                    m.next = "UPPER"
                with m.Else():
                    m.d.comb += [present.eq(self.payload.valid), self.payload.ready.eq(passed)]
                    with m.If(passed):
                        m.d.sync += left.eq(left - 1)
            for state, part, following in (
                ("UPPER", check.crc[8:], "LOWER"),
                ("LOWER", check.crc[:8], "END"),
            ):
                with m.State(state):
                    m.d.comb += [byte.eq(part), present.eq(1)]
                    with m.If(passed):
                        m.next = following
            with m.State("END"):
                m.d.comb += [byte.eq(FLAG), present.eq(1), plain.eq(1), self.done.eq(passed)]
                with m.If(passed):
                    m.next = "IDLE"
        return m
