"""Stream rules and invariants of the templates, proved by induction; a broken twin of each is refuted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.ports.axi_stream import AxisInput, AxisOutput
from hlsgen.rtl_templates.ports.words import WordAssembler, WordSplitter
from hlsgen.rtl_templates.stream.credit_fifo import CreditFifo
from hlsgen.rtl_templates.stream.drain import Drain
from hlsgen.rtl_templates.stream.finish import Finish, FinishParameters
from hlsgen.rtl_templates.stream.fork import StreamFork
from hlsgen.rtl_templates.stream.register_slice import RegisterSlice
from hlsgen.rtl_templates.stream.reorder import Reorder
from hlsgen.sim.formal import NotProved, StreamRules, prove

from hlsgen.algebra.expression import Call, Literal, Operand
from hlsgen.algebra.scalar import Add
from hlsgen.algebra.types import ElementType


def finish(interval: int) -> Finish:
    expression = Call(Add(), (Operand("acc"), Literal(1)))
    return Finish(
        FinishParameters(
            expression,
            (("acc", ElementType(2, False)),),
            (),
            ElementType(3, False),
            1,
            interval,
            depth=2,
        )
    )


class AxisAsStream(wiring.Component):
    """A stream through both AXI4-Stream ports: words of tdata in; tdata and tlast out."""

    def __init__(self) -> None:
        self.source = AxisInput(signed(3), lanes=2)
        self.sink = AxisOutput(signed(3), lanes=2, channels=3, pixels=2)
        super().__init__({"i": In(stream.Signature(16)), "o": Out(stream.Signature(17))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.source, m.submodules.sink = source, sink = self.source, self.sink
        wiring.connect(m, source.o, sink.i)
        m.d.comb += [
            source.tdata.eq(self.i.payload),
            source.tvalid.eq(self.i.valid),
            self.i.ready.eq(source.tready),
            self.o.payload.eq(Cat(sink.tdata, sink.tlast)),
            self.o.valid.eq(sink.tvalid),
            sink.tready.eq(self.o.ready),
        ]
        return m


UNITS: dict[str, Callable[[], Any]] = {
    "drain": lambda: Drain(signed(3), pixels=1, channels=3, finish_lanes=1),
    "ragged drain": lambda: Drain(
        unsigned(2), pixels=2, channels=2, finish_lanes=1, groups=2, last_channels=1
    ),
    "finish": lambda: finish(1),
    "finish at interval 3": lambda: finish(3),
    "register slice": lambda: RegisterSlice(unsigned(2)),
    "reorder": lambda: Reorder(unsigned(2), pixels=2, words=2, row_pixels=3),
    "reorder of single words": lambda: Reorder(unsigned(2), pixels=2, words=1, row_pixels=3),
    "AXI4-Stream ports": AxisAsStream,
    "word assembler": lambda: WordAssembler(24),
    "word splitter": lambda: WordSplitter(24),
}


@pytest.mark.parametrize("name", UNITS)
def test_output_keeps_the_stream_rules(name: str) -> None:
    prove(StreamRules(UNITS[name]()))


@pytest.mark.parametrize("branches", [1, 2, 3])
def test_every_branch_of_a_fork_keeps_the_stream_rules(branches: int) -> None:
    names = tuple(f"o{k}" for k in range(branches))
    prove(StreamRules(StreamFork(unsigned(2), branches), ("i", *names)))


class ForkBook(wiring.Component):
    """A fork: every branch has taken all the words that were retired, and of the present one at most one copy."""

    def __init__(self, fork: StreamFork) -> None:
        self.fork = fork
        super().__init__(StreamRules(fork, ("i", "o0", "o1")).signature)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.rules = rules = StreamRules(self.fork, ("i", "o0", "o1"))
        wiring.connect(m, wiring.flipped(self), rules)
        ahead = [Signal(signed(3), name=f"ahead_{k}") for k in range(2)]
        for branch, count in zip((rules.o0, rules.o1), ahead, strict=True):
            taken, retired = branch.valid & branch.ready, rules.i.valid & rules.i.ready
            m.d.sync += count.eq(count + taken - retired)
            m.d.comb += Assert((count == 0) | ((count == 1) & rules.i.valid))
            m.d.comb += Assert(~branch.valid | (branch.payload == rules.i.payload))
            with m.If(count == 1):
                m.d.comb += Assert(~branch.valid)
            with m.If(retired):
                m.d.comb += Assert((count == 1) | taken)
        return m


def test_a_fork_delivers_every_word_once_to_each_branch() -> None:
    prove(ForkBook(StreamFork(unsigned(2), 2)))


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


class GreedyFork(StreamFork):
    """A fork that retires a word when one of its branches has it."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.i.ready.eq(self.o0.ready | self.o1.ready)
        for branch in (self.o0, self.o1):
            m.d.comb += [branch.valid.eq(self.i.valid), branch.payload.eq(self.i.payload)]
        return m


def test_a_fork_that_loses_a_copy_is_refuted() -> None:
    with pytest.raises(NotProved, match="proof did fail"):
        prove(ForkBook(GreedyFork(unsigned(2), 2)))


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
        returned: Any = popped
        if fifo.credit_latency == 2:
            returned = Signal()
            m.d.sync += returned.eq(popped)
        m.d.sync += credits.eq(credits - self.start + returned)
        returning = returned if fifo.credit_latency == 2 else 0
        with m.If(self.start & ~fifo.available):
            m.d.comb += Assume(0)
        m.d.comb += [
            Assert(fifo.available == (credits != 0)),
            Assert(credits + first + second + stored + returning == fifo.depth),
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


@pytest.mark.parametrize("credit_latency", [1, 2])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_credits_never_overflow_the_fifo(depth: int, credit_latency: int) -> None:
    prove(CreditBook(CreditFifo(unsigned(1), depth=depth, credit_latency=credit_latency)), steps=30)


@pytest.mark.parametrize("credit_latency", [1, 2])
def test_a_fifo_with_fewer_places_than_credits_is_refuted(credit_latency: int) -> None:
    with pytest.raises(NotProved, match="proof did fail"):
        prove(CreditBook(GenerousFifo(unsigned(1), depth=3, credit_latency=credit_latency)))


class SliceBook(wiring.Component):
    """A slice: it holds as many words as it took and did not give, at most two, and what ``i`` and ``o`` say depends on that alone."""

    def __init__(self, unit: RegisterSlice) -> None:
        self.unit = unit
        super().__init__(StreamRules(unit).signature)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.rules = rules = StreamRules(self.unit)
        wiring.connect(m, wiring.flipped(self), rules)
        taken, given = rules.i.valid & rules.i.ready, rules.o.valid & rules.o.ready
        held = Signal(range(4), name="held")
        older, newer = Signal(2, name="older"), Signal(2, name="newer")
        m.d.sync += held.eq(held + taken - given)
        with m.If(taken & (held - given == 0)):
            m.d.sync += older.eq(rules.i.payload)
        with m.Elif(given):
            m.d.sync += older.eq(newer)
        with m.If(taken):
            m.d.sync += newer.eq(rules.i.payload)
        m.d.comb += [
            Assert(held <= 2),
            Assert(rules.i.ready == (held < 2)),
            Assert(rules.o.valid == (held > 0)),
            Assert((held == 0) | (rules.o.payload == older)),
        ]
        return m


def test_a_register_slice_holds_two_words_in_order() -> None:
    prove(SliceBook(RegisterSlice(unsigned(2))))


class HastySlice(RegisterSlice):
    """A slice that takes a word whenever its reader does."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        word = Signal(self.shape)
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            self.o.payload.eq(word),
        ]
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), word.eq(self.i.payload)]
        return m


def test_a_slice_whose_ready_passes_within_a_cycle_is_refuted() -> None:
    with pytest.raises(NotProved, match="proof did fail"):
        prove(SliceBook(HastySlice(unsigned(2))))
