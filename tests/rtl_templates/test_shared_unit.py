"""Shared units: one module for all that are alike, and the same circuit as without sharing."""

from __future__ import annotations

import re
from typing import Any

from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.arithmetic.multiplier import Multiplier
from hlsgen.rtl_templates.shared_unit import UnitLibrary

from hlsgen.artefact.manifest import TOP
from hlsgen.rtl.verilog import to_verilog


class FourProducts(wiring.Component):
    """Three products of 8 by 8 bits, and one of 6 by 8."""

    KINDS = ((8, "dsp"), (8, "dsp"), (6, "dsp"), (8, "dsp"))

    def __init__(self) -> None:
        ports: dict[str, Any] = {}
        for k, (bits, _) in enumerate(self.KINDS):
            ports[f"a{k}"] = In(signed(bits))
            ports[f"b{k}"] = In(signed(8))
            ports[f"product{k}"] = Out(signed(bits + 8))
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for k, (bits, kind) in enumerate(self.KINDS):
            m.submodules[f"multiplier_{k}"] = unit = Multiplier(signed(bits), signed(8), kind=kind)
            m.d.comb += [
                unit.a.eq(getattr(self, f"a{k}")),
                unit.b.eq(getattr(self, f"b{k}")),
                getattr(self, f"product{k}").eq(unit.product),
            ]
        return m


def modules(text: str) -> list[str]:
    return re.findall(r"^module \\?([^\s(]+)", text, re.MULTILINE)


def test_units_that_are_alike_are_one_module() -> None:
    text = to_verilog(FourProducts())
    assert sorted(modules(text)) == [TOP, f"{TOP}.multiplier_0", f"{TOP}.multiplier_1"]


def test_every_unit_is_an_instance_in_the_verilog() -> None:
    text = to_verilog(FourProducts())
    instances = re.findall(rf"\\{TOP}\.multiplier_(\d) +multiplier_(\d) \(", text)
    assert sorted(instances) == [("0", "0"), ("0", "1"), ("0", "3"), ("1", "2")]


def test_units_differ_in_every_part_of_their_key() -> None:
    library = UnitLibrary("design")
    kinds = [
        Multiplier(signed(a), signed(b), kind=kind)
        for a, b in ((8, 8), (8, 7), (7, 8))
        for kind in ("dsp", "lut")
    ]
    for unit in (*kinds, *kinds):
        library.instance(unit)
    assert len(list(library.waiting())) == len(kinds)


def test_without_a_library_a_unit_is_its_own_circuit() -> None:
    assert isinstance(Multiplier(signed(8), signed(8)).elaborate(None), Module)
