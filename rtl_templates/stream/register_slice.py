"""RegisterSlice: a place in a stream where nothing passes within a cycle, in either direction."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class RegisterSlice(wiring.Component):
    """Two words of registers between a stream and its reader (what AXI4 calls a full register slice).

    Members: ``i``, ``o``: streams of ``shape``.

    **Timing**: a word is offered a cycle after it was accepted; a word per cycle. ``i.ready``, ``o.valid`` and ``o.payload`` are
    registers. **Cost**: two words of registers, a LUT per bit.
    **Semantics**: the words, in order.
    """

    def __init__(self, shape: Any) -> None:
        self.shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        first = Signal(self.shape, reset_less=True, name="first_word")
        second = Signal(self.shape, reset_less=True, name="second_word")
        offered, waiting = Signal(name="offered"), Signal(name="waiting")
        kept = Signal(name="kept")  # the word at the output stays there
        m.d.comb += [
            self.o.valid.eq(offered),
            self.o.payload.eq(first),
            self.i.ready.eq(~waiting),
            kept.eq(offered & ~self.o.ready),
        ]
        m.d.sync += [
            offered.eq(kept | waiting | self.i.valid),
            waiting.eq(kept & (waiting | self.i.valid)),
        ]
        with m.If(~kept):
            m.d.sync += first.eq(Mux(waiting, second, self.i.payload))
        with m.If(~waiting):
            m.d.sync += second.eq(self.i.payload)
        return m
