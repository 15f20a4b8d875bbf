"""Costs: DSP tiling, RAM block shapes, and the total of a whole design against synthesis."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.algebra.scalar import Equal
from hlsgen.algebra.types import ElementType
from hlsgen.cost.operators import SCALAR_COSTS, UnitUse
from hlsgen.cost.units import FAMILIES, dsp_units, memory, wide_multiplication
from hlsgen.cost.word_operators import measurements


@pytest.mark.parametrize(
    ("family", "widths", "units"),
    [
        ("ecp5", (8, 8), 1),
        ("ecp5", (18, 18), 1),
        ("gowin", (9, 8), 1),
        ("gowin", (18, 18), 2),
        ("ice40", (16, 16), 1),
        ("xilinx7", (25, 18), 1),
    ],
)
def test_a_product_takes_the_smallest_block_that_holds_it(
    family: str, widths: tuple[int, int], units: int
) -> None:
    assert dsp_units(FAMILIES[family], *widths) == units


def test_wide_products_are_cut_into_digits() -> None:
    assert wide_multiplication(FAMILIES["ecp5"], "dsp", 24, 18).dsp == 2
    assert wide_multiplication(FAMILIES["ecp5"], "dsp", 24, 24).dsp == 4
    assert wide_multiplication(FAMILIES["ecp5"], "lut", 24, 24).dsp == 0


def test_memories_take_the_blocks_of_the_best_shape() -> None:
    table = FAMILIES["ecp5"]
    assert memory(table, 2048, 8).bram == 1
    assert memory(table, 2049, 8).bram == 2
    assert memory(table, 512, 36).bram == 1
    assert memory(FAMILIES["ice40"], 1024, 8).bram == 2


def test_small_memories_take_no_block_where_there_is_lut_ram() -> None:
    assert memory(FAMILIES["ecp5"], 16, 8).bram == 0
    assert memory(FAMILIES["ecp5"], 16, 8).lut > 0


def test_costs_of_many_candidates_are_those_of_each() -> None:
    table = FAMILIES["gowin"]
    words, width = np.array([16, 512, 4096]), np.array([8, 36, 9])
    together = memory(table, words, width)
    for k in range(3):
        alone = memory(table, int(words[k]), int(width[k]))
        assert (together.lut[k], together.bram[k]) == (alone.lut, alone.bram)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_comparison_for_equality_costs_what_synthesis_says(family: str) -> None:
    """LUTs of the unit alone as yosys 0.70 reports them: Gowin's mapping is uneven, 7 at 8 bits and 38 at 12."""
    for bits, luts in zip(
        measurements()["widths"], measurements()[family]["lut"]["Equal"], strict=True
    ):
        operands = (ElementType(bits, True),) * 2
        use = UnitUse(FAMILIES[family], "lut", Equal(), operands, ElementType(1, False))
        assert SCALAR_COSTS["Equal"](use).lut == luts, bits
