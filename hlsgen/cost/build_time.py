"""How long synthesis, placement and routing take: an estimate from the builds that are recorded in ``benchmarks/results``."""

from __future__ import annotations

from collections.abc import Mapping

SECONDS = {"ecp5": 65.0, "gowin": 52.0, "ice40": 37.0}
"""Of a design of 1,000 LUTs, on the two cores of the records; other families are built by their vendors' tools."""
GROWTH = 0.9
"""Exponent of the LUTs."""
SHARES: Mapping[str, float] = {"synthesis": 0.2, "mapping": 0.2, "routing": 0.56, "packing": 0.04}
"""Parts of a build's time: to the cells of the family but LUTs, to LUTs, place and route with one seed, packing of the bitstream."""


def build_seconds(family: str, lut: float) -> float | None:
    """The estimate for a design of ``lut`` LUTs; None where the open tools do not build."""
    if family not in SECONDS:
        return None
    return SECONDS[family] * (max(lut, 1.0) / 1000) ** GROWTH


def part_seconds(family: str, lut: float) -> Mapping[str, float]:
    """The estimate of each part of SHARES; empty where the open tools do not build."""
    seconds = build_seconds(family, lut)
    if seconds is None:
        return {}
    return {part: share * seconds for part, share in SHARES.items()}


def build_time_text(family: str, lut: float) -> str:
    """The estimate in words, with what it is worth."""
    seconds = build_seconds(family, lut)
    if seconds is None:
        return "not estimated: the vendor's tools build it"
    minutes = max(1, round(seconds / 60))
    return f"about {minutes} min of 'hlsgen build' (an estimate for two idle cores)"
