"""Frames of the link (``hlsgen.algebra.link``) out of bytes, and bytes out of frames; checks are computed a bit at a time."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC16_IBM_3740
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.ports.successor import successor

from hlsgen.algebra.link import CHECK_BYTES, ESCAPE, FLAG, FLIP, HEADER, HEADER_BYTES, LONGEST

assert [number.bytes for number in HEADER] == [1, 2, 1] and CHECK_BYTES == 2
_LENGTH = HEADER_BYTES - 1
"""Place of the length, in bytes of a frame."""


class SerialCheck(wiring.Component):
    """The check of a frame, bit by bit.

    Members
    -------
    start : In(1)
        A frame begins.
    bit, valid : In(1), In(1)
        The next bit, the uppermost of a byte first; not with ``start``.
    value : Out(16)
        Of the bits so far.

    **Semantics** ``CRC16_IBM_3740``; zero behind a frame and its check.
    """

    def __init__(self) -> None:
        super().__init__(
            {"start": In(1), "bit": In(1), "valid": In(1), "value": Out(16, init=0xFFFF)}
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        feedback = Signal(name="feedback")
        m.d.comb += feedback.eq(self.value[-1] ^ self.bit)
        with m.If(self.start):
            m.d.sync += self.value.eq(CRC16_IBM_3740.initial_crc)
        with m.Elif(self.valid):
            m.d.sync += self.value.eq(
                Cat(0, self.value) ^ Mux(feedback, CRC16_IBM_3740.polynomial, 0)
            )
        return m


class FrameReceiver(wiring.Component):
    """Frames out of the bytes of a line, one byte in ten cycles at most.

    Members
    -------
    byte, valid : In(8), In(1)
        The bytes.
    kind, position : Out(8), Out(16)
        Of the header; whole from ``begin`` to the end of the frame.
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
                "begin": Out(1),
                "payload": Out(8),
                "payload_valid": Out(1),
                "good": Out(1),
                "bad": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.check = check = SerialCheck()
        escaped = Signal(name="escaped")
        # 8 to 15 while the check gets the bits of a byte; 8 in the cycle in which the byte is taken.
        bits = Signal(4, name="bits")
        left = Signal(range(LONGEST + 1), name="left")
        # Of the next byte: its place in the header, in the body (payload and first byte of the check), and behind.
        body, end, over = HEADER_BYTES, HEADER_BYTES + CHECK_BYTES, HEADER_BYTES + CHECK_BYTES + 1
        place = Signal(range(over + 1), name="place")
        taken = Signal(name="taken")
        m.d.comb += [
            taken.eq(bits == 8),
            check.valid.eq(bits[3]),
            check.bit.eq(self.payload[7]),
            self.payload_valid.eq(taken & (place == body) & left.any()),
        ]
        with m.If(bits[3]):
            m.d.sync += [bits.eq(successor(bits)), self.payload.eq(self.payload.rotate_left(1))]
        m.d.sync += self.begin.eq(taken & (place == _LENGTH))
        with m.If(taken):
            with m.If(self.payload_valid):
                m.d.sync += left.eq(left - 1)
            with m.Elif(place != over):
                m.d.sync += place.eq(successor(place))
            with m.Switch(place):
                with m.Case(0):
                    m.d.sync += self.kind.eq(self.payload)
                with m.Case(1):
                    m.d.sync += self.position[:8].eq(self.payload)
                with m.Case(2):
                    m.d.sync += self.position[8:].eq(self.payload)
                with m.Case(_LENGTH):
                    m.d.sync += left.eq(self.payload)
        with m.If(self.valid):
            with m.If(self.byte == FLAG):
                m.d.comb += self.good.eq((place == end) & ~check.value.any() & ~escaped)
                m.d.comb += [self.bad.eq(place.any() & ~self.good), check.start.eq(1)]
                m.d.sync += [place.eq(0), escaped.eq(0)]
            with m.Elif(self.byte == ESCAPE):
                m.d.sync += escaped.eq(1)
            with m.Else():
                m.d.sync += [escaped.eq(0), bits.eq(8)]
                m.d.sync += self.payload.eq(self.byte ^ (escaped << FLIP.bit_length() - 1))
        return m


class FrameSender(wiring.Component):
    """Frames as bytes of a line.

    Members
    -------
    start : In(1)
        A frame is to be sent; taken while ``idle``.
    kind, position, length : In(8), In(16), In(8)
        Its header, with ``start``.
    payload : stream of 8 bits (In)
        ``length`` bytes; nothing but zeros while not ``asks``.
    asks : Out(1)
        A byte of the payload is what is sent next.
    o : stream of 8 bits (Out)
        The bytes.
    idle, done : Out(1), Out(1)
        Nothing is being sent; high for a cycle when the last byte has gone.

    **Timing** A byte is there nine cycles after the one before it has gone, in which its check is computed.
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
                "asks": Out(1),
                "idle": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.check = check = SerialCheck()
        # 7 until there is a byte, 8 to 15 while the check gets its bits, and 0 until it has gone.
        bits = Signal(4, name="bits", init=7)
        following, there = Signal(8, name="following"), Signal(name="there")
        byte, flag, plain = Signal(8, name="byte"), Signal(name="flag"), Signal(name="plain")
        flipped, special = Signal(name="flipped"), Signal(name="special")
        given, passed = Signal(name="given"), Signal(name="passed")
        # FLAG or ESCAPE as ESCAPE: they differ in their two lowest bits.
        differs = special & (byte[0] ^ (ESCAPE & 1))
        assert FLAG ^ ESCAPE == 3
        m.d.comb += [
            special.eq(((byte == FLAG) | (byte == ESCAPE)) & ~plain),
            self.o.valid.eq(bits == 0),
            self.o.payload.eq(
                Cat(byte[:2] ^ differs.replicate(2), byte[2:]) ^ (flipped << FLIP.bit_length() - 1)
            ),
            given.eq(self.o.valid & self.o.ready),
            passed.eq(given & ~special),
            check.valid.eq(bits[3]),
            check.bit.eq(byte.bit_select(~bits[:3], 1)),
        ]
        with m.If(given):  # the second time as it is, but for a bit
            m.d.sync += [flipped.eq(special), plain.eq(special)]
        with m.If(passed):
            m.d.sync += bits.eq(7)
        with m.Elif(bits[3] | ((bits == 7) & there)):
            m.d.sync += bits.eq(successor(bits))
        with m.If((bits == 7) & there):
            m.d.sync += [byte.eq(following), plain.eq(flag)]
        self._states(m, check, following, there, flag, passed)
        return m

    def _states(
        self,
        m: Module,
        check: SerialCheck,
        following: Signal,
        there: Signal,
        flag: Signal,
        passed: Value,
    ) -> None:
        """What follows, as soon as it is there."""
        header = Signal(8 * _LENGTH, name="header")
        left = Signal(range(LONGEST + 1), name="left")
        names = ("of_header", "of_length", "of_check")
        of_header, of_length, of_check = (Signal(name=name) for name in names)
        m.d.comb += there.eq(1)
        m.d.comb += following.eq(
            Mux(of_header, header[:8], 0)
            | Mux(of_length, left, 0)
            | Mux(of_check, check.value[8:], 0)
            | Mux(flag, FLAG, 0)
            | self.payload.payload
        )
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(1), there.eq(0)]
                m.d.sync += [left.eq(self.length), header.eq(Cat(self.kind, self.position))]
                with m.If(self.start):
                    m.next = "FLAG"
            with m.State("FLAG"):
                m.d.comb += [flag.eq(1), check.start.eq(1)]
                with m.If(passed):
                    m.next = "KIND"
            for state, after in (("KIND", "LOWER"), ("LOWER", "UPPER"), ("UPPER", "LENGTH")):
                with m.State(state):
                    m.d.comb += of_header.eq(1)
                    with m.If(passed):
                        m.d.sync += header.eq(header[8:])
                        m.next = after
            with m.State("LENGTH"):
                m.d.comb += of_length.eq(1)
                with m.If(passed):
                    m.next = "PAYLOAD"
            with m.State("PAYLOAD"):
                m.d.comb += [self.asks.eq(1), there.eq(self.payload.valid)]
                m.d.comb += self.payload.ready.eq(passed)
                with m.If(passed):
                    m.d.sync += left.eq(left - 1)
                with m.If(left == 0):
                    m.d.comb += there.eq(0)
                    m.next = "CHECK"
            # What is fed back is the check's own upper byte: the lower one moves up, and nothing else.
            for state, after in (("CHECK", "REST"), ("REST", "END")):
                with m.State(state):
                    m.d.comb += of_check.eq(1)
                    with m.If(passed):
                        m.next = after
            with m.State("END"):
                m.d.comb += [flag.eq(1), self.done.eq(passed)]
                with m.If(passed):
                    m.next = "IDLE"
