"""What a fabric for networks takes of a device, before it is emitted: an estimate for comparing it with arrays of its own for every layer.

RAM blocks and DSP blocks follow from the tiles and PEs. LUTs and flip-flops are a sum over the load port with loop control, rows (PE of the
western column, west tile with its requantiser), columns (north tile) and the other PEs, fitted to ``mac`` fabrics that were synthesised;
for fabrics whose PEs do more than accumulate there is none.
"""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.algebra.packets import LOAD_BITS, PARAMETER_WORDS
from hlsgen.cost.units import FAMILIES, Cost, dsp_units, memory
from hlsgen.fabric.ir import Fabric

PRODUCTS = 4
"""DSP-sized products of a requantiser."""

COUNTED = ("maximum_accumulate", "multiply_accumulate")


ONCE = Cost(lut=700, ff=50)
"""The load port and loop control; these four are of ECP5."""
ROW = Cost(lut=3200, ff=2650)
COLUMN = Cost(lut=885, ff=850)
CELL = Cost(lut=150, ff=180)
"""A PE that is not in the western column."""
SHARES: Mapping[str, tuple[float, float]] = {
    "ecp5": (1.0, 1.0),
    "gowin": (1.118, 1.23),
    "xilinx7": (0.66, 0.84),
}
"""LUTs and flip-flops of a family over those of ECP5. On iCE40, which has no LUT RAM for contexts, a fabric takes more LUTs than any board has."""


def uncounted(fabric: Fabric) -> list[str]:
    """Operators of its PEs of which the estimate knows nothing."""
    every = {name for kind in fabric.pe_kinds for name in kind.operators}
    return sorted(every - set(COUNTED))


def fabric_cost(family: str, fabric: Fabric) -> Cost | None:
    """The estimate, without the link of a board; None for families of which no fabric was measured, and where ``uncounted`` has operators."""
    if family not in SHARES or uncounted(fabric):
        return None
    units, (lut, ff) = FAMILIES[family], SHARES[family]
    cost = ONCE + ROW.times(fabric.rows) + COLUMN.times(fabric.columns)
    cost += CELL.times(fabric.rows * (fabric.columns - 1))
    cost = Cost(lut=lut * cost.lut, ff=ff * cost.ff)
    cost += Cost(dsp=len(fabric.cells) * dsp_units(units, fabric.word_bits, fabric.word_bits))
    for tile in fabric.tiles:
        cost += Cost(bram=memory(units, tile.words, tile.bits).bram)
        if tile.parameters:
            rows = memory(units, tile.parameters, PARAMETER_WORDS * LOAD_BITS)
            cost += Cost(dsp=PRODUCTS * dsp_units(units, 18, 18), bram=rows.bram)
    return cost
