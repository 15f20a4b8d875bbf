"""A phase-locked loop as data: its dividers, the frequencies between which each of its parts works, and what it can make of an oscillator.

A reference divider R, a multiplier M (the divider of the feedback) and an output divider D turn an oscillator's frequency f into

    f * M / R        where the feedback comes from the output: its oscillator (VCO) runs at f * M * D / R
    f * M / (R * D)  where it comes from the VCO, which runs at f * M / R

All frequencies are exact: fractions of MHz.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache


@dataclass(frozen=True)
class Frequencies:
    """MHz, both ends included."""

    low: Fraction
    high: Fraction

    def __contains__(self, mhz: Fraction) -> bool:
        return self.low <= mhz <= self.high


def frequencies(low: float, high: float) -> Frequencies:
    """A band between two numbers of MHz."""
    return Frequencies(Fraction(low), Fraction(high))


@dataclass(frozen=True)
class PllRules:
    """What a family's PLL can be set to. ``feedback_divided``: the feedback comes from the output, not from the VCO.

    ``phase`` is the band of the phase detector, which sees the oscillator divided by R.
    """

    name: str
    references: range
    multipliers: range
    outputs: tuple[int, ...]
    feedback_divided: bool
    oscillator: Frequencies
    phase: Frequencies
    vco: Frequencies
    output: Frequencies


@dataclass(frozen=True)
class PllSetting:
    """Dividers, and the frequencies in MHz that they make of the oscillator's."""

    reference: int
    multiplier: int
    output: int
    oscillator_mhz: Fraction
    phase_mhz: Fraction
    vco_mhz: Fraction
    mhz: Fraction


def settings(rules: PllRules, oscillator_mhz: Fraction) -> Iterator[PllSetting]:
    """Every setting within the rules; none where the oscillator's frequency is not one that the PLL takes."""
    if oscillator_mhz not in rules.oscillator:
        return
    for reference in rules.references:
        phase = oscillator_mhz / reference
        if phase not in rules.phase:
            continue
        band = rules.output if rules.feedback_divided else rules.vco
        for multiplier in _between(rules.multipliers, band.low / phase, band.high / phase):
            fed_back = phase * multiplier
            if rules.feedback_divided:
                low, high = rules.vco.low / fed_back, rules.vco.high / fed_back
            else:
                low, high = fed_back / rules.output.high, fed_back / rules.output.low
            for output in _between(rules.outputs, low, high):
                vco = fed_back * output if rules.feedback_divided else fed_back
                mhz = fed_back if rules.feedback_divided else fed_back / output
                yield PllSetting(reference, multiplier, output, oscillator_mhz, phase, vco, mhz)


def _between(numbers: Sequence[int], low: Fraction, high: Fraction) -> Iterator[int]:
    """Those that are not below ``low`` nor above ``high``: compared as integers, which is much quicker."""
    least, most = math.ceil(low), math.floor(high)
    return (number for number in numbers if least <= number <= most)


@cache
def reachable(rules: PllRules, oscillator_mhz: Fraction) -> tuple[PllSetting, ...]:
    """One setting for every frequency that can be made, in order of frequency.

    Of several that make the same, the one with the fastest phase detector (the least jitter), then with the VCO nearest the middle of its band.
    """
    middle = (rules.vco.low + rules.vco.high) / 2
    best: dict[Fraction, PllSetting] = {}
    for setting in settings(rules, oscillator_mhz):
        known = best.get(setting.mhz)
        if known is None or _rank(setting, middle) < _rank(known, middle):
            best[setting.mhz] = setting
    return tuple(best[mhz] for mhz in sorted(best))


def fastest(rules: PllRules, oscillator_mhz: Fraction, at_most_mhz: Fraction) -> PllSetting | None:
    """The setting of the highest frequency that is not above a bound; None where every one is."""
    slow = [s for s in reachable(rules, oscillator_mhz) if s.mhz <= at_most_mhz]
    return slow[-1] if slow else None


def _rank(setting: PllSetting, middle: Fraction) -> tuple[int, Fraction, int]:
    return setting.reference, abs(setting.vco_mhz - middle), setting.output
