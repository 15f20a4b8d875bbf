"""Stream rules of a fabric's border and load port, proved by induction; broken twins are refuted."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Assert, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.load_port import LoadPort
from hlsgen.rtl_templates.fabric.stream_border import OUTPUT_DEPTH, StreamBorder
from hlsgen.rtl_templates.fabric.top import FabricTop
from hlsgen.rtl_templates.stream.credit_fifo import CreditFifo
from hlsgen.sim.formal import NotProved, StreamRules, prove
from support.example_fabrics import one_cell

from hlsgen.rtl.fabric_shapes import grid_shape


def test_what_the_load_port_sends_back_keeps_the_stream_rules() -> None:
    prove(StreamRules(LoadPort(hash=5, row_latency=3)))


def test_what_the_border_gives_keeps_the_stream_rules() -> None:
    prove(StreamRules(StreamBorder(2)))


class FabricAsStreams(wiring.Component):
    """The four ports of a fabric as streams; tlast is a bit above the word."""

    def __init__(self) -> None:
        self.top = FabricTop(grid_shape(one_cell()))
        bits = self.top.stream_bits
        super().__init__(
            {
                "load": In(stream.Signature(32)),
                "unload": Out(stream.Signature(33)),
                "stream_in": In(stream.Signature(bits)),
                "stream_out": Out(stream.Signature(bits)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.top = top = self.top
        m.d.comb += [
            top.s_axis_load_tvalid.eq(self.load.valid),
            top.s_axis_load_tdata.eq(self.load.payload),
            self.load.ready.eq(top.s_axis_load_tready),
            top.s_axis_stream_tvalid.eq(self.stream_in.valid),
            top.s_axis_stream_tdata.eq(self.stream_in.payload),
            self.stream_in.ready.eq(top.s_axis_stream_tready),
            self.unload.valid.eq(top.m_axis_unload_tvalid),
            self.unload.payload.eq(Cat(top.m_axis_unload_tdata, top.m_axis_unload_tlast)),
            top.m_axis_unload_tready.eq(self.unload.ready),
            self.stream_out.valid.eq(top.m_axis_stream_tvalid),
            self.stream_out.payload.eq(top.m_axis_stream_tdata),
            top.m_axis_stream_tready.eq(self.stream_out.ready),
        ]
        return m


@pytest.mark.slow
def test_a_whole_fabric_keeps_the_stream_rules() -> None:
    prove(StreamRules(FabricAsStreams(), ("load", "unload", "stream_in", "stream_out")))


class BorderBook(wiring.Component):
    """A border beside a plain queue: words are taken and given in enabled cycles only, none is lost, and all come in order."""

    def __init__(self, border: StreamBorder) -> None:
        self.border = border
        members = dict(border.signature.members)
        super().__init__({name: members[name] for name in members if name != "enable"})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.border = border = self.border
        for name in ("i", "o"):
            outer, inner = getattr(self, name), getattr(border, name)
            pair = (wiring.flipped(outer), inner) if name == "i" else (inner, wiring.flipped(outer))
            wiring.connect(m, *pair)
        for name in ("running", "wants", "gives", "given"):
            m.d.comb += getattr(border, name).eq(getattr(self, name))
        stored = Signal(range(OUTPUT_DEPTH + 2))
        words = [Signal(border.bits, name=f"kept_{k}") for k in range(OUTPUT_DEPTH)]
        put, taken = Signal(), Signal()
        m.d.comb += [
            put.eq(border.enable & self.gives),
            taken.eq(self.o.valid & self.o.ready),
            Assert((self.i.valid & self.i.ready) == (border.enable & self.wants)),
            Assert(~border.enable | self.running),
            Assert(stored <= OUTPUT_DEPTH),
            Assert(border.fifo.available == (stored < OUTPUT_DEPTH)),
            Assert(self.o.valid == (stored != 0)),
            Assert(~self.o.valid | (self.o.payload == words[0])),
            # Nothing but a stream holds the array up.
            Assert(
                border.enable
                | ~self.running
                | (self.wants & ~self.i.valid)
                | (self.gives & (stored == OUTPUT_DEPTH))
            ),
        ]
        m.d.sync += stored.eq(stored + put - taken)
        for k, word in enumerate(words):
            behind = words[k + 1] if k + 1 < OUTPUT_DEPTH else self.given
            with m.If(put & (stored - taken == k)):
                m.d.sync += word.eq(self.given)
            with m.Elif(taken):
                m.d.sync += word.eq(Mux(stored > k + 1, behind, word))
        return m


def test_the_border_moves_the_array_exactly_when_its_streams_allow() -> None:
    prove(BorderBook(StreamBorder(1)))


class Careless(StreamBorder):
    """A border that takes a word more than it says."""

    def __init__(self, bits: int) -> None:
        super().__init__(bits)
        self.fifo = CreditFifo(bits, depth=OUTPUT_DEPTH + 1)


def test_a_border_that_loses_words_is_refuted() -> None:
    with pytest.raises(NotProved, match="proof did fail"):
        prove(BorderBook(Careless(1)))
