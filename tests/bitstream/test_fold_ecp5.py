"""Flip-flops that move into multipliers and block RAMs: which go, and which must stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from hlsgen.bitstream.fold_ecp5 import Folded, fold_registers
from hlsgen.bitstream.netlist import Net, Netlist, Pin

CLOCK, OTHER_CLOCK, ENABLE, READ = 2, 3, 4, 5
OUTPUTS = ("Q", "P", "DO")


@dataclass
class Circuit:
    """A netlist made by hand; nets are numbers from 10 on, one for each call of ``nets``."""

    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: int = 10

    def nets(self, count: int) -> list[int]:
        """Fresh nets."""
        self.last += count
        return list(range(self.last - count, self.last))

    def add(
        self, name: str, kind: str, parameters: Mapping[str, str], pins: Mapping[str, Net]
    ) -> None:
        """A cell."""
        directions = {p: "output" if p.rstrip("0123456789AB") in OUTPUTS else "input" for p in pins}
        connections = {port: [net] for port, net in pins.items()}
        self.cells[name] = {
            "type": kind,
            "parameters": dict(parameters),
            "port_directions": directions,
            "connections": connections,
        }

    def registers(self, name: str, data: list[int], **other: Any) -> list[int]:
        """A row of flip-flops; ``other``: parameters and pins that differ."""
        out = self.nets(len(data))
        for k, (d, q) in enumerate(zip(data, out, strict=True)):
            parameters = {"CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET"}
            pins: dict[str, Net] = {"CLK": CLOCK, "CE": ENABLE, "LSR": "0", "DI": d, "Q": q}
            parameters |= {key: v for key, v in other.items() if key in parameters}
            pins |= {key: v for key, v in other.items() if key in pins}
            self.add(f"{name}_{k}", "TRELLIS_FF", parameters, pins)
        return out

    def multiply(self, name: str, a: list[int], b: list[int]) -> list[int]:
        """A multiplier of operands of up to 18 bits, signs extended."""
        product = self.nets(len(a) + len(b))
        pins: dict[str, Net] = {"SIGNEDA": "1", "SIGNEDB": "1"}
        for side, bits in (("A", a), ("B", b)):
            pins |= {f"{side}{k}": bits[min(k, len(bits) - 1)] for k in range(18)}
        self.add(name, "MULT18X18D", {}, pins | {f"P{k}": net for k, net in enumerate(product)})
        return product

    def memory(self, name: str, bits: int) -> list[int]:
        """A block RAM read at port B; 36 bits leave through both ports."""
        words = self.nets(bits)
        port = {"CEB": READ, "CLKA": CLOCK, "CLKB": CLOCK, "OCEA": "0", "OCEB": "1", "RSTB": "0"}
        pins: dict[str, Net] = {"RSTA": "0", **port}
        names = [f"DOA{k}" for k in range(18)] * (bits > 18) + [f"DOB{k}" for k in range(18)]
        width = format(36 if bits > 18 else 18, "032b")
        parameters = {"DATA_WIDTH_A": width, "DATA_WIDTH_B": width, "REGMODE_B": "NOREG"}
        self.add(name, "DP16KD", parameters, pins | dict(zip(names, words, strict=False)))
        return words

    def netlist(self, outputs: list[int]) -> Netlist:
        """The whole, with these nets as its output."""
        ports = {"q": {"direction": "output", "bits": outputs}}
        top = {"attributes": {"top": "1"}, "ports": ports, "cells": self.cells, "netnames": {}}
        return Netlist({"creator": "by hand", "modules": {"unit": top}})


def multiplier(front: int = 2, **behind: Any) -> Netlist:
    """A multiplier with ``front`` registers before each operand and one, with what is given for it, behind."""
    circuit = Circuit()
    a, b = circuit.nets(8), circuit.nets(8)
    for k in range(front):
        a, b = circuit.registers(f"a{k}", a), circuit.registers(f"b{k}", b)
    product = circuit.multiply("product", a, b)
    return circuit.netlist(circuit.registers("p", product, **behind))


def test_registers_around_a_multiplier_move_into_it() -> None:
    netlist = multiplier()
    inputs = [netlist.net(f"{side}1_{k}", "DI") for side in "ab" for k in range(8)]
    outputs = [netlist.net(f"p_{k}", "Q") for k in range(16)]
    assert fold_registers(netlist) == Folded(operands=1, products=1, memories=0, flip_flops=32)
    assert netlist.counts() == {"MULT18X18D": 1, "TRELLIS_FF": 16}
    assert [netlist.net("product", f"{s}{k}") for s in "AB" for k in range(8)] == inputs
    assert netlist.net("product", "A17") == inputs[7]
    assert [netlist.net("product", f"P{k}") for k in range(16)] == outputs
    assert (netlist.net("product", "CLK0"), netlist.net("product", "CE0")) == (CLOCK, "1")
    assert netlist.driver(outputs[3]) == Pin("product", "P3", 0)


def test_operands_behind_logic_keep_their_flip_flops_beside_it() -> None:
    netlist = multiplier(front=1)
    assert fold_registers(netlist) == Folded(operands=0, products=1, memories=0, flip_flops=16)


def test_an_operand_that_several_multipliers_share_moves_into_each() -> None:
    circuit = Circuit()
    a = circuit.registers("a1", circuit.registers("a0", circuit.nets(8)))
    outputs = []
    for name in ("first", "second"):
        b = circuit.registers(f"{name}_b1", circuit.registers(f"{name}_b0", circuit.nets(8)))
        outputs += circuit.registers(f"{name}_p", circuit.multiply(name, a, b))
    folded = fold_registers(circuit.netlist(outputs))
    assert folded == Folded(operands=2, products=2, memories=0, flip_flops=32 + 8 + 16)


@pytest.mark.parametrize(
    "different",
    [{"LSR": 6}, {"REGSET": "SET"}, {"CLKMUX": "INV"}, {"CEMUX": "CE"}, {"LSRMUX": "INV"}],
)
def test_a_register_that_the_multiplier_does_not_have_stays(different: dict[str, Any]) -> None:
    netlist = multiplier(**different)
    assert fold_registers(netlist).products == 0
    assert len([name for name in netlist.cells if name.startswith("p_")]) == 16


def test_operands_under_another_clock_than_the_product_stay() -> None:
    assert fold_registers(multiplier(CLK=OTHER_CLOCK)) == Folded(0, 1, 0, 16)


def test_products_under_two_clocks_stay() -> None:
    netlist = multiplier()
    netlist.connect(Pin("p_3", "CLK", 0), OTHER_CLOCK)
    assert fold_registers(netlist).products == 0


def test_a_product_that_something_else_reads_too_stays() -> None:
    netlist = multiplier()
    netlist.connect(Pin("a0_0", "M", 0), netlist.net("product", "P0"))
    assert fold_registers(netlist).products == 0


def test_a_product_that_leaves_the_design_stays() -> None:
    circuit = Circuit()
    product = circuit.multiply("product", circuit.nets(8), circuit.nets(8))
    assert fold_registers(circuit.netlist(product)) == Folded(0, 0, 0, 0)


@pytest.mark.parametrize(("bits", "ports"), [(18, 1), (36, 2)])
def test_the_register_behind_a_block_ram_moves_into_it(bits: int, ports: int) -> None:
    circuit = Circuit()
    q = circuit.registers("q", circuit.memory("memory", bits))
    netlist = circuit.netlist(q)
    assert fold_registers(netlist) == Folded(0, 0, memories=ports, flip_flops=bits)
    parameters = netlist.cells["memory"]["parameters"]
    assert parameters["REGMODE_B"] == "OUTREG"
    assert (parameters.get("REGMODE_A") == "OUTREG") == (ports == 2)
    assert netlist.net("memory", "OCEB") == "1"
    assert netlist.net("memory", "CEB") == READ
    assert netlist.net("memory", "DOB0") == q[18 if ports == 2 else 0]


@pytest.mark.parametrize(("pin", "net"), [("RSTB", 6), ("CLKB", 7)])
def test_a_block_ram_with_a_reset_or_another_clock_keeps_its_flip_flops(pin: str, net: int) -> None:
    circuit = Circuit()
    netlist = circuit.netlist(circuit.registers("q", circuit.memory("memory", 18)))
    netlist.connect(Pin("memory", pin, 0), net)
    assert fold_registers(netlist).memories == 0
