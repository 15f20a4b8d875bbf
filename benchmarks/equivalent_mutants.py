"""Mutants that do the same as the program: no test can see them, and the reason is given for each.

First the code is written so that there is no such mutant; those that stay are survivors in the first figure of
``benchmarks.mutants`` and are left out of the second.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Equivalent:
    """The mutant of a module that puts ``after`` in the place of ``before`` (lines without indentation)."""

    module: str
    before: str
    after: str
    reason: str


EQUIVALENT: tuple[Equivalent, ...] = (
    Equivalent(
        "rtl_templates/arithmetic/word_units.py",
        "levels = (bits - 1).bit_length()",
        "levels = (bits ** 1).bit_length()",
        "one more level shifts by all bits of a word, as an amount beyond the levels does",
    ),
    Equivalent(
        "rtl_templates/arithmetic/requantise.py",
        'rounded = Signal(len(whole) + 1, reset_less=True, name="rounded")',
        'rounded = Signal(len(whole) << 1, reset_less=True, name="rounded")',
        "the same number in a register that is wider than it",
    ),
    Equivalent(
        "rtl_templates/stream/channel_guard.py",
        "if ramp.start < ramp.low:",
        "if ramp.start != ramp.low:",
        "a ramp that starts above its low end only rises: the clamp is never reached",
    ),
    Equivalent(
        "hlsgen/requantise/multiply_shift.py",
        "late = may_be_late[rows, top] & (least[rows, top] > greatest)",
        "late = may_be_late[rows, top] * (least[rows, top] > greatest)",
        "the product of truths is their and",
    ),
    Equivalent(
        "hlsgen/ops/conv.py",
        "total = total + (weights * data if inner == 1 else xp.matmul(weights, data))",
        "total = total + (weights * data if inner == 0 else xp.matmul(weights, data))",
        "of one input channel the matrix product is the product by element, only slower",
    ),
    Equivalent(
        "hlsgen/schedule/stream_network/timing.py",
        "if group == count:",
        "if group >= count:",
        "the group is counted up one at a time and starts again at the count",
    ),
    Equivalent(
        "rtl_templates/stream/drain.py",
        "count = min(self.finish_lanes, self.channels - word * self.finish_lanes)",
        "count = min(self.finish_lanes, self.channels ** word * self.finish_lanes)",
        "lanes past the last channel are of no value",
    ),
    Equivalent(
        "rtl_templates/arithmetic/multiplier.py",
        "below = below | (fits & (kept < low))",
        "below = below + (fits & (kept < low))",
        "only one of both is ever true",
    ),
)
