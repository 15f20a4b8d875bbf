"""Address bits of ECP5's memories in LUTs that repeat others: nothing that is read differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hlsgen.bitstream.addresses_ecp5 import repeat_addresses
from hlsgen.bitstream.build import synthesised
from hlsgen.bitstream.ecp5 import Ecp5
from hlsgen.bitstream.netlist import Netlist, Pin
from hlsgen.bitstream.netlist_verilog import model_commands
from hlsgen.bitstream.steps import Workplace
from hlsgen.bitstream.synthesis import SynthesisJob
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.errors import ToolFailed
from hlsgen.processes import Running
from hlsgen.progress import silent

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


def mapped(folder: Path, unit: Rows) -> Netlist:
    """What yosys makes of a memory."""
    (folder / "unit.il").write_text(rtlil.convert(unit, name="unit", emit_src=False))
    synthesised(Ecp5(), Workplace(folder, silent, Running()), SynthesisJob(("unit.il",), "unit"))
    return Netlist.read(folder / "mapped.json")


def compare(folder: Path, changed: Netlist) -> None:
    """Compare with ``mapped.json`` for all that can be written and read in the first STEPS cycles; raises ToolFailed."""
    changed.write(folder / "changed.json")
    Netlist.read(folder / "mapped.json").write(folder / "plain.json")  # without yosys' own models
    commands: list[str] = []
    for side, file in (("gold", "plain.json"), ("gate", "changed.json")):
        commands += [f"read_json {file}", *model_commands(folder, "ecp5")]
        commands += ["hierarchy -check -top unit", "proc", "flatten", "memory", "opt_clean"]
        commands += [f"rename unit {side}", f"design -stash {side}"]
    commands += [f"design -copy-from {side} {side}" for side in ("gold", "gate")]
    commands += ["miter -equiv -flatten gold gate miter", "hierarchy -top miter"]
    steps = f"-tempinduct-baseonly -maxsteps {STEPS}"
    commands.append(f"sat -verify -seq 1 -set-init-zero {steps} -prove trigger 0 miter")
    (folder / "equal.ys").write_text("\n".join(commands) + "\n")
    run_tool(YOSYS, ("equal.ys",), folder, "equal.log")


@pytest.mark.parametrize(("rows", "unused"), [(2, 3), (4, 2), (8, 1)])
def test_a_memory_of_few_rows_reads_what_was_written(
    rows: int, unused: int, tmp_path: Path
) -> None:
    netlist = mapped(tmp_path, Rows(rows))
    memories = netlist.of_kind("TRELLIS_DPR16X4")
    assert repeat_addresses(netlist) == unused * len(memories) > 0
    for cell in memories:
        assert "0" not in {netlist.net(cell, "RAD", bit) for bit in range(4)}
    compare(tmp_path, netlist)


def test_the_comparison_finds_a_bit_that_is_repeated_in_reads_only(tmp_path: Path) -> None:
    netlist = mapped(tmp_path, Rows(4))
    cell = netlist.of_kind("TRELLIS_DPR16X4")[0]
    netlist.connect(Pin(cell, "RAD", 3), netlist.net(cell, "RAD", 0))
    with pytest.raises(ToolFailed):
        compare(tmp_path, netlist)


def test_memories_that_use_all_rows_or_begin_with_a_content_stay(tmp_path: Path) -> None:
    for name, unit in (("all", Rows(16)), ("content", Rows(4, (17, 18, 19, 20)))):
        (tmp_path / name).mkdir()
        netlist = mapped(tmp_path / name, unit)
        assert netlist.of_kind("TRELLIS_DPR16X4")
        assert repeat_addresses(netlist) == 0
