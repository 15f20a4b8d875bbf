"""A stream from one clock domain into another, a word at a time."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out


class Handover(wiring.Component):
    """A word is held still in the domain it comes from until the other one has taken it: two toggles, no memory.

    Parameters
    ----------
    width : int
        Bits of a word.
    source, sink : str
        The domains. A reset of one is to be one of both, and to last three cycles of each.

    Members
    -------
    i, o : streams of ``width`` bits
        In the domains ``source`` and ``sink``.

    **Timing** A word in about three cycles of each domain, there and back.
    """

    def __init__(self, width: int, source: str, sink: str) -> None:
        self.width, self.source, self.sink = width, source, sink
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(width))})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        word = Signal(self.width, reset_less=True, name="word")
        given, given_there = Signal(name="given"), Signal(name="given_there")
        taken, taken_here = Signal(name="taken"), Signal(name="taken_here")
        m.submodules.there = FFSynchronizer(given, given_there, o_domain=self.sink)
        m.submodules.back = FFSynchronizer(taken, taken_here, o_domain=self.source)
        m.d.comb += [
            self.i.ready.eq(given == taken_here),
            self.o.valid.eq(given_there != taken),
            self.o.payload.eq(word),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d[self.source] += [word.eq(self.i.payload), given.eq(~given)]
        with m.If(self.o.valid & self.o.ready):
            m.d[self.sink] += taken.eq(given_there)
        return m
