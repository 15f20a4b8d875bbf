"""A stream from one clock domain into another, a word at a time."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out


class Handover(wiring.Component):
    """A word stays in the domain it comes from until the other one has taken it: two toggles, no memory.

    Parameters
    ----------
    width : int
        Bits of a word.
    source, sink : str
        The domains. A reset of one is to be one of both, and to last three cycles of each.

    Members
    -------
    i, o : streams of ``width`` bits
        In the domains ``source`` and ``sink``; ``i.payload`` is what ``o.payload`` is, and does not change while it waits.

    **Timing** A word in about four cycles of each domain, there and back; ``i.ready`` comes when it has been taken.
    """

    def __init__(self, width: int, source: str, sink: str) -> None:
        self.width, self.source, self.sink = width, source, sink
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(width))})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        given, given_there = Signal(name="given"), Signal(name="given_there")
        taken, taken_here = Signal(name="taken"), Signal(name="taken_here")
        waiting, waited = Signal(name="waiting"), Signal(name="waited")
        m.submodules.there = FFSynchronizer(given, given_there, o_domain=self.sink)
        m.submodules.back = FFSynchronizer(taken, taken_here, o_domain=self.source)
        m.d.comb += [
            waiting.eq(given != taken_here),
            self.i.ready.eq(waited & ~waiting),
            self.o.valid.eq(given_there != taken),
            self.o.payload.eq(self.i.payload),
        ]
        m.d[self.source] += waited.eq(waiting)
        with m.If(self.i.valid & ~waiting & ~waited):
            m.d[self.source] += given.eq(~given)
        with m.If(self.o.valid & self.o.ready):
            m.d[self.sink] += taken.eq(given_there)
        return m
