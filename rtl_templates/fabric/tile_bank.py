"""TileBank: the memory of a tile, read and written by elements from the array and by rows from the load port."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.memory_ports import read_port, write_port

from hlsgen.algebra.packets import LOAD_BITS


class TileBank(wiring.Component):
    """2**address_bits elements of ``bits`` (8, 16 or 32), element 0 in the lowest bits of row 0; ``registered``: with an output register, for
    those that read no element while it is written.

    Members (In): ``read`` the row of element ``read_address``; ``write`` the element ``write_address`` = ``write_data``; ``fill`` row
    ``fill_row`` with ``fill_data`` (not together with ``write``); ``read_row``, ``read_row_address``: read a row (not together with ``read``). (Out):
    ``row``, and in it ``element``, of the last read.

    **Timing**: a read is out in the next cycle and stays until the next one, ``registered`` a cycle later; it gives what was there before a write in
    its own cycle.
    **Cost**: 2**address_bits * bits of block RAM, at least two rows of 32 bits. **Semantics**: an array of elements.
    """

    def __init__(self, *, bits: int, address_bits: int, registered: bool) -> None:
        self.bits, self.address_bits, self.registered = bits, address_bits, registered
        self.lane_bits = (LOAD_BITS // bits - 1).bit_length()
        self.row_bits = max(1, address_bits - self.lane_bits)
        super().__init__(
            {
                "read": In(1),
                "read_address": In(address_bits),
                "write": In(1),
                "write_address": In(address_bits),
                "write_data": In(bits),
                "fill": In(1),
                "fill_row": In(self.row_bits),
                "fill_data": In(LOAD_BITS),
                "read_row": In(1),
                "read_row_address": In(self.row_bits),
                "row": Out(LOAD_BITS),
                "element": Out(bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes, cut = LOAD_BITS // self.bits, self.lane_bits
        # Else logic that gives the old element stands between the block RAM and its output register.
        attributes = {"ram_style": "block"} | ({"no_collision": 1} if self.registered else {})
        m.submodules.rows = rows = memory.Memory(
            shape=LOAD_BITS, depth=1 << self.row_bits, init=[], attrs=attributes
        )
        read, write = read_port(rows), write_port(rows, granularity=self.bits)
        m.d.comb += [
            read.addr.eq(Mux(self.read_row, self.read_row_address, self.read_address[cut:])),
            read.en.eq(self.read | self.read_row),
            self.row.eq(self._late(m, read.data, "row_read")),
            write.addr.eq(Mux(self.fill, self.fill_row, self.write_address[cut:])),
            write.data.eq(Mux(self.fill, self.fill_data, self.write_data.replicate(lanes))),
        ]
        if lanes == 1:
            m.d.comb += [write.en.eq(self.write | self.fill), self.element.eq(self.row)]
            return m
        lane = Signal(cut, reset_less=True, name="lane")
        with m.If(self.read):
            m.d.sync += lane.eq(self.read_address[:cut])
        chosen = Cat(self.write & (self.write_address[:cut] == k) for k in range(lanes))
        m.d.comb += [
            write.en.eq(chosen | self.fill.replicate(lanes)),
            self.element.eq(self.row.word_select(self._late(m, lane, "lane_read"), self.bits)),
        ]
        return m

    def _late(self, m: Module, value: Value, name: str) -> Value:
        """A register that moves in every cycle, as that of a block RAM's output does."""
        if not self.registered:
            return value
        register = Signal.like(value, reset_less=True, name=name)
        m.d.sync += register.eq(value)
        return register
