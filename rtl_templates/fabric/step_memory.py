"""StepMemory: the steps of an address generator, two halves of them, one read while the other is written."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.run_bus import WriteSignature
from hlsgen.rtl_templates.memory_ports import read_port, write_port

from hlsgen.algebra.fields import Fields, members, pitch, string_bits
from hlsgen.algebra.packets import LOAD_BITS


class StepMemory(wiring.Component):
    """One string of fields per step.

    Parameters: ``fields`` of a string; ``number_bits``: of the number of a step.

    Members (In): ``half``: the half that is read; ``number`` of the step that is read; ``write``: word w of step s in the other half at address
    s * pitch(fields) + w; bits of the address above those are not looked at. (Out): ``step``.

    **Timing**: ``step`` follows ``half`` and ``number`` in the same cycle. **Cost**: a LUT memory of 2**(number_bits + 1) rows, where the family has
    them.
    **Semantics**: as ContextMemory's.
    """

    def __init__(self, fields: Fields, number_bits: int) -> None:
        self.fields, self.number_bits = fields, number_bits
        self.layout = data.StructLayout(members(fields))
        super().__init__(
            {
                "half": In(1),
                "number": In(number_bits),
                "write": In(WriteSignature()),
                "step": Out(self.layout),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits = string_bits(self.fields)
        word_bits = (pitch(self.fields) - 1).bit_length()
        address = self.write.address
        parts = []
        for word, start in enumerate(range(0, bits, LOAD_BITS)):
            held = min(LOAD_BITS, bits - start)
            m.submodules[f"word_{word}"] = rows = memory.Memory(
                shape=held, depth=2 << self.number_bits, init=[], attrs={}
            )
            write, read = write_port(rows), read_port(rows, domain="comb")
            m.d.comb += [
                write.addr.eq(Cat(address[word_bits : word_bits + self.number_bits], ~self.half)),
                write.data.eq(self.write.data[:held]),
                write.en.eq(self.write.valid & (address[:word_bits] == word)),
                read.addr.eq(Cat(self.number, self.half)),
            ]
            parts.append(read.data)
        m.d.comb += self.step.as_value().eq(Cat(*parts))
        return m
