"""Settings: configuration that does not change during a run, in registers, the next one written while the present one is used."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.run_bus import WriteSignature

from hlsgen.algebra.packets import LOAD_BITS


class Settings(wiring.Component):
    """One string of fields.

    Parameters: ``layout`` of the string; ``base``: the address of its first word.

    Members: ``write`` (In): word w of the string at address ``base`` + w; other addresses are ignored. ``swap`` (In): what was
    written becomes active at the next edge. ``active`` (Out): the active string; all 0 where nothing was written before the swap.

    **Timing**: ``active`` are registers, of no value before the first swap. **Cost**: two registers per bit.
    **Semantics**: as ContextMemory's, for what is the same in all slots.
    """

    def __init__(self, layout: data.StructLayout, *, base: int = 0) -> None:
        self.layout, self.base = layout, base
        super().__init__({"write": In(WriteSignature()), "swap": In(1), "active": Out(layout)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        words = -(-self.layout.size // LOAD_BITS)
        waiting = Signal(words * LOAD_BITS, reset_less=True, name="waiting")
        active = Signal(self.layout.size, reset_less=True, name="active")
        written = Signal(name="written")
        write = self.write
        chosen = Signal(words, name="chosen")
        for k in range(words):
            m.d.comb += chosen[k].eq(write.valid & (write.address == self.base + k))
            with m.If(chosen[k]):
                m.d.sync += waiting.word_select(k, LOAD_BITS).eq(write.data)
        with m.If(chosen.any()):
            m.d.sync += written.eq(1)
        with m.If(self.swap):
            m.d.sync += [active.eq(waiting), written.eq(0)]
            with m.If(~written):  # through the flip-flops' synchronous reset, which costs nothing
                m.d.sync += active.eq(0)
        m.d.comb += self.active.as_value().eq(active)
        return m
