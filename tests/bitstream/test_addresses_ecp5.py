"""Address bits of ECP5's memories in LUTs that repeat others: nothing that is read differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from support.ecp5_netlists import compare, mapped

from hlsgen.bitstream.addresses_ecp5 import repeat_addresses
from hlsgen.bitstream.netlist import Netlist, Pin
from hlsgen.errors import ToolFailed

STEPS = 5
"""Cycles after the start that are compared: two writes and their reads, in any order."""


class Rows(wiring.Component):
    """A memory in LUTs."""

    def __init__(self, rows: int, content: tuple[int, ...] = ()) -> None:
        self.rows, self.content = rows, content
        address = range(rows)
        super().__init__(
            {
                "read": In(address),
                "write": In(address),
                "enable": In(1),
                "data": In(5),
                "word": Out(5),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.rows = rows = memory.Memory(
            shape=5, depth=self.rows, init=self.content, attrs={"ram_style": "distributed"}
        )
        write, read = rows.write_port(), rows.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.write),
            write.data.eq(self.data),
            write.en.eq(self.enable),
            read.addr.eq(self.read),
            self.word.eq(read.data),
        ]
        return m


def compare_steps(folder: Path, changed: Netlist) -> None:
    """Compare with what yosys made for all that can be written and read in the first STEPS cycles; raises ToolFailed."""
    proof = f"-seq 1 -set-init-zero -tempinduct-baseonly -maxsteps {STEPS}"
    compare(folder, changed, proof, ("memory",))


@pytest.mark.parametrize(("rows", "unused"), [(2, 3), (4, 2), (8, 1)])
def test_a_memory_of_few_rows_reads_what_was_written(
    rows: int, unused: int, tmp_path: Path
) -> None:
    netlist = mapped(tmp_path, Rows(rows))
    memories = netlist.of_kind("TRELLIS_DPR16X4")
    assert repeat_addresses(netlist) == unused * len(memories) > 0
    for cell in memories:
        assert "0" not in {netlist.net(cell, "RAD", bit) for bit in range(4)}
    compare_steps(tmp_path, netlist)


def test_the_comparison_finds_a_bit_that_is_repeated_in_reads_only(tmp_path: Path) -> None:
    netlist = mapped(tmp_path, Rows(4))
    cell = netlist.of_kind("TRELLIS_DPR16X4")[0]
    netlist.connect(Pin(cell, "RAD", 3), netlist.net(cell, "RAD", 0))
    with pytest.raises(ToolFailed):
        compare_steps(tmp_path, netlist)


def test_memories_that_use_all_rows_or_begin_with_a_content_stay(tmp_path: Path) -> None:
    for name, unit in (("all", Rows(16)), ("content", Rows(4, (17, 18, 19, 20)))):
        (tmp_path / name).mkdir()
        netlist = mapped(tmp_path / name, unit)
        assert netlist.of_kind("TRELLIS_DPR16X4")
        assert repeat_addresses(netlist) == 0
