"""A serial link (8 data bits, no parity, one stop bit) that carries the words of two streams."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out


class UartReceiver(wiring.Component):
    """Bytes of a serial line.

    Parameters
    ----------
    divisor : int
        Clock cycles per bit, at least 4.

    Members
    -------
    rx : In(1)
        The line; it passes through two registers first.
    o : stream of 8 bits
        The bytes received; ``o.valid`` is a register. A byte that is not taken before the next one ends is lost.
    overflow : Out(1)
        High for one cycle when a byte is lost.
    broken : Out(1)
        High for one cycle when the stop bit is missing: a break of the line, or another bit rate. A byte that waits
        is dropped.

    **Timing** A byte is valid half a bit after its stop bit has begun. **Cost** About 40 LUT and 35 registers.
    """

    def __init__(self, divisor: int) -> None:
        assert divisor >= 4, divisor
        self.divisor = divisor
        super().__init__(
            {
                "rx": In(1, init=1),
                "o": Out(stream.Signature(8)),
                "overflow": Out(1),
                "broken": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        line = Signal(init=1, name="line")
        m.submodules.synchroniser = FFSynchronizer(self.rx, line, init=1)
        timer = Signal(range(self.divisor), name="timer")
        index = Signal(range(8), name="index")
        byte = Signal(8, reset_less=True, name="byte")
        done = Signal(name="done")

        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(done):
            m.d.sync += [self.o.valid.eq(1), self.o.payload.eq(byte)]
            m.d.comb += self.overflow.eq(self.o.valid & ~self.o.ready)

        with m.FSM():
            with m.State("IDLE"), m.If(~line):
                m.d.sync += timer.eq(self.divisor // 2 - 1)
                m.next = "START"
            with m.State("START"), m.If(timer == 0):
                m.d.sync += [timer.eq(self.divisor - 1), index.eq(0)]
                m.next = "IDLE"
                with m.If(~line):
                    m.next = "DATA"
            with m.State("DATA"), m.If(timer == 0):
                m.d.sync += [timer.eq(self.divisor - 1), index.eq(index + 1)]
                m.d.sync += byte.eq(Cat(byte[1:], line))
                with m.If(index == 7):
                    m.next = "STOP"
            with m.State("STOP"), m.If(timer == 0):
                m.d.comb += [done.eq(line), self.broken.eq(~line)]
                with m.If(~line):
                    m.d.sync += self.o.valid.eq(0)
                m.next = "RECOVER"
            with m.State("RECOVER"), m.If(line):
                m.next = "IDLE"
        return m


class UartTransmitter(wiring.Component):
    """Bytes onto a serial line.

    Parameters
    ----------
    divisor : int
        Clock cycles per bit, at least 4.

    Members
    -------
    i : stream of 8 bits
        ``i.ready`` is a register's value: high while the line is idle.
    tx : Out(1)
        The line; high when idle.

    **Timing** One byte in ``10 * divisor + 1`` cycles. **Cost** About 25 LUT and 20 registers.
    """

    def __init__(self, divisor: int) -> None:
        assert divisor >= 4, divisor
        self.divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        timer = Signal(range(self.divisor), name="timer")
        frame = Signal(10, init=0x3FF, name="frame")
        left = Signal(range(11), name="left")

        m.d.comb += [self.tx.eq(frame[0]), self.i.ready.eq(left == 0)]
        with m.If(left == 0):
            with m.If(self.i.valid):
                m.d.sync += frame.eq(Cat(0, self.i.payload, 1))
                m.d.sync += [left.eq(10), timer.eq(self.divisor - 1)]
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += [frame.eq(Cat(frame[1:], 1)), left.eq(left - 1)]
            m.d.sync += timer.eq(self.divisor - 1)
        return m


class WordAssembler(wiring.Component):
    """Words out of bytes, the lowest byte first.

    Parameters
    ----------
    width : int
        Bits of a word, a multiple of 8.

    Members
    -------
    i, o : streams of 8 and ``width`` bits
        ``o.valid`` is a register; ``i.ready`` is low while a whole word waits.

    **Timing** A word is valid one cycle after its last byte.
    """

    def __init__(self, width: int) -> None:
        assert width > 0 and width % 8 == 0, width
        self.width = width
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(width))})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        count = self.width // 8
        index = Signal(range(count), name="index") if count > 1 else Signal(1, name="index")
        m.d.comb += self.i.ready.eq(~self.o.valid)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += self.o.payload.eq(Cat(self.o.payload, self.i.payload)[8:])
            m.d.sync += index.eq(index + 1)
            with m.If(index == count - 1):
                m.d.sync += [index.eq(0), self.o.valid.eq(1)]
        return m


class WordSplitter(wiring.Component):
    """Bytes out of words, the lowest byte first.

    Parameters
    ----------
    width : int
        Bits of a word, a multiple of 8.

    Members
    -------
    i, o : streams of ``width`` and 8 bits
        ``i.ready`` is high while no word is held; ``o.valid`` is a register.

    **Timing** A word of n bytes takes n + 1 cycles at least.
    """

    def __init__(self, width: int) -> None:
        assert width > 0 and width % 8 == 0, width
        self.width = width
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        count = self.width // 8
        word = Signal(self.width, reset_less=True, name="word")
        left = Signal(range(count + 1), name="left")
        m.d.comb += [self.i.ready.eq(left == 0), self.o.valid.eq(left != 0)]
        m.d.comb += self.o.payload.eq(word[:8])
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [word.eq(self.i.payload), left.eq(count)]
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += [word.eq(word >> 8), left.eq(left - 1)]
        return m


class UartLink(wiring.Component):
    """A serial line as two streams of words, with a FIFO for the bytes that come in.

    Parameters
    ----------
    divisor : int
        Clock cycles per bit, at least 4.
    word_in, word_out : int
        Bits per received and per sent word, multiples of 8.
    depth : int
        Received bytes that the FIFO holds.

    Members
    -------
    rx, tx : In(1), Out(1)
        The lines.
    o, i : streams of ``word_in`` and ``word_out`` bits
        The words received and the words to send.
    broken : Out(1)
        High for one cycle after a break of the line, which empties the link: the next byte begins a new word.
    overflow : Out(1)
        Stays high from the first lost byte until a break; nothing is sent meanwhile, so that no wrong answer leaves.

    **Timing** See ``UartReceiver`` and ``UartTransmitter``. **Cost** ``8 * depth`` bits of memory.
    """

    def __init__(self, *, divisor: int, word_in: int, word_out: int, depth: int) -> None:
        self.divisor = divisor
        self.word_in, self.word_out, self.depth = word_in, word_out, depth
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "o": Out(stream.Signature(word_in)),
                "i": In(stream.Signature(word_out)),
                "broken": Out(1),
                "overflow": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(self.divisor)
        assembler = WordAssembler(self.word_in)
        fifo = SyncFIFOBuffered(width=8, depth=self.depth)
        splitter = WordSplitter(self.word_out)
        anew = ResetInserter(receiver.broken)
        m.submodules.assembler = anew(assembler)
        m.submodules.fifo = anew(fifo)
        m.submodules.splitter = anew(splitter)
        m.submodules.transmitter = transmitter = UartTransmitter(self.divisor)

        wiring.connect(m, receiver.o, fifo.w_stream)
        wiring.connect(m, fifo.r_stream, assembler.i)
        wiring.connect(m, assembler.o, wiring.flipped(self.o))
        wiring.connect(m, wiring.flipped(self.i), splitter.i)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            self.broken.eq(receiver.broken),
            transmitter.i.payload.eq(splitter.o.payload),
            transmitter.i.valid.eq(splitter.o.valid & ~self.overflow),
            splitter.o.ready.eq(transmitter.i.ready & ~self.overflow),
        ]
        with m.If(receiver.broken):
            m.d.sync += self.overflow.eq(0)
        with m.Elif(receiver.overflow):
            m.d.sync += self.overflow.eq(1)
        return m
