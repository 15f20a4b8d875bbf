"""Words of a stream out of bytes, and bytes out of words, the lowest first."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


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
