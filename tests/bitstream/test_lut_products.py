"""LUT multipliers in the carry cells of families: proved equal to products, and counted."""

from __future__ import annotations

import itertools
import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Const, Module, Shape, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from hlsgen.rtl_templates.arithmetic.multiplier import Multiplier
from hlsgen.rtl_templates.arithmetic.shapes import product_shape, shape_of
from hlsgen.sim.formal import NotProved, prove

from hlsgen.algebra.types import ElementType
from hlsgen.artefact.manifest import TOP
from hlsgen.bitstream import carry_cells
from hlsgen.bitstream.build import synthesise
from hlsgen.bitstream.carry_cells import ECP5_CELLS, GOWIN_CELLS, ICE40_CELLS, CarryCells
from hlsgen.bitstream.lut_products import lut_products
from hlsgen.cost.units import FAMILIES as FAMILY_TABLES
from hlsgen.cost.units import lut_multiplication
from hlsgen.rtl.verilog import to_verilog

SHARE = Path(str(distribution("pyosys").locate_file("pyosys"))) / "share"


def models(file: str, *names: str) -> str:
    """yosys' Verilog of some primitives, with the macros at the head of its file."""
    text = (SHARE / file).read_text()
    macros = text[: text.index("\nmodule")].replace("`timescale", "//")
    parts = [re.search(rf"^module {name}\b.*?^endmodule", text, re.M | re.S) for name in names]
    return "\n".join([macros, *(part[0] for part in parts if part is not None)])


FAMILIES: dict[str, tuple[CarryCells, str]] = {
    "ecp5": (
        ECP5_CELLS,
        models("lattice/ccu2c_sim.vh", "CCU2C") + models("lattice/common_sim.vh", "LUT2", "LUT4"),
    ),
    "ice40": (ICE40_CELLS, models("ice40/cells_sim.v", "SB_LUT4", "SB_CARRY")),
    "gowin": (GOWIN_CELLS, models("gowin/cells_sim.v", "ALU")),
}
FACTORS = [shape(width) for shape in (signed, unsigned) for width in (1, 2, 3, 7, 8, 9)]
DIGITS = [shape(width) for shape in (signed, unsigned) for width in (1, 2)]


class EqualsProduct(wiring.Component):
    """The digit products of a family, of all shapes, asserted equal to the operator ``*``."""

    def __init__(self, cells: CarryCells, shapes: list[tuple[Shape, Shape]]) -> None:
        self.cells = cells
        self.shapes = shapes
        super().__init__(
            {f"a{k}": In(a) for k, (a, _) in enumerate(shapes)}
            | {f"digit{k}": In(digit) for k, (_, digit) in enumerate(shapes)}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        wrong = Signal(len(self.shapes))
        m.d.comb += Assert(~wrong.any())
        for k, (a, digit) in enumerate(self.shapes):
            m.submodules[f"unit{k}"] = unit = self.cells.get_digit_product(a, digit)
            factor, by = getattr(self, f"a{k}"), getattr(self, f"digit{k}")
            m.d.comb += [unit.a.eq(factor), unit.digit.eq(by)]
            assert unit.product.shape() == product_shape(a, digit)
            m.d.sync += wrong[k].eq(unit.product != factor * by)
        return m


class OneMultiplier(wiring.Component):
    """A design of one multiplier."""

    def __init__(self, a: ElementType, b: ElementType) -> None:
        self.unit = Multiplier(shape_of(a), shape_of(b), kind="lut")
        super().__init__(self.unit.signature)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.unit = self.unit
        wiring.connect(m, wiring.flipped(self), self.unit)
        return m


@pytest.mark.parametrize("family", FAMILIES)
def test_digit_products_of_carry_cells_are_proved_equal_to_products(family: str) -> None:
    cells, models = FAMILIES[family]
    shapes = list(itertools.product(FACTORS, DIGITS))
    prove(EqualsProduct(cells, shapes), cells=models)


def test_the_proof_refuses_a_wrong_lookup_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carry_cells, "_ECP5_SUBTRACT", Const(0x7888, 16))
    with pytest.raises(NotProved):
        prove(EqualsProduct(ECP5_CELLS, [(signed(8), signed(2))]), cells=FAMILIES["ecp5"][1])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("widths", [(8, 8), (8, 4), (5, 7)])
def test_a_lut_multiplier_takes_the_carry_cells_of_its_sums(
    family: str, widths: tuple[int, int], tmp_path: Path
) -> None:
    a, b = (ElementType(bits, True) for bits in widths)
    (tmp_path / "design.v").write_text(to_verilog(OneMultiplier(a, b)))
    usage = synthesise(tmp_path, family)
    predicted = lut_multiplication(FAMILY_TABLES[family], a, b)
    # On iCE40 flip-flops that stand behind no LUT have logic cells of their own, which are not the multiplier's LUTs.
    luts = usage.cells["SB_LUT4"] if family == "ice40" else usage.lut
    assert (luts, usage.ff, usage.dsp) == (predicted.lut, predicted.ff, 0)
    assert family != "ecp5" or widths != (8, 8) or usage.lut == 79


def test_modules_of_multipliers_keep_their_names_and_others_are_left_alone() -> None:
    verilog = to_verilog(OneMultiplier(ElementType(8, False), ElementType(3, True)))
    text = lut_products(verilog, ECP5_CELLS)
    product = f"{TOP}.lut_product_u8_s3_0"
    assert set(re.findall(r"^module \\(\S+)$", text, re.M)) >= {product, f"{product}.digit_0"}
    assert all(name.startswith(product) for name in re.findall(r"^module \\(\S+)$", text, re.M))
    assert "CCU2C" in text and "CCU2C" not in verilog
    others = verilog.replace("lut_product", "wide_product")
    assert lut_products(others, ECP5_CELLS) == ""
