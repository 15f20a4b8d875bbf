"""The board's end of the link: questions answered, elements of inputs taken in, elements of outputs sent; see ``hlsgen.algebra.link``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.ports.counts import TICK_BITS, WANTED_BITS
from hlsgen.rtl_templates.ports.frame_buffers import POSITION, CommitBuffer, ResendBuffer
from hlsgen.rtl_templates.ports.frames import FrameReceiver, FrameSender
from hlsgen.rtl_templates.ports.successor import successor
from hlsgen.rtl_templates.ports.uart import BitTimes, UartReceiver, UartTransmitter

from hlsgen.algebra.link import (
    ACCEPTED,
    AGAIN,
    ANSWER,
    ASK,
    COUNT,
    COUNTERS,
    FAST,
    FEED,
    IDENTIFY,
    IDENTITY,
    LONGEST,
    MEASURE,
    OUTPUT,
    PORTS,
    REPEAT,
    RESET,
    TAKEN,
    FrameKind,
)

RESET_CYCLES = 64
"""Cycles of the link for which a reset lasts: three of a circuit's clock that is twenty times slower."""


class FrameLink(wiring.Component):
    """A serial line as the inputs and outputs of a circuit.

    Parameters
    ----------
    times : BitTimes
    identity : Mapping[str, int]
        The numbers of IDENTITY; among them how many ``inputs`` and ``outputs``, and the ``capacity`` of their buffers in bytes.

    Members
    -------
    rx, tx : In(1), Out(1)
        The line.
    o0, o1, ... : streams of 8 bits (Out)
        The bytes of each input of the circuit.
    i0, i1, ... : streams of 8 bits (In)
        The bytes of each output of the circuit.
    restart : Out(1)
        Everything beyond the link is to be reset; high for 64 cycles.
    run, samples_wanted, replay : Out(1), Out(32), In(1)
        As of ``Measure``, where ``measures`` is 1 in the identity.
    hold, counts : Out(1), stream of 8 bits (In)
        As of ``Measure``.
    ticks, ticked, refused : Out(16), Out(1), Out(1)
        As of ``Measure``; they stand still while ``hold``.
    """

    def __init__(self, times: BitTimes, identity: Mapping[str, int]) -> None:
        self.times, self.identity = times, identity
        self.inputs, self.outputs = identity["inputs"], identity["outputs"]
        assert 1 <= min(self.inputs, self.outputs) <= max(self.inputs, self.outputs) <= PORTS
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                **{f"o{port}": Out(stream.Signature(8)) for port in range(self.inputs)},
                **{f"i{port}": In(stream.Signature(8)) for port in range(self.outputs)},
                **{name: Out(1) for name in ("restart", "run", "hold", "ticked", "refused")},
                "replay": In(1),
                "counts": In(stream.Signature(8)),
                "ticks": Out(TICK_BITS),
                "samples_wanted": Out(WANTED_BITS),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.uart_in = uart_in = UartReceiver(self.times)
        m.submodules.uart_out = uart_out = UartTransmitter(self.times)
        m.submodules.receiver = receiver = FrameReceiver()
        m.submodules.sender = sender = FrameSender()
        fast = Signal(name="fast")
        m.d.comb += [
            uart_in.rx.eq(self.rx),
            self.tx.eq(uart_out.tx),
            uart_in.fast.eq(fast),
            uart_out.fast.eq(fast),
            receiver.byte.eq(uart_in.byte),
            receiver.valid.eq(uart_in.valid),
        ]
        wiring.connect(m, sender.o, uart_out.i)
        anew, depth = ResetInserter(self.restart), self.identity["capacity"]
        inputs = [_Input(port, CommitBuffer(depth)) for port in range(self.inputs)]
        outputs = [_Output(port, ResendBuffer(depth)) for port in range(self.outputs)]
        for port, feed in enumerate(inputs):
            m.submodules[f"input_{port}"] = anew(feed.buffer)
            wiring.connect(m, feed.buffer.o, wiring.flipped(getattr(self, f"o{port}")))
        for port, send in enumerate(outputs):
            m.submodules[f"output_{port}"] = anew(send.buffer)
            wiring.connect(m, wiring.flipped(getattr(self, f"i{port}")), send.buffer.i)

        question = _Question()
        self._send(m, sender, uart_out.i.ready, question, inputs, outputs, fast)
        refused = receiver.bad | Cat(*(feed.take(m, receiver) for feed in inputs)).any()
        for send in outputs:
            send.hear(m, receiver)
        self._hear(m, receiver, question)
        self._count(m, refused)
        with m.If(uart_in.broken):
            m.d.sync += fast.eq(0)
        with m.If(self.restart):
            m.d.sync += [*(feed.reset() for feed in inputs), self.hold.eq(0), self.run.eq(0)]
        return m

    def _hear(self, m: Module, receiver: FrameReceiver, question: _Question) -> None:
        """Questions; one that comes while another is being answered is not heard."""
        if self.identity["measures"]:
            with m.If(receiver.payload_valid & ~self.run):
                m.d.sync += self.samples_wanted.eq(Cat(self.samples_wanted[8:], receiver.payload))
        known = (IDENTIFY, RESET, COUNT, FAST, *((MEASURE,) * self.identity["measures"]))
        heard = Cat(*(receiver.kind == kind.code for kind in known)).any()
        with m.If(receiver.good & heard & (question.code == 0)):
            m.d.sync += [question.code.eq(receiver.kind), question.tag.eq(receiver.position)]
            with m.If(receiver.kind == COUNT.code):
                m.d.sync += self.hold.eq(~self.run)
            if self.identity["measures"]:
                with m.If(receiver.kind == MEASURE.code):
                    m.d.sync += self.run.eq(1)

    def _count(self, m: Module, refused: Value) -> None:
        """Ticks run while the circuit's cycles are counted."""
        replayed, still = Signal(name="replayed"), Signal(name="measured")
        ticks = Signal(TICK_BITS + 1, name="all_ticks")
        m.d.comb += Cat(self.ticks, self.ticked).eq(ticks)
        m.d.sync += replayed.eq(self.replay)
        with m.If(self.replay | ~(self.run | self.hold | still)):
            m.d.sync += ticks.eq(ticks + 1)
        with m.If(refused):
            m.d.sync += self.refused.eq(~self.refused)
        with m.If(self.run & ~still & ~self.replay & ~replayed):
            m.d.sync += ticks.eq(0)
        with m.If(replayed & ~self.replay):
            m.d.sync += [self.run.eq(0), still.eq(1)]
        with m.If(self.restart):
            m.d.sync += [ticks.eq(0), still.eq(0)]

    def _send(
        self,
        m: Module,
        sender: FrameSender,
        line_idle: Value,
        question: _Question,
        inputs: Sequence[_Input],
        outputs: Sequence[_Output],
        fast: Signal,
    ) -> None:
        """Choose what goes out next: an answer before a report before elements."""
        answering = Signal(name="answering")
        ends: tuple[_Input | _Output, ...] = (*inputs, *outputs)
        index = Signal(range(max(RESET_CYCLES, IDENTITY.length)), name="index")
        with m.FSM():
            with m.State("CHOOSE"):
                m.d.sync += index.eq(0)
                m.d.sync += [answering.eq(0), *(each.chosen.eq(0) for each in ends)]
                with m.If(question.code == RESET.code):
                    m.next = "RESET"
                with m.Elif(question.code != 0):
                    m.d.sync += answering.eq(1)
                    m.next = "START"
                for each in ends:
                    with m.Elif(each.due):
                        m.d.sync += each.chosen.eq(1)
                        m.next = "START"
            with m.State("RESET"):
                m.d.comb += self.restart.eq(1)
                m.d.sync += index.eq(successor(index))
                with m.If(index == RESET_CYCLES - 1):
                    m.d.sync += answering.eq(1)
                    m.next = "START"
            with m.State("START"):
                m.d.comb += sender.start.eq(1)
                m.d.sync += index.eq(0)
                for each in ends:
                    m.d.comb += each.begin.eq(each.chosen)
                m.next = "SEND"
            with m.State("SEND"):
                with m.If(sender.payload.ready):
                    m.d.sync += index.eq(successor(index))
                with m.If(sender.done):
                    for send in outputs:
                        m.d.comb += send.buffer.end.eq(send.chosen)
                    m.next = "FLUSH"
            with m.State("FLUSH"), m.If(line_idle):
                with m.If(answering):
                    m.d.sync += [question.code.eq(0), self.hold.eq(0)]
                    with m.If(question.code == FAST.code):
                        m.d.sync += fast.eq(1)
                m.next = "CHOOSE"
        self._contents(m, sender, index, answering, question, ends)

    def _contents(
        self,
        m: Module,
        sender: FrameSender,
        index: Signal,
        answering: Value,
        question: _Question,
        ends: Sequence[_Input | _Output],
    ) -> None:
        """The header and the payload of the frame that was chosen."""
        payload = sender.payload
        identify = question.code == IDENTIFY.code
        # While a measurement runs nothing but that is to be read.
        counts = Mux(self.hold, self.counts.payload, 1)
        answer = Mux(identify, _bytes(IDENTITY, self.identity)[index], counts)
        m.d.comb += payload.valid.eq(~(answering & ~identify & self.hold) | self.counts.valid)
        m.d.comb += self.counts.ready.eq(answering & self.hold & payload.ready)
        for each in ends:
            each.pass_byte(m, each.chosen & payload.ready)
        legs = [(answering, answer), *((each.chosen, each.byte) for each in ends)]
        m.d.comb += payload.payload.eq(
            _any(Mux(which & sender.asks, leg, 0) for which, leg in legs)
        )
        headers = [(answering, question.answer), *((each.chosen, each.header) for each in ends)]
        for name in ("kind", "position", "length"):
            parts = (Mux(which, getattr(header, name), 0) for which, header in headers)
            m.d.comb += getattr(sender, name).eq(_any(parts))


def _any(values: Iterable[Value]) -> Value:
    """The one that is not 0: fewer LUTs than a choice in order."""
    return reduce(or_, values)


@dataclass(frozen=True)
class _Header:
    """What a frame begins with."""

    kind: Value
    position: Value
    length: Value


class _Question:
    """The question in hand (code 0 where there is none), and the number that its answer repeats."""

    def __init__(self) -> None:
        codes = range(max(kind.code for kind in (IDENTIFY, RESET, COUNT, MEASURE, FAST)) + 1)
        self.code, self.tag = Signal(codes, name="question"), Signal(POSITION, name="question_tag")

    @property
    def answer(self) -> _Header:
        """Of its answer."""
        identity, counters = self.code == IDENTIFY.code, self.code == COUNT.code
        length = Mux(identity, IDENTITY.length, 0) | Mux(counters, COUNTERS.length, 0)
        return _Header(self.code | ANSWER, self.tag, length)


class _Input:
    """An input's buffer, and whether the host is to hear of it."""

    def __init__(self, port: int, buffer: CommitBuffer) -> None:
        self.port, self.buffer = port, buffer
        self.due, self.repeat = Signal(name=f"due_{port}"), Signal(name=f"repeat_{port}")
        self.chosen, self.begin = Signal(name=f"report_{port}"), Signal(name=f"reports_{port}")
        self.limit = Signal(POSITION, name=f"limit_{port}")
        self.stale = Signal(name=f"stale_{port}")

    def take(self, m: Module, receiver: FrameReceiver) -> Value:
        """Take in a frame; high for a cycle when one is refused that is whole."""
        buffer, mine = self.buffer, receiver.kind == (FEED.code | self.port)
        expected = Signal(name=f"expected_{self.port}")
        wrong = Signal(name=f"wrong_{self.port}")
        m.d.comb += [
            expected.eq(mine & (receiver.position == buffer.accepted)),
            buffer.begin.eq(receiver.begin),
            buffer.byte.eq(receiver.payload),
            buffer.write.eq(receiver.payload_valid & expected),
            buffer.commit.eq(receiver.good & expected),
            wrong.eq(receiver.good & mine & ~(expected & buffer.kept)),
        ]
        asked = receiver.good & (mine | (receiver.kind == (ASK.code | self.port)))
        with m.If(self.begin):
            m.d.sync += [self.due.eq(0), self.repeat.eq(0), self.stale.eq(0)]
        # A host that waits for room hears of it when two quarters of the buffer were freed since it last did.
        with m.If(buffer.freed):
            m.d.sync += self.stale.eq(1)
        with m.If(asked | receiver.bad | (buffer.freed & self.stale)):
            m.d.sync += self.due.eq(1)
        with m.If(wrong | receiver.bad):
            m.d.sync += self.repeat.eq(1)
        return wrong

    @property
    def header(self) -> _Header:
        """Of ACCEPTED or REPEAT."""
        kind = Mux(self.repeat, REPEAT.code | self.port, ACCEPTED.code | self.port)
        return _Header(kind, self.buffer.accepted, Const(ACCEPTED.length))

    @property
    def byte(self) -> Value:
        """Of its payload."""
        return self.limit[:8]

    def pass_byte(self, m: Module, passed: Value) -> None:
        """The next byte of its payload."""
        with m.If(self.begin):
            m.d.sync += self.limit.eq(self.buffer.limit)
        with m.Elif(passed):
            m.d.sync += self.limit[:8].eq(self.limit[8:])

    def reset(self) -> list[Any]:
        return [self.due.eq(0), self.repeat.eq(0), self.stale.eq(0)]


class _Output:
    """An output's buffer and the code of its frames."""

    def __init__(self, port: int, buffer: ResendBuffer) -> None:
        self.port, self.buffer, self.code = port, buffer, OUTPUT.code | port
        self.chosen, self.begin = Signal(name=f"send_{port}"), buffer.begin

    @property
    def due(self) -> Value:
        return self.buffer.available.any()

    def hear(self, m: Module, receiver: FrameReceiver) -> None:
        """What the host says that it has, and wants again."""
        m.d.comb += [
            self.buffer.position.eq(receiver.position),
            self.buffer.taken.eq(receiver.good & (receiver.kind == (TAKEN.code | self.port))),
            self.buffer.again.eq(receiver.good & (receiver.kind == (AGAIN.code | self.port))),
        ]

    @property
    def header(self) -> _Header:
        """Of a frame of what is there."""
        assert LONGEST == 255
        there = self.buffer.available
        length = there[:8] | there[8:].any().replicate(8)
        return _Header(Const(self.code), self.buffer.sent, length)

    @property
    def byte(self) -> Value:
        """Of its payload."""
        return self.buffer.o.payload

    def pass_byte(self, m: Module, passed: Value) -> None:
        """The next byte of its payload."""
        m.d.comb += self.buffer.o.ready.eq(passed)


def _bytes(kind: FrameKind, numbers: Mapping[str, int]) -> Array[Value]:
    """The payload of a frame of numbers."""
    return Array(
        Const(numbers[number.name] >> 8 * k & 0xFF, 8)
        for number in kind.payload
        for k in range(number.bytes)
    )
