"""StateLoop: gives the words of a sample back in the next one."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.contract import Contract
from hlsgen.rtl_templates.stream.credit_memory import CreditMemory


class StateLoop(wiring.Component):
    """A queue that begins with ``words`` words, all of them ``initial`` (the bits of one), and goes on with what arrives.

    Members: ``i``, ``o``: streams of ``shape``.

    **Timing**: see ``contract``; a word is offered so many cycles after it was accepted. ``i.ready`` is a register; ``o.valid`` and
    ``o.payload`` depend on registers alone.
    **Cost**: a CreditMemory of ``contract.state_words(words)`` words, those of two samples: a writer may finish a sample of which the
    reader has not begun to take the one before.
    **Semantics**: initial words, then the words in order, none lost. Only a reset brings the initial words back.
    """

    def __init__(self, shape: Any, *, words: int, initial: int) -> None:
        if words < 1:
            raise ValueError(f"expected at least one word, found {words}")
        bits = Shape.cast(shape).width
        if not 0 <= initial < 1 << bits:
            raise ValueError(f"expected an initial word of {bits} bits, found {initial}")
        self.shape, self.words, self.initial = shape, words, initial
        self.contract: Contract = contract.state_loop(words=words, word_bits=bits)
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        depth = contract.state_words(self.words)
        m.submodules.kept = kept = CreditMemory(self.shape, depth=depth)
        left = Signal(range(self.words + 1), init=self.words, name="left")  # initial words to come
        starting = Signal(init=1, name="starting")  # they are not 0
        accepted = Signal(name="accepted")
        out, taken, arriving, word = (
            port if not hasattr(port, "as_value") else port.as_value()
            for port in (self.o.payload, kept.o.payload, self.i.payload, kept.data)
        )
        m.d.comb += [
            accepted.eq(self.i.valid & kept.available),
            self.i.ready.eq(kept.available),
            kept.start.eq(accepted),
            kept.push.eq(accepted),
            word.eq(arriving),
            self.o.valid.eq(starting | kept.o.valid),
            out.eq(Mux(starting, self.initial, taken)),
            kept.o.ready.eq(self.o.ready & ~starting),
        ]
        with m.If(starting & self.o.ready):
            m.d.sync += [left.eq(left - 1), starting.eq(left != 1)]
        return m
