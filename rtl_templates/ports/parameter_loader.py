"""Memories that are filled one after the other from one row of bytes."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.memory_ports import write_port

LOAD = wiring.Signature({"byte": Out(8), "valid": Out(1), "last": Out(1)})
"""Bytes of an image, never held up; ``last`` is its last one."""


class ParameterLoader(wiring.Component):
    """Takes the words of one memory out of an image, and hands on what comes behind them.

    Parameters
    ----------
    bits, depth : int
        A word takes whole bytes, its lowest first; the words stand in order of their addresses.

    Members
    -------
    i, o : LOAD
        The image, and what is left of it.
    address, data, write : Out
        Of the memory.

    **Timing** ``o`` is behind a register; ``write`` is high in the cycle of the last byte of a word. Behind ``last``, and after a reset, an image
    begins anew.
    """

    def __init__(self, bits: int, depth: int) -> None:
        self.bits, self.depth = bits, depth
        writes = {"address": Out(range(depth)), "data": Out(bits), "write": Out(1)}
        super().__init__({"i": In(LOAD), "o": Out(LOAD), **writes})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        count = -(-self.bits // 8)
        full, whole = Signal(name="full"), Signal(name="whole")
        number = Signal(range(max(count, 2)), name="number")
        held = Signal(8 * (count - 1), name="held", reset_less=True)
        m.d.comb += [
            whole.eq(number == count - 1),
            self.data.eq(Cat(held, self.i.byte)),
            self.write.eq(self.i.valid & ~full & whole),
        ]
        m.d.sync += [
            self.o.byte.eq(self.i.byte),
            self.o.last.eq(self.i.last),
            self.o.valid.eq(self.i.valid & full),
        ]
        with m.If(self.i.valid & ~full):
            m.d.sync += number.eq(number + 1)
            if count > 1:
                m.d.sync += held.eq(Cat(held, self.i.byte)[8:])
            with m.If(whole):
                m.d.sync += [number.eq(0), self.address.eq(self.address + 1)]
                with m.If(self.address == self.depth - 1):
                    m.d.sync += [self.address.eq(0), full.eq(1)]
        with m.If(self.i.valid & self.i.last):
            m.d.sync += [number.eq(0), self.address.eq(0), full.eq(0)]
        return m

    def fill(self, m: Module, memory: Memory, name: str = "load") -> None:
        """Give a memory a write port that this loader writes."""
        port = write_port(memory, name)
        m.d.comb += [port.addr.eq(self.address), port.data.eq(self.data), port.en.eq(self.write)]
