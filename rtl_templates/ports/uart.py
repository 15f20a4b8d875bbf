"""A serial line (8 data bits, no parity, one stop bit) at one of two bit rates, which need not divide the clock."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.ports.successor import successor

LEAST_CYCLES = 4
"""Clock cycles that a bit takes at least."""


@dataclass(frozen=True)
class BitTimes:
    """Clock cycles per bit, at least 4, at the ``usual`` and at the ``fast`` rate.

    A timer counts in parts of a cycle, ``step`` of them a cycle, so that the lengths of bits add up to what they should.
    """

    usual: Fraction
    fast: Fraction

    def __post_init__(self) -> None:
        assert min(self.usual, self.fast) >= LEAST_CYCLES, (self.usual, self.fast)

    @property
    def step(self) -> int:
        return lcm(self.usual.denominator, self.fast.denominator)

    @property
    def longest(self) -> int:
        """Parts of a cycle in the longer bit."""
        return int(max(self.usual, self.fast) * self.step)

    def after(self, timer: Signal, begin: Value, fast: Value) -> Value:
        """The timer a cycle later: with another bit where it is to ``begin``."""
        usual, quick = (
            Const(int(cycles * self.step) - self.step, len(timer))
            for cycles in (self.usual, self.fast)
        )
        passed = Const(-self.step, signed(len(timer))).as_unsigned()
        return timer + Mux(begin, Mux(fast, quick, usual), passed)

    def half(self, fast: Value) -> Value:
        """Parts of a cycle in half a bit."""
        usual, quick = (int(cycles * self.step) // 2 for cycles in (self.usual, self.fast))
        return Mux(fast, quick, usual)


class UartReceiver(wiring.Component):
    """Bytes of a serial line.

    Parameters
    ----------
    times : BitTimes

    Members
    -------
    rx : In(1)
        The line; it passes through two registers first.
    fast : In(1)
        Which of the rates.
    byte, valid : Out(8), Out(1)
        A byte received; ``valid`` is high for one cycle.
    broken : Out(1)
        High for one cycle when the stop bit is missing: a break of the line, or another bit rate.

    **Timing** A byte is valid half a bit after its stop bit has begun.
    """

    def __init__(self, times: BitTimes) -> None:
        self.times = times
        super().__init__(
            {
                "rx": In(1, init=1),
                "fast": In(1),
                "byte": Out(8),
                "valid": Out(1),
                "broken": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        line = Signal(init=1, name="line")
        m.submodules.synchroniser = FFSynchronizer(self.rx, line, init=1)
        timer = Signal(range(self.times.longest + 1), name="timer")
        index = Signal(range(8), name="index")
        due = Signal(name="due")
        m.d.comb += due.eq(timer < self.times.step)
        m.d.sync += timer.eq(self.times.after(timer, due, self.fast))

        with m.FSM():
            with m.State("IDLE"), m.If(~line):
                m.d.sync += timer.eq(self.times.half(self.fast) - self.times.step)
                m.next = "START"
            with m.State("START"), m.If(due):
                m.d.sync += index.eq(0)
                m.next = "IDLE"
                with m.If(~line):
                    m.next = "DATA"
            with m.State("DATA"), m.If(due):
                m.d.sync += index.eq(successor(index))
                m.d.sync += self.byte.eq(Cat(self.byte[1:], line))
                with m.If(index == 7):
                    m.next = "STOP"
            with m.State("STOP"), m.If(due):
                m.d.comb += [self.valid.eq(line), self.broken.eq(~line)]
                m.next = "RECOVER"
            with m.State("RECOVER"), m.If(line):
                m.next = "IDLE"
        return m


class UartTransmitter(wiring.Component):
    """Bytes onto a serial line.

    Parameters
    ----------
    times : BitTimes

    Members
    -------
    i : stream of 8 bits
        ``i.ready`` depends on registers only: high while the line is idle, and at the end of a stop bit.
    fast : In(1)
        Which of the rates; it is to change while ``i.ready`` only.
    tx : Out(1)
        The line; high when idle.

    **Timing** One byte in ten bits.
    """

    def __init__(self, times: BitTimes) -> None:
        self.times = times
        super().__init__(
            {"i": In(stream.Signature(8)), "fast": In(1), "tx": Out(1, init=1)},
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        timer = Signal(range(self.times.longest + 1), name="timer")
        frame = Signal(10, init=0x3FF, name="frame")
        # Ten bits: 6 to 15; 0 while the line is idle.
        number, due = Signal(4, name="number"), Signal(name="due")

        m.d.comb += [
            due.eq(timer < self.times.step),  # always, while the line is idle
            self.tx.eq(frame[0]),
            self.i.ready.eq(due & (~number.any() | number.all())),
        ]
        with m.If(~(self.i.ready & ~self.i.valid)):
            m.d.sync += timer.eq(self.times.after(timer, due, self.fast))
        with m.If(due):
            m.d.sync += [frame.eq(Cat(frame[1:], 1)), number.eq(successor(number))]
            with m.If(self.i.ready):
                m.d.sync += number.eq(0)
                with m.If(self.i.valid):
                    m.d.sync += [frame.eq(Cat(0, self.i.payload, 1)), number.eq(6)]
        return m
