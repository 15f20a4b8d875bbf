"""The LUT multipliers of a design in the carry cells of a family: modules that take the place of the portable ones in synthesis.

``design.v`` is portable: its LUT multipliers are modules of their own, one per pair of shapes, whose sums any tool maps. A family
whose carry cells can hold the AND gates of the partial products too gives a DigitProduct of such cells; tests prove it equal.
"""

from __future__ import annotations

import re

from amaranth.back import rtlil
from amaranth.hdl import Shape

from hlsgen.bitstream.carry_cells import CarryCells
from hlsgen.rtl_templates.arithmetic.lut_product import LutProduct

_MODULE = re.compile(r"^module \\?(\S*lut_product_([su])(\d+)_([su])(\d+)_\d+)\s*\(", re.MULTILINE)


def lut_products(verilog: str, cells: CarryCells) -> str:
    """RTLIL of the modules of LUT multipliers that ``verilog`` defines, by the same names; empty where there are none."""
    return "\n".join(
        rtlil.convert(
            LutProduct(Shape(int(a), a_sign == "s"), Shape(int(b), b_sign == "s")),
            name=name,
            platform=cells,
            emit_src=False,
        )
        for name, a_sign, a, b_sign, b in _MODULE.findall(verilog)
    )
