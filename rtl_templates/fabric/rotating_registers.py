"""RotatingRegisters: the register file of a PE."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.memory_ports import read_port, write_port


class RotatingRegisters(wiring.Component):
    """A file whose logical index i is register (i + rotation) modulo ``registers``; two read ports, one write port.

    Members (In): ``fetch``: the context that is coming is issued after the next edge; of it: ``rotation``, ``read_a``, ``read_b``,
    ``write`` (logical indices). ``enable``, ``store``, ``data``: ``data`` is written at the end of this cycle, at ``write`` of the
    context issued in it. (Out): ``a``, ``b``: the words read by the issued context.

    **Timing**: a read sees what was written in earlier cycles, that of the cycle before included.
    **Cost**: 2 * registers words of LUT memory; registers and multiplexers where a family has none.
    **Semantics**: docs/grid.md, "PE", 5: with rotation (-k) modulo ``registers`` in iteration k.
    """

    def __init__(self, registers: int, bits: int) -> None:
        self.registers, self.bits = registers, bits
        index = range(registers)
        super().__init__(
            {
                "fetch": In(1),
                "rotation": In(index),
                "read_a": In(index),
                "read_b": In(index),
                "write": In(index),
                "enable": In(1),
                "store": In(1),
                "data": In(bits),
                "a": Out(bits),
                "b": Out(bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.words = words = memory.Memory(shape=self.bits, depth=self.registers, init=[])
        write = write_port(words)
        m.d.comb += [
            write.addr.eq(self._address(m, self.write, "write")),
            write.data.eq(self.data),
            write.en.eq(self.enable & self.store),
        ]
        # Read without a register: few words, in LUT memories, with the word of the cycle before needing no bypass.
        for name, index, word in (("a", self.read_a, self.a), ("b", self.read_b, self.b)):
            read = read_port(words, f"read_{name}", domain="comb")
            m.d.comb += [read.addr.eq(self._address(m, index, name)), word.eq(read.data)]
        return m

    def _address(self, m: Module, index: Value, name: str) -> Signal:
        """The register of an index of the coming context, when it is issued."""
        address = Signal(range(self.registers), reset_less=True, name=f"address_{name}")
        with m.If(self.fetch):
            m.d.sync += address.eq(self._physical(index))
        return address

    def _physical(self, index: Value) -> Value:
        whole = index + self.rotation
        if self.registers & (self.registers - 1) == 0:
            return whole[: (self.registers - 1).bit_length()]
        return Mux(whole >= self.registers, whole - self.registers, whole)
