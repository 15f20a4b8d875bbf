"""Stream rules and invariants of the templates, proved by induction; a broken twin of each is refuted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from rtl_templates.credit_fifo import CreditFifo
from rtl_templates.drain import Drain
from rtl_templates.expression import Literal, Operand, Unit, Width
from rtl_templates.finish import Finish, FinishParameters
from rtl_templates.reorder import Reorder
from sim.formal import NotProved, StreamRules, prove


def finish(interval: int) -> Finish:
    expression = Unit("Add", (), (Operand("acc"), Literal(1)))
    return Finish(
        FinishParameters(
            expression, (("acc", Width(2, False)),), (), Width(3, False), 1, interval, depth=2
        )
    )


UNITS: dict[str, Callable[[], Any]] = {
    "drain": lambda: Drain(signed(3), pixels=1, channels=3, finish_lanes=1),
    "ragged drain": lambda: Drain(
        unsigned(2), pixels=2, channels=2, finish_lanes=1, groups=2, last_channels=1
    ),
    "finish": lambda: finish(1),
    "finish at interval 3": lambda: finish(3),
    "reorder": lambda: Reorder(unsigned(2), pixels=2, words=2, row_pixels=3),
    "reorder of single words": lambda: Reorder(unsigned(2), pixels=2, words=1, row_pixels=3),
}


@pytest.mark.parametrize("name", UNITS)
def test_output_keeps_the_stream_rules(name: str) -> None:
    prove(StreamRules(UNITS[name]()))


class Impatient(wiring.Component):
    """A unit that breaks the rules: it withdraws its word when its input does."""

    def __init__(self) -> None:
        super().__init__(Drain(2, pixels=1, channels=1, finish_lanes=1).signature)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        turn = Signal()
        m.d.sync += turn.eq(~turn)
        m.d.comb += [
            self.o.valid.eq(self.i.valid & turn),
            self.i.ready.eq(self.o.ready & turn),
            self.o.payload.eq(self.i.payload),
        ]
        return m


def test_a_unit_that_withdraws_words_is_refuted() -> None:
    with pytest.raises(NotProved, match="proof did fail"):
        prove(StreamRules(Impatient()))


class CreditBook(wiring.Component):
    """A FIFO behind a pipeline of two registers: no word is ever pushed into a full FIFO, and the credits add up."""

    def __init__(self, fifo: CreditFifo) -> None:
        self.fifo = fifo
        super().__init__({"start": In(1), "ready": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.fifo = fifo = self.fifo
        first, second = Signal(), Signal()
        m.d.sync += [first.eq(self.start), second.eq(first)]
        m.d.comb += [
            fifo.start.eq(self.start),
            fifo.push.eq(second),
            fifo.o.ready.eq(self.ready),
        ]
        stored = Signal(range(fifo.depth + 2))
        popped = fifo.o.valid & fifo.o.ready
        m.d.sync += stored.eq(stored + second - popped)
        credits = Signal(range(fifo.depth + 1), init=fifo.depth)
        m.d.sync += credits.eq(credits - self.start + popped)
        with m.If(self.start & ~fifo.available):
            m.d.comb += Assume(0)
        m.d.comb += [
            Assert(fifo.available == (credits != 0)),
            Assert(credits + first + second + stored == fifo.depth),
            Assert(stored <= fifo.depth),
            Assert(fifo.o.valid == (stored != 0)),
        ]
        return m


class GenerousFifo(CreditFifo):
    """A FIFO with a credit too many."""

    def elaborate(self, platform: Any) -> Module:
        honest, self.depth = self.depth, self.depth - 1
        m = super().elaborate(platform)
        self.depth = honest
        return m


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_credits_never_overflow_the_fifo(depth: int) -> None:
    prove(CreditBook(CreditFifo(unsigned(1), depth=depth)))


def test_a_fifo_with_fewer_places_than_credits_is_refuted() -> None:
    with pytest.raises(NotProved, match="proof did fail"):
        prove(CreditBook(GenerousFifo(unsigned(1), depth=3)))
