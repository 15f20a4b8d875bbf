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
        "hlsgen/ops/conv.py",
        "w.quantisation.per_tensor or w.quantisation.axis == 0,",
        "w.quantisation.per_tensor or w.quantisation.axis <= 0,",
        "axes of quantised values are resolved: none is below 0",
    ),
    Equivalent(
        "hlsgen/ops/conv.py",
        "total = total + (weights * data if inner == 1 else xp.matmul(weights, data))",
        "total = total + (weights * data if inner == 0 else xp.matmul(weights, data))",
        "of one input channel the matrix product is the product by element, only slower",
    ),
)
