"""StreamBorder: the only place where a fabric waits for its neighbours."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.stream.credit_fifo import CreditFifo

#: Words of the output stream that wait; two sustain a word per cycle.
OUTPUT_DEPTH = 2


class StreamBorder(wiring.Component):
    """The enable of a whole array, from the streams that its slots take words from and give words to.

    Parameters: ``bits`` of a word.

    Members: ``running`` (In): the array may move. ``wants`` (In): it needs a word of ``i`` in this cycle; ``gives`` (In): it has ``given`` (In) for ``o``.
    ``enable`` (Out): it moves. ``i``, ``o``: streams of words.

    **Timing**: ``enable`` and ``i.ready`` depend combinationally on ``i.valid``, ``wants`` and ``gives``, never on ``o.ready``; ``o.valid`` is a register.
    A word a cycle. **Cost**: two words of registers.
    **Semantics**: a word of ``i`` is taken in exactly the enabled cycles with ``wants``, and ``o`` has the words given in those with ``gives``.
    """

    def __init__(self, bits: int) -> None:
        self.bits, self.fifo = bits, CreditFifo(bits, depth=OUTPUT_DEPTH)
        super().__init__(
            {
                "running": In(1),
                "wants": In(1),
                "gives": In(1),
                "given": In(bits),
                "enable": Out(1),
                "i": In(stream.Signature(bits)),
                "o": Out(stream.Signature(bits)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.fifo = fifo = self.fifo
        m.d.comb += [
            self.enable.eq(
                self.running & (~self.wants | self.i.valid) & (~self.gives | fifo.available)
            ),
            self.i.ready.eq(self.enable & self.wants),
            fifo.start.eq(self.enable & self.gives),
            fifo.push.eq(fifo.start),
            fifo.data.eq(self.given),
            self.o.valid.eq(fifo.o.valid),
            self.o.payload.eq(fifo.o.payload),
            fifo.o.ready.eq(self.o.ready),
        ]
        return m
