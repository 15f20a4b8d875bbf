"""CreditMemory: the credits and words of a CreditFifo, for pipelines so long that their words belong in a memory."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Shape, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.contract import Contract
from hlsgen.rtl_templates.memory_ports import read_port, write_port
from hlsgen.rtl_templates.stream.credit_fifo import CreditFifo


class CreditMemory(wiring.Component):
    """An output queue of ``depth`` words, a power of two, with credits for words that are still on their way.

    Members: ``available`` (Out): there is a credit; ``start`` (In): a word sets out and takes it, only when ``available``.
    ``push`` (In), ``data`` (In): a word arrives; as many may arrive as have set out. ``o``: stream.

    **Timing**: see ``contract``; a word every cycle behind a pipeline for which ``contract.credit_memory_words`` is the depth.
    ``o.valid``, ``o.payload`` and ``available`` are registers.
    **Cost**: a memory with a registered read, and a CreditFifo of three words behind it.
    **Semantics**: the words, in order, none lost.
    """

    def __init__(self, shape: Any, *, depth: int) -> None:
        if depth < 2 or depth & (depth - 1):
            raise ValueError(f"expected a power of two of words, found {depth}")
        self.depth = depth
        self.shape = shape
        self.contract: Contract = contract.credit_memory(
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
        bits = Shape.cast(self.shape).width
        m.submodules.memory = ram = memory.Memory(shape=unsigned(bits), depth=self.depth, init=[])
        m.submodules.fifo = fifo = CreditFifo(self.shape, depth=contract.credit_depth(1, 1))
        write, read = write_port(ram), read_port(ram)
        written, given = (
            Signal(range(self.depth), name="written"),
            Signal.like(write.addr, name="given"),
        )
        waiting = Signal(range(self.depth + 1), name="waiting")  # words in the memory
        some = Signal(name="some")  # they are not 0
        credits = Signal(range(self.depth + 1), init=self.depth, name="credits")
        available = Signal(init=1, name="credit")  # credits are not 0
        issue, arrived, pop = Signal(name="issue"), Signal(name="arrived"), Signal(name="pop")
        arriving = self.data if not hasattr(self.data, "as_value") else self.data.as_value()
        taken = fifo.data if not hasattr(fifo.data, "as_value") else fifo.data.as_value()
        wiring.connect(m, wiring.flipped(self.o), fifo.o)
        m.d.comb += [
            self.available.eq(available),
            pop.eq(self.o.valid & self.o.ready),
            issue.eq(some & fifo.available),
            write.addr.eq(written),
            write.data.eq(arriving),
            write.en.eq(self.push),
            read.addr.eq(given),
            read.en.eq(issue),
            fifo.start.eq(issue),
            fifo.push.eq(arrived),
            taken.eq(read.data),
        ]
        m.d.sync += arrived.eq(issue)
        with m.If(self.push):
            m.d.sync += written.eq(written + 1)
        with m.If(issue):
            m.d.sync += given.eq(given + 1)
        self._counted(m, waiting, some, self.push, issue)
        self._counted(m, credits, available, pop, self.start)
        return m

    def _counted(self, m: Module, count: Signal, some: Signal, more: Signal, less: Signal) -> None:
        """``count`` goes up with ``more`` and down with ``less``; ``some`` is whether it is not 0."""
        with m.If(more & ~less):
            m.d.sync += [count.eq(count + 1), some.eq(1)]
        with m.Elif(~more & less):
            m.d.sync += [count.eq(count - 1), some.eq(count != 1)]
