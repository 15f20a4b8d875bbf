"""Prices of word operators are what yosys made of each by itself, and every operator has one on every family."""

from __future__ import annotations

import pytest

from benchmarks.operator_luts import WIDTHS, usages
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.cost.units import FAMILIES
from hlsgen.cost.word_operators import measurements, operator_cost


def test_every_word_operator_has_a_price_on_every_family_and_none_is_alone() -> None:
    assert set(measurements()) == {"widths", *FAMILIES}
    for family, table in FAMILIES.items():
        rows = measurements()[family]
        assert table.name == family
        assert set(rows["lut"]) == {*WORD_OPERATORS, "Equal"}, family
        assert set(rows["dsp"]) == {"multiply", "multiply_accumulate"}, family
        assert all(len(row) == len(WIDTHS) for kind in rows.values() for row in kind.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_only_moves_and_products_in_blocks_are_free(family: str) -> None:
    for name in WORD_OPERATORS:
        for bits in (4, 8, 10, 16, 32):
            cost = operator_cost(FAMILIES[family], name, bits)
            assert cost.lut > 0 or cost.dsp > 0 or name == "move", (name, bits)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_price_is_the_measured_one_and_between_two_of_them_elsewhere(family: str) -> None:
    table, rows = FAMILIES[family], measurements()[family]["lut"]
    assert tuple(measurements()["widths"]) == WIDTHS
    for name, row in rows.items():
        assert [operator_cost(table, name, bits).lut for bits in WIDTHS] == row
        ends = sorted((row[3], row[4]))
        assert ends[0] <= operator_cost(table, name, 20).lut <= ends[1]
        assert operator_cost(table, name, 64).lut == 2 * row[-1]


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ecp5", "ice40", "gowin"])
def test_synthesis_still_says_so(family: str) -> None:
    """yosys of another version maps some operators a little otherwise."""
    for name, usage in usages(family, 8).items():
        cost = operator_cost(FAMILIES[family], name, 8)
        assert abs(usage.lut - cost.lut) <= 3 + 0.15 * cost.lut, (name, usage.lut, cost.lut)
        assert usage.dsp == cost.dsp, name
