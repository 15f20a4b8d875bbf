"""What a fabric for networks takes of a device, before it is emitted: an estimate for comparing it with arrays of its own for every layer.

RAM blocks and DSP blocks follow from the tiles and PEs. LUTs and flip-flops are a sum over the load port with loop control, rows (PE of the
western column, west tile with its requantiser), columns (north tile) and the other PEs, fitted to ``mac`` fabrics that were synthesised;
for fabrics whose PEs do more than accumulate there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hlsgen.algebra.packets import LOAD_BITS, PARAMETER_WORDS
from hlsgen.cost.units import FAMILIES, Cost, dsp_units, memory
from hlsgen.fabric.ir import Fabric

PRODUCTS = 4
"""DSP-sized products of a requantiser."""

COUNTED = ("maximum_accumulate", "multiply_accumulate")


@dataclass(frozen=True)
class FabricTable:
    """LUTs and flip-flops of the load port with loop control, of a row, a column, and a PE that is in no western column."""

    once: Cost
    row: Cost
    column: Cost
    cell: Cost


TABLES: Mapping[str, FabricTable] = {
    "ecp5": FabricTable(
        once=Cost(lut=700, ff=50),
        row=Cost(lut=3400, ff=2650),
        column=Cost(lut=885, ff=850),
        cell=Cost(lut=150, ff=180),
    ),
}
"""Families without one have no board that a fabric fits on: iCE40 has no LUT RAM for contexts, and mac_2x2 takes more LUTs than any of them has."""


def uncounted(fabric: Fabric) -> list[str]:
    """Operators of its PEs of which the estimate knows nothing."""
    every = {name for kind in fabric.pe_kinds for name in kind.operators}
    return sorted(every - set(COUNTED))


def fabric_cost(family: str, fabric: Fabric) -> Cost | None:
    """The estimate, without the link of a board; None for families of which no fabric was measured, and where ``uncounted`` has operators."""
    table, units = TABLES.get(family), FAMILIES[family]
    if table is None or uncounted(fabric):
        return None
    cost = table.once + table.row.times(fabric.rows) + table.column.times(fabric.columns)
    cost += table.cell.times(fabric.rows * (fabric.columns - 1))
    cost += Cost(dsp=len(fabric.cells) * dsp_units(units, fabric.word_bits, fabric.word_bits))
    for tile in fabric.tiles:
        cost += Cost(bram=memory(units, tile.words, tile.bits).bram)
        if tile.parameters:
            rows = memory(units, tile.parameters, PARAMETER_WORDS * LOAD_BITS)
            cost += Cost(dsp=PRODUCTS * dsp_units(units, 18, 18), bram=rows.bram)
    return cost
