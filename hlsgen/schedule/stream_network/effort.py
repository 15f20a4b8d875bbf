"""How much of the board a design is worth: the least, all of it, or the knee between them.

The speed-area curve gives, for every rate, the least area of a design that reaches it. At its knee the area per rate is
least: up to there a design of twice the rate takes less than twice the area, beyond it more. In other words, the marginal
area of more speed passes the average there. Area is the share of the board as ``select`` weighs it: LUTs first, DSP
blocks and RAM blocks, which lie idle otherwise, by a tenth and a fifth.
"""

from __future__ import annotations

import numpy as np

from hlsgen.schedule.stream_network.select import GAP, Alternatives, Budget, area, choose, slowest

EFFORTS = ("small", "balanced", "max")
STEP = 1.06
"""The curve is sampled at cycle counts that grow by this factor."""


def choose_by_effort(
    choices: tuple[Alternatives, ...], budget: Budget, effort: str
) -> tuple[int, ...] | None:
    """The row of each choice by one of EFFORTS: of the fewest LUTs, at the knee, or of the fewest cycles. None if nothing fits."""
    if effort == "small":
        return choose(choices, budget, minimise="lut")
    fastest = choose(choices, budget)
    if effort == "max" or fastest is None:
        return fastest
    return knee(choices, budget, fastest)


def knee(
    choices: tuple[Alternatives, ...], budget: Budget, fastest: tuple[int, ...]
) -> tuple[int, ...]:
    """The selection of least area * cycles among those at least as slow as ``fastest``.

    No rate takes less area than the smallest design, so the search ends where even that could not be better.
    """
    cycles = np.unique(np.concatenate([choice.rows.cycles for choice in choices]))
    smallest = choose(choices, budget, int(cycles[-1])) or fastest
    least = area(choices, smallest, budget) * (1 - 2 * GAP)
    best, at = fastest, slowest(choices, fastest)
    price = area(choices, fastest, budget) * at
    while (position := np.searchsorted(cycles, at * STEP)) < len(cycles):
        at = int(cycles[position])
        if least * at >= price:
            break
        chosen = choose(choices, budget, at)
        if chosen is None:
            continue
        worth = area(choices, chosen, budget) * slowest(choices, chosen)
        if worth < price:
            best, price = chosen, worth
    return best
