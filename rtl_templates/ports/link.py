"""The board's end of the link: questions answered, elements of inputs taken in, elements of outputs sent; see ``hlsgen.algebra.link``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.ports.frame_buffers import POSITION, CommitBuffer, ResendBuffer
from hlsgen.rtl_templates.ports.frames import FrameReceiver, FrameSender
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
    run, samples_wanted, done : Out(1), Out(32), In(1)
        As of ``Measure``, where ``measures`` is 1 in the identity.
    hold, held : Out(1), In(1)
        As of ``Measure``; the counts are read when ``held`` has come.
    cycles, busy, samples : In(32)
        The counts.
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
                **{name: Out(1) for name in ("restart", "run", "hold")},
                **{name: In(1) for name in ("done", "held")},
                **{name: In(32) for name in ("cycles", "busy", "samples")},
                "samples_wanted": Out(32),
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
        counts = _LinkCounts()
        self._send(m, sender, uart_out.i.ready, question, inputs, outputs, counts, fast)
        refused = receiver.bad | Cat(*(feed.take(m, receiver) for feed in inputs)).any()
        for send in outputs:
            send.hear(m, receiver)
        self._hear(m, receiver, question)
        counts.count(m, self, refused)
        with m.If(uart_in.broken):
            m.d.sync += fast.eq(0)
        with m.If(self.restart):
            m.d.sync += [*(feed.reset() for feed in inputs), self.hold.eq(0), self.run.eq(0)]
        return m

    def _hear(self, m: Module, receiver: FrameReceiver, question: _Question) -> None:
        """Questions; one that comes while another is being answered is not heard."""
        last = Signal(32, name="last_payload")
        with m.If(receiver.payload_valid):
            m.d.sync += last.eq(Cat(last[8:], receiver.payload))
        known = (IDENTIFY, RESET, COUNT, FAST, *((MEASURE,) * self.identity["measures"]))
        heard = Cat(*(receiver.kind == kind.code for kind in known)).any()
        with m.If(receiver.good & heard & (question.code == 0)):
            m.d.sync += [question.code.eq(receiver.kind), question.tag.eq(receiver.position)]
            with m.If(receiver.kind == COUNT.code):
                m.d.sync += self.hold.eq(1)
            if self.identity["measures"]:
                with m.If(receiver.kind == MEASURE.code):
                    m.d.sync += [self.run.eq(1), self.samples_wanted.eq(last)]
        with m.If(self.done):
            m.d.sync += self.run.eq(0)

    def _send(
        self,
        m: Module,
        sender: FrameSender,
        line_idle: Value,
        question: _Question,
        inputs: Sequence[_Input],
        outputs: Sequence[_Output],
        counts: _LinkCounts,
        fast: Signal,
    ) -> None:
        """Choose what goes out next: an answer before a report before elements."""
        index = Signal(range(LONGEST + 1), name="index")
        limit, wait = Signal(POSITION, name="limit"), Signal(range(RESET_CYCLES), name="wait")
        m.d.comb += sender.payload.valid.eq(1)
        with m.If(sender.payload.ready):
            m.d.sync += index.eq(index + 1)
        self._payload(m, sender, index, limit, outputs, counts)
        with m.FSM():
            with m.State("CHOOSE"):
                m.d.sync += [index.eq(0), wait.eq(RESET_CYCLES - 1)]
                with m.If(question.code == RESET.code):
                    m.next = "RESET"
                with m.Elif((question.code != 0) & ((question.code != COUNT.code) | self.held)):
                    m.d.sync += question.answer(sender)
                    m.next = "START"
                for feed in inputs:
                    with m.Elif(feed.due):
                        m.d.sync += [*feed.report(sender), limit.eq(feed.buffer.limit)]
                        m.next = "START"
                for send in outputs:
                    with m.Elif(send.buffer.available != 0):
                        m.d.sync += send.frame(sender)
                        m.d.comb += send.buffer.begin.eq(1)
                        m.next = "START"
            with m.State("RESET"):
                m.d.comb += self.restart.eq(1)
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.sync += question.answer(sender)
                    m.next = "START"
            with m.State("START"):
                m.d.comb += sender.start.eq(1)
                m.next = "SEND"
            with m.State("SEND"), m.If(sender.done):
                for send in outputs:
                    m.d.comb += send.buffer.end.eq(sender.kind == send.code)
                m.next = "FLUSH"
            with m.State("FLUSH"), m.If(line_idle):
                with m.If(sender.kind[4:] == ANSWER >> 4):
                    m.d.sync += [question.code.eq(0), self.hold.eq(0)]
                    with m.If(question.code == FAST.code):
                        m.d.sync += fast.eq(1)
                m.next = "CHOOSE"

    def _payload(
        self,
        m: Module,
        sender: FrameSender,
        index: Signal,
        limit: Signal,
        outputs: Sequence[_Output],
        counts: _LinkCounts,
    ) -> None:
        """The bytes of a frame: numbers, or elements of an output."""
        counters = {name: getattr(self, name) for name in ("cycles", "busy", "samples")}
        counters |= {"ticks": counts.ticks, "refused": counts.refused, "measuring": self.run}
        payload = sender.payload.payload
        with m.Switch(sender.kind):
            with m.Case(IDENTITY.code):
                m.d.comb += payload.eq(_bytes(IDENTITY, self.identity)[index])
            with m.Case(COUNTERS.code):
                m.d.comb += payload.eq(_bytes(COUNTERS, counters)[index])
            for send in outputs:
                with m.Case(send.code):
                    m.d.comb += payload.eq(send.buffer.o.payload)
                    m.d.comb += send.buffer.o.ready.eq(sender.payload.ready)
            with m.Default():  # ACCEPTED, REPEAT
                m.d.comb += payload.eq(limit.word_select(index[0], 8))


class _Question:
    """The question in hand (code 0 where there is none), and the number that its answer repeats."""

    def __init__(self) -> None:
        self.code, self.tag = Signal(8, name="question"), Signal(POSITION, name="question_tag")

    def answer(self, sender: FrameSender) -> list[Any]:
        """The header of its answer."""
        identity, counters = self.code == IDENTIFY.code, self.code == COUNT.code
        length = Mux(identity, IDENTITY.length, Mux(counters, COUNTERS.length, 0))
        return [
            sender.kind.eq(self.code | ANSWER),
            sender.position.eq(self.tag),
            sender.length.eq(length),
        ]


class _Input:
    """An input's buffer, and whether the host is to hear of it."""

    def __init__(self, port: int, buffer: CommitBuffer) -> None:
        self.port, self.buffer = port, buffer
        self.due, self.repeat = Signal(name=f"due_{port}"), Signal(name=f"repeat_{port}")
        self.reported = Signal(POSITION, name=f"reported_{port}", init=buffer.depth)

    def take(self, m: Module, receiver: FrameReceiver) -> Value:
        """Take in a frame; high for a cycle when one is refused that is whole."""
        buffer, mine = self.buffer, receiver.kind == (FEED.code | self.port)
        expected = Signal(name=f"expected_{self.port}")
        freed = Signal(POSITION, name=f"freed_{self.port}")
        wrong = Signal(name=f"wrong_{self.port}")
        m.d.comb += [
            expected.eq(mine & (receiver.position == buffer.accepted)),
            buffer.begin.eq(receiver.begin),
            buffer.byte.eq(receiver.payload),
            buffer.write.eq(receiver.payload_valid & expected),
            buffer.commit.eq(receiver.good & expected),
            freed.eq(buffer.limit - self.reported),
            wrong.eq(receiver.good & mine & ~(expected & buffer.kept)),
        ]
        asked = receiver.good & (mine | (receiver.kind == (ASK.code | self.port)))
        # A host that waits for room hears of it when half of the buffer is free again.
        with m.If(asked | receiver.bad | (freed >= buffer.depth // 2)):
            m.d.sync += self.due.eq(1)
        with m.If(wrong | receiver.bad):
            m.d.sync += self.repeat.eq(1)
        return wrong

    def report(self, sender: FrameSender) -> list[Any]:
        """The header of ACCEPTED or REPEAT, which it is time to send."""
        return [
            sender.kind.eq(Mux(self.repeat, REPEAT.code | self.port, ACCEPTED.code | self.port)),
            sender.position.eq(self.buffer.accepted),
            sender.length.eq(ACCEPTED.length),
            self.reported.eq(self.buffer.limit),
            self.due.eq(0),
            self.repeat.eq(0),
        ]

    def reset(self) -> list[Any]:
        return [self.reported.eq(self.buffer.depth), self.due.eq(0), self.repeat.eq(0)]


class _Output:
    """An output's buffer and the code of its frames."""

    def __init__(self, port: int, buffer: ResendBuffer) -> None:
        self.port, self.buffer, self.code = port, buffer, OUTPUT.code | port

    def hear(self, m: Module, receiver: FrameReceiver) -> None:
        """What the host says that it has, and wants again."""
        m.d.comb += [
            self.buffer.position.eq(receiver.position),
            self.buffer.taken.eq(receiver.good & (receiver.kind == (TAKEN.code | self.port))),
            self.buffer.again.eq(receiver.good & (receiver.kind == (AGAIN.code | self.port))),
        ]

    def frame(self, sender: FrameSender) -> list[Any]:
        """The header of a frame of what is there."""
        there = self.buffer.available
        return [
            sender.kind.eq(self.code),
            sender.position.eq(self.buffer.sent),
            sender.length.eq(Mux(there > LONGEST, LONGEST, there)),
        ]


class _LinkCounts:
    """What is counted in the link's own domain."""

    def __init__(self) -> None:
        self.ticks, self.refused = Signal(32, name="ticks"), Signal(16, name="refused")

    def count(self, m: Module, link: FrameLink, refused: Value) -> None:
        """Ticks run while the circuit's cycles are counted."""
        still = Signal(name="measured")
        with m.If((link.run | ~link.hold) & ~still):
            m.d.sync += self.ticks.eq(self.ticks + 1)
        with m.If(refused):
            m.d.sync += self.refused.eq(self.refused + 1)
        running = Signal(name="was_running")
        m.d.sync += running.eq(link.run)
        with m.If(link.run & ~running):
            m.d.sync += [self.ticks.eq(0), still.eq(0)]
        with m.If(link.done):
            m.d.sync += still.eq(1)
        with m.If(link.restart):
            m.d.sync += [self.ticks.eq(0), self.refused.eq(0), still.eq(0)]


def _bytes(kind: FrameKind, numbers: Mapping[str, int | Value]) -> Array[Value]:
    """The payload of a frame of numbers."""
    parts: list[Value] = []
    for number in kind.payload:
        value = numbers[number.name]
        whole = Const(value, 8 * number.bytes) if isinstance(value, int) else value
        parts += [
            Cat(whole, Const(0, 8 * number.bytes))[8 * k : 8 * k + 8] for k in range(number.bytes)
        ]
    return Array(parts)
