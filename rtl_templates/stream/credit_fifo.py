"""CreditFifo: lets a pipeline that cannot stall feed a stream that may."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.contract import Contract


class CreditFifo(wiring.Component):
    """An output FIFO of ``depth`` words with credits for words that are still on their way.

    Members: ``available`` (Out): there is a credit; ``start`` (In): a word sets out and takes it, only when
    ``available``. ``push`` (In), ``data`` (In): a word arrives; as many may arrive as have set out. ``o``: stream.

    **Timing**: see ``contract``; a pushed word is offered one cycle later, the credit is there ``credit_latency`` cycles after it
    has left: 1, or 2 with a register on its way back, so that ``o.ready`` may come late in its cycle and from far. A pipeline of
    ``n`` cycles from ``start`` to ``push`` keeps full speed with ``contract.credit_depth(n, 1, credit_latency)``.
    ``o.valid``, ``o.payload`` and ``available`` are registers.
    **Cost**: one register and one LUT per bit; no memory with asynchronous read. Meant for at most 16 words.
    **Semantics**: the words, in order, none lost.
    """

    def __init__(self, shape: Any, *, depth: int, credit_latency: int = 1) -> None:
        if depth < 1:
            raise ValueError(f"expected a depth of at least one word, found {depth}")
        if credit_latency not in (1, 2):
            raise ValueError(f"expected a credit latency of 1 or 2, found {credit_latency}")
        self.depth, self.credit_latency = depth, credit_latency
        self.contract: Contract = contract.credit_fifo(
            depth=depth, word_bits=Shape.cast(shape).width
        )
        super().__init__(
            {
                "start": In(1),
                "available": Out(1),
                "push": In(1),
                "data": In(shape),
                "o": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits = Shape.cast(self.o.payload.shape()).width
        words = [Signal(bits, reset_less=True, name=f"word_{k}") for k in range(self.depth)]
        full = [Signal(name=f"full_{k}") for k in range(self.depth)]
        credits = Signal(range(self.depth + 1), init=self.depth, name="credits")
        some = Signal(init=1, name="some")  # credits are not 0
        pop = Signal(name="pop")
        arriving = self.data if not hasattr(self.data, "as_value") else self.data.as_value()
        out = (
            self.o.payload if not hasattr(self.o.payload, "as_value") else self.o.payload.as_value()
        )
        m.d.comb += [
            self.available.eq(some),
            self.o.valid.eq(full[0]),
            out.eq(words[0]),
            pop.eq(full[0] & self.o.ready),
        ]
        returned: Value = pop
        if self.credit_latency == 2:
            returned = Signal(name="returned")
            m.d.sync += returned.eq(pop)
        with m.If(self.start & ~returned):
            m.d.sync += [credits.eq(credits - 1), some.eq(credits != 1)]
        with m.Elif(~self.start & returned):
            m.d.sync += [credits.eq(credits + 1), some.eq(1)]
        # A word falls towards the output: place k takes the word behind it, or the arriving one if that place is empty.
        for k in range(self.depth):
            behind = full[k + 1] if k + 1 < self.depth else 0
            ahead = full[k - 1] if k else 1
            source = Mux(behind, words[k + 1], arriving) if k + 1 < self.depth else arriving
            with m.If(pop | ~full[k]):
                m.d.sync += words[k].eq(source)
            with m.If(pop):
                m.d.sync += full[k].eq(behind | (self.push & full[k]))
            with m.Elif(self.push & ahead):
                m.d.sync += full[k].eq(1)
        return m
