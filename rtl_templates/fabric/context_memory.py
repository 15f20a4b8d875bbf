"""ContextMemory: the contexts of a unit, two halves of them, one read while the other is written; and the register of what they issue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.run_bus import RunSignature, WriteSignature
from hlsgen.rtl_templates.fabric.shape import RunShape
from hlsgen.rtl_templates.memory_ports import read_port, write_port

from hlsgen.algebra.fields import Fields, members, pitch, string_words
from hlsgen.algebra.packets import LOAD_BITS

#: Rows of the LUT memories of most families.
LUT_ROWS = 16


class ContextMemory(wiring.Component):
    """One string of fields per slot.

    Parameters: ``run``: slots; ``fields`` of a string.

    Members: ``run`` (In): from loop control. ``write`` (In): word w of slot s at address s * pitch(fields) + w; other addresses
    are ignored. ``coming`` (Out): the context that is issued in the next enabled cycle, to be decoded ahead; of no value unless
    ``known`` (Out): the unit was written since the run before.

    **Timing**: see RunSignature. **Cost**: a memory of 2 * contexts rows (contexts rounded up to a power of two).
    **Semantics**: a run sees what was written between its start and that of the run before; a unit is written in all its slots or not at all.
    """

    def __init__(self, run: RunShape, fields: Fields) -> None:
        self.shape, self.fields = run, fields
        self.layout = data.StructLayout(members(fields))
        super().__init__(
            {
                "run": In(RunSignature(run)),
                "write": In(WriteSignature()),
                "known": Out(1),
                "coming": Out(self.layout),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        words, step = string_words(self.fields), pitch(self.fields)
        slot_bits = (self.shape.contexts - 1).bit_length()
        word_bits = (step - 1).bit_length()
        m.submodules.rows = rows = memory.Memory(
            shape=words * LOAD_BITS,
            depth=2 << slot_bits,
            init=[],
            attrs=_attributes(2 << slot_bits),
        )
        write = write_port(rows, granularity=LOAD_BITS)
        read = read_port(rows)
        address = self.write.address
        word, slot = address[:word_bits], address[word_bits : word_bits + slot_bits]
        inside = Signal(name="inside")
        written = Signal(2, name="written")  # per half: since it was the active one
        half = self.run.half
        m.d.comb += [
            inside.eq(self.write.valid & ~address[word_bits + slot_bits :].any()),
            write.addr.eq(Cat(slot, ~half)),
            write.data.eq(self.write.data.replicate(words)),
            read.addr.eq(Cat(self.run.slot[:slot_bits], half)),
            read.en.eq(self.run.fetch),
            self.known.eq(written.bit_select(half, 1)),
            self.coming.as_value().eq(read.data),
        ]
        for k in range(words):
            m.d.comb += write.en[k].eq(inside & (word == k))
        with m.If(inside):
            m.d.sync += written.bit_select(~half, 1).eq(1)
        with m.If(self.run.swap):
            m.d.sync += written.bit_select(half, 1).eq(0)
        return m


def issue(
    m: Module, layout: data.StructLayout, coming: Mapping[str, Value], fetch: Value, known: Value
) -> Signal:
    """A register of what the next cycle does, decoded from the coming context where it is fetched; nothing where that is not ``known``."""
    issued = Signal(layout, reset_less=True, name="issued")
    with m.If(fetch):
        for name, value in coming.items():
            m.d.sync += issued[name].eq(value)
        with m.If(~known):  # through the flip-flops' synchronous reset, which costs nothing
            m.d.sync += issued.eq(0)
    return issued


def _attributes(rows: int) -> dict[str, Any]:
    """How the memory is meant: halves never collide; more rows than a LUT memory has cost multiplexers in LUTs."""
    return {"no_collision": 1} | ({"ram_style": "block"} if rows > LUT_ROWS else {})
