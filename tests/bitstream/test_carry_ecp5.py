"""Carry chains of ECP5 that begin and end within their own cells: proved equal to those of yosys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from support.ecp5_netlists import compare, mapped

from hlsgen.bitstream import carry_ecp5
from hlsgen.bitstream.carry_cells import ECP5_CELLS, CarryCells
from hlsgen.bitstream.carry_ecp5 import Half, begin_chains
from hlsgen.bitstream.netlist import Netlist, Pin
from hlsgen.errors import ToolFailed

WIDTHS = (4, 5, 8, 9)


class Chains(wiring.Component):
    """Everything that becomes a carry chain, at even and odd widths; ``anything`` is read by nothing."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS, cells: CarryCells = ECP5_CELLS) -> None:
        self.widths, self.cells = widths, cells
        ports: dict[str, Any] = {"c": In(1), "anything": In(1)}
        for n in widths:
            ports |= {f"a{n}": In(signed(n)), f"b{n}": In(signed(n))}
            for name in ("sum", "difference", "carried", "negated", "counted", "product"):
                ports[f"{name}{n}"] = Out(n + 2)
            ports[f"less{n}"] = Out(1)
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for n in self.widths:
            a, b = getattr(self, f"a{n}"), getattr(self, f"b{n}")
            m.submodules[f"unit{n}"] = unit = self.cells.get_digit_product(signed(n), unsigned(2))
            m.d.comb += [
                getattr(self, f"sum{n}").eq(a + b),
                getattr(self, f"difference{n}").eq(a - b),
                getattr(self, f"carried{n}").eq(a + b + self.c),
                getattr(self, f"negated{n}").eq(-a),
                getattr(self, f"counted{n}").eq(b + 1),
                getattr(self, f"less{n}").eq(a < b),
                unit.a.eq(a),
                unit.digit.eq(b[:2]),
                getattr(self, f"product{n}").eq(unit.product),
            ]
        return m


def prove_equal(folder: Path, changed: Netlist) -> None:
    """Prove that the netlist computes what yosys' does, whatever comes in where nothing is connected; raises ToolFailed."""
    anything = next(iter(changed.document["modules"].values()))["ports"]["anything"]["bits"][0]
    for cell in changed.of_kind("CCU2C"):
        if changed.net(cell, "CIN") == "x":
            changed.connect(Pin(cell, "CIN", 0), anything)
    changed.drop_open_outputs()
    compare(folder, changed, "")


def test_chains_that_begin_within_their_cells_are_proved_equal(tmp_path: Path) -> None:
    netlist = mapped(tmp_path, Chains())
    before = netlist.counts()["CCU2C"]
    chains = begin_chains(netlist)
    assert chains >= 7 * len(WIDTHS) - 4
    assert before <= netlist.counts()["CCU2C"] <= before + len(WIDTHS)  # one for each carry in
    prove_equal(tmp_path, netlist)


def test_the_proof_refutes_a_carry_that_begins_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netlist = mapped(tmp_path, Chains((4,)))
    wrong = Half(0, ("1", "1", "1", "1"), "x")
    monkeypatch.setattr(carry_ecp5, "_beginning", lambda carry: wrong)
    begin_chains(netlist)
    with pytest.raises(ToolFailed):
        prove_equal(tmp_path, netlist)


def test_a_chain_that_is_read_between_its_ends_stays(tmp_path: Path) -> None:
    netlist = mapped(tmp_path, Chains((9,)))
    cell = next(
        pin.cell
        for name in netlist.of_kind("CCU2C")
        if (pin := netlist.driver(netlist.net(name, "CIN"))) is not None and pin.port == "COUT"
    )
    lut = netlist.of_kind("LUT4")[0]
    netlist.connect(Pin(lut, "A", 0), netlist.net(cell, "COUT"))
    chains = begin_chains(netlist)
    assert netlist.net(cell, "CIN") != "x" and netlist.users(netlist.net(cell, "COUT"))
    assert begin_chains(netlist) == 0 < chains


def test_the_lowest_sum_of_an_even_chain_goes_to_a_lut(tmp_path: Path) -> None:
    """The carry begins in its half of a cell, so that the chain has as many cells as before."""
    netlist = mapped(tmp_path, Chains((4,)))
    lowest = netlist.net(next(n for n in netlist.of_kind("CCU2C") if "U$" in n), "S0")
    begin_chains(netlist)
    driver = netlist.driver(lowest)
    assert driver is not None and netlist.kind(driver) == "LUT4"
