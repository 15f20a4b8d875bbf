"""What clock place and route will allow: an estimate from the builds that are recorded in ``benchmarks/results``.

The units of every design are alike, and so are their own paths; what differs is how far wires go, which grows with the share of the device
that is used. The period is taken as linear in that share, fitted to the recorded builds (``python -m benchmarks.calibrate_clock``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from hlsgen.board import Board
from hlsgen.clock.families import pll_rules
from hlsgen.clock.pll import fastest


@dataclass(frozen=True)
class Period:
    """Nanoseconds: of a small design, and what is added were the device full."""

    small: float
    full: float


PERIODS: Mapping[tuple[str, str], Period] = {
    ("ecp5", "6"): Period(7.5, 8.9),
    ("ecp5", "8"): Period(5.2, 8.9),
    ("ice40", "UP"): Period(26.0, 4.0),
    ("ice40", "HX"): Period(8.1, 4.0),
    ("gowin", "C6/I5"): Period(6.5, 7.0),
    ("gowin", "C8/I7"): Period(3.3, 7.0),
}
"""By family and speed grade; the slowest stands for those of which no build is recorded. Other families are built by the vendors' own tools."""
SPREAD = 0.29
"""The recorded builds, every seed of them, are at most this far from the estimate, as a share of it. Farthest is the ULX3S 12F, whose chip is that of the 25F
with half of its LUTs left out; all others are within 0.17."""

FABRIC = 1.3
"""The period of a fabric for networks over that of a stream design of its size: 1.25 for mac_2x2 on ECP5-25F, 1.35 for mac_8x8 on ECP5-85F."""


@dataclass(frozen=True)
class ClockRate:
    """MHz: ``expected``, and the bounds between which the recorded builds lie."""

    low: float
    expected: float
    high: float


def clock_rate(board: Board, lut: float) -> ClockRate | None:
    """The estimate for a design of ``lut`` LUTs; None where the open tools do not build."""
    of_family = {speed: p for (family, speed), p in PERIODS.items() if family == board.family}
    if not of_family:
        return None
    period = of_family.get(board.speed) or max(of_family.values(), key=lambda p: p.small)
    expected = 1e3 / (period.small + period.full * min(1.0, lut / board.lut))
    return ClockRate(expected * (1 - SPREAD), expected, expected * (1 + SPREAD))


def expected_clock_mhz(board: Board, lut: float) -> float:
    """The clock that a build of ``lut`` LUTs is expected to have: the highest that the board's PLL makes and the estimate allows; the
    oscillator's where there is neither."""
    rate, rules = clock_rate(board, lut), pll_rules(board)
    if rate is None or rules is None:
        return board.clock_mhz
    setting = fastest(rules, Fraction(board.clock_mhz), Fraction(rate.expected))
    return board.clock_mhz if setting is None else float(setting.mhz)


def fabric_clock_mhz(board: Board, lut: float) -> float:
    """The same of a fabric of ``lut`` LUTs."""
    rate, rules = clock_rate(board, lut), pll_rules(board)
    if rate is None or rules is None:
        return board.clock_mhz
    setting = fastest(rules, Fraction(board.clock_mhz), Fraction(rate.expected / FABRIC))
    return board.clock_mhz if setting is None else float(setting.mhz)


def clock_rate_text(board: Board, lut: float, interval: int) -> str:
    """The estimate in words, with the samples a second that it means."""
    rate = clock_rate(board, lut)
    if rate is None:
        return "not estimated: the vendor's tools build it"
    samples = [f"{mhz * 1e6 / interval:,.0f}" for mhz in (rate.low, rate.high)]
    return (
        f"about {rate.expected:.0f} MHz after place and route, {rate.low:.0f} to {rate.high:.0f}:"
        f" {' to '.join(samples)} samples a second (an estimate from recorded builds)"
    )
