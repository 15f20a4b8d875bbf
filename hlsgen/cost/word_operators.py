"""What word operators and comparisons cost: LUTs and DSP blocks as yosys maps each by itself, measured at some widths.

``operator_luts.toml`` beside this file holds what ``benchmarks/operator_luts.py`` measures; between its widths costs go in straight lines.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.cost.units import Cost, FamilyTable

MEASURED = Path(__file__).with_name("operator_luts.toml")


@cache
def measurements() -> Mapping[str, Any]:
    """``widths``, and for each family ``lut`` and ``dsp``: operator -> an amount at each of the widths."""
    return tomllib.loads(MEASURED.read_text("utf-8"))


def operator_cost(table: FamilyTable, operator: str, bits: int) -> Cost:
    """LUTs and DSP blocks of a word operator (or of the scalar operator Equal) on words of ``bits`` bits; no registers."""
    family = measurements()[table.name]
    nothing = [0] * len(measurements()["widths"])
    luts, blocks = family["lut"][operator], family["dsp"].get(operator, nothing)
    return Cost(lut=_between(bits, luts), dsp=round(_between(bits, blocks)))


def _between(bits: int, amounts: list[int]) -> float:
    """The amount at a width: beyond the measured ones in proportion to it."""
    widths = measurements()["widths"]
    nearest = min(max(bits, widths[0]), widths[-1])
    return float(np.interp(nearest, widths, amounts)) * bits / nearest
