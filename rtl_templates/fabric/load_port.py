"""LoadPort: takes the packets of a program and carries them out."""

from __future__ import annotations

import enum
from itertools import pairwise
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.contract import credit_depth
from hlsgen.rtl_templates.loop_contract import LOAD_REFUSAL_LATENCY
from hlsgen.rtl_templates.stream.credit_fifo import CreditFifo

from hlsgen.algebra.packets import COUNT_BITS, HELLO, LOAD_BITS, READ, RUN, UNIT_BITS, WAIT, WRITE


class _State(enum.IntEnum):
    HEAD = 0
    ADDRESS = 1
    WRITE = 2
    SWALLOW = 3
    READ = 4
    RUN = 5
    WAIT = 6


class LoadPort(wiring.Component):
    """Packets in, writes and reads of the units and starts of runs out.

    Parameters: ``hash``: what the packet HELLO must say. ``row_latency``: cycles from ``read`` to the row's entry into the queue of words to send.

    Members: ``i``: stream of words. ``o``: stream of (``word``, ``last``) read. ``unit``, ``address``, ``data``, ``write`` (Out): a word for a unit, in
    one cycle; where ``word_refused`` (In) is high in the next one it was not taken, and is offered again; words may overtake it, none of which is for its
    address. ``read`` (Out): the row at ``read_address`` of ``read_unit`` is ``row`` (In) ``row_latency`` - 1 cycles later, when
    ``row_unit`` (Out) says whose it is. ``start`` (Out): begin a run;
    ``busy`` (In): a run is in progress. ``refused`` (Out): the program was for another fabric, or is none.

    **Timing**: a word a cycle; ``i.ready`` and ``o.valid`` are functions of registers. A run starts in the cycle after the header of its packet at the earliest.
    **Cost**: registers of the header, of the word for a unit and of the two before it, and of a FIFO of ``credit_depth(row_latency, 1)`` words to send.
    **Semantics**: docs/grid.md, "Elastic border and the load port". A command that is none is refused as well.
    """

    def __init__(self, *, hash: int, row_latency: int) -> None:
        self.hash, self.row_latency = hash, row_latency
        sent = data.StructLayout({"word": LOAD_BITS, "last": 1})
        super().__init__(
            {
                "i": In(stream.Signature(LOAD_BITS)),
                "o": Out(stream.Signature(sent)),
                "write": Out(1),
                "unit": Out(UNIT_BITS),
                "address": Out(LOAD_BITS),
                "data": Out(LOAD_BITS),
                "word_refused": In(1),
                "read": Out(1),
                "read_unit": Out(UNIT_BITS),
                "read_address": Out(LOAD_BITS),
                "row_unit": Out(UNIT_BITS),
                "row": In(LOAD_BITS),
                "start": Out(1),
                "busy": In(1),
                "refused": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        state = Signal(_State, name="state")
        unit, command = (
            Signal(UNIT_BITS, name="unit"),
            Signal(LOAD_BITS - UNIT_BITS - COUNT_BITS, name="command"),
        )
        left, address = Signal(COUNT_BITS, name="left"), Signal(LOAD_BITS, name="address")
        arrives, again, idle = Signal(name="arrives"), Signal(name="again"), Signal(name="idle")
        word = self.i.payload
        before = self._offered_again(m, again)
        m.d.comb += [
            arrives.eq(self.i.valid & self.i.ready),
            idle.eq(~self.busy & ~self.write & ~before.write & ~again),
            self.read_unit.eq(unit),
            self.read_address.eq(address),
        ]
        with m.Switch(state):
            with m.Case(_State.HEAD):
                m.d.comb += self.i.ready.eq(1)
                with m.If(arrives):
                    m.d.sync += [
                        left.eq(word[:COUNT_BITS]),
                        unit.eq(word[COUNT_BITS:]),
                        command.eq(word[COUNT_BITS + UNIT_BITS :]),
                        state.eq(_State.ADDRESS),
                    ]
            with m.Case(_State.ADDRESS):
                m.d.comb += self.i.ready.eq(1)
                with m.If(arrives):
                    m.d.sync += address.eq(word)
                    self._begin(m, state, command, left, word)
            with m.Case(_State.WRITE, _State.SWALLOW):
                swallow = state == _State.SWALLOW
                m.d.comb += self.i.ready.eq(~again)
                with m.If(arrives):
                    m.d.sync += [
                        self.write.eq(~swallow),
                        self.unit.eq(unit),
                        self.address.eq(address),
                        self.data.eq(word),
                        address.eq(address + 1),
                    ]
                    self._next(m, state, left)
            with m.Case(_State.READ):
                with m.If(self.read):
                    m.d.sync += address.eq(address + 1)
                    self._next(m, state, left)
            with m.Case(_State.RUN):
                m.d.comb += self.start.eq(idle)
                with m.If(idle):
                    m.d.sync += state.eq(_State.HEAD)
            with m.Case(_State.WAIT):
                with m.If(~self.busy):
                    m.d.sync += state.eq(_State.HEAD)
        self._send(m, (state == _State.READ) & idle, left)
        return m

    def _offered_again(self, m: Module, again: Signal) -> Any:
        """What was refused is offered again. Gives the word of the cycle before; ``again``: the one before that is known to be refused."""
        layout = data.StructLayout(
            {"write": 1, "unit": UNIT_BITS, "address": LOAD_BITS, "data": LOAD_BITS}
        )
        words = [Signal(layout, name=f"before_{k}") for k in range(LOAD_REFUSAL_LATENCY)]
        for name in ("write", "unit", "address", "data"):
            m.d.sync += words[0][name].eq(getattr(self, name))
        for earlier, later in pairwise(reversed(words)):
            m.d.sync += earlier.eq(later)
        m.d.sync += [again.eq(self.word_refused), self.write.eq(again)]
        with m.If(again):
            for name in ("unit", "address", "data"):
                m.d.sync += getattr(self, name).eq(words[-1][name])
        return words[0]

    def _begin(self, m: Module, state: Signal, command: Signal, left: Signal, word: Any) -> None:
        """The header is complete."""
        greeted = Signal(name="greeted")
        allowed = greeted & ~self.refused
        m.d.sync += state.eq(_State.HEAD)
        with m.Switch(command):
            with m.Case(HELLO):
                m.d.sync += greeted.eq(word == self.hash)
                with m.If(word != self.hash):
                    m.d.sync += self.refused.eq(1)
            with m.Case(WRITE):
                with m.If(left != 0):
                    m.d.sync += state.eq(Mux(allowed, _State.WRITE, _State.SWALLOW))
            for code, entered in ((READ, _State.READ), (RUN, _State.RUN), (WAIT, _State.WAIT)):
                with m.Case(code):
                    starts = (left != 0) if code == READ else 1
                    with m.If(allowed & starts):
                        m.d.sync += state.eq(entered)
            with m.Default():
                m.d.sync += self.refused.eq(1)
        with m.If((command != HELLO) & ~greeted):
            m.d.sync += self.refused.eq(1)

    def _next(self, m: Module, state: Signal, left: Signal) -> None:
        m.d.sync += left.eq(left - 1)
        with m.If(left == 1):
            m.d.sync += state.eq(_State.HEAD)

    def _send(self, m: Module, reading: Any, left: Signal) -> None:
        """Rows on their way to the stream."""
        shape = self.o.payload.shape()
        fifo = CreditFifo(shape, depth=credit_depth(self.row_latency, 1))
        m.submodules.fifo = fifo
        arriving = Signal(shape, name="arriving")
        # (read, last) of the cycles since.
        since = Signal(2 * (self.row_latency - 1), name="since")
        m.d.comb += [
            self.read.eq(reading & fifo.available),
            fifo.start.eq(self.read),
            fifo.data.eq(arriving),
            self.o.valid.eq(fifo.o.valid),
            self.o.payload.eq(fifo.o.payload),
            fifo.o.ready.eq(self.o.ready),
        ]
        units = [Signal(UNIT_BITS, name=f"unit_{k}") for k in range(self.row_latency - 1)]
        for earlier, later in pairwise([self.read_unit, *units]):
            m.d.sync += later.eq(earlier)
        m.d.comb += self.row_unit.eq(units[-1])
        m.d.sync += [
            since.eq(Cat(self.read, left == 1, since)),
            arriving.word.eq(self.row),
            arriving.last.eq(since[-1]),
            fifo.push.eq(since[-2]),
        ]
