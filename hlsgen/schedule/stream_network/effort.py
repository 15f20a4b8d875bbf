"""How much of the board a design is worth: the least, what is fastest, or the knee between them.

The speed-area curve gives, for every rate, the least area of a design that reaches it. At its knee the area per rate is
least: up to there a design of twice the rate takes less than twice the area, beyond it more. In other words, the marginal
area of more speed passes the average there. Area is the share of the board as ``select`` weighs it: LUTs first, DSP
blocks and RAM blocks, which lie idle otherwise, by a tenth and a fifth.

The fastest design is the one of most samples a second, not of fewest cycles: a fuller device has longer wires and a slower clock, which
``Pace`` says for a number of LUTs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hlsgen.schedule.stream_network.candidates import Integers
from hlsgen.schedule.stream_network.select import GAP, Alternatives, Budget, area, choose, slowest

EFFORTS = ("small", "balanced", "max")
STEP = 1.06
"""The curve is sampled at cycle counts that grow by this factor."""


Pace = Callable[[float], float]
"""The period of the clock, in any unit, of a design with so many LUTs; it does not fall."""


def choose_by_effort(
    choices: tuple[Alternatives, ...], budget: Budget, effort: str, pace: Pace
) -> tuple[int, ...] | None:
    """The row of each choice by one of EFFORTS: of the fewest LUTs, at the knee, or of most samples a second. None if nothing fits."""
    if effort == "small":
        return choose(choices, budget, minimise="lut")
    fewest = choose(choices, budget)
    if fewest is None:
        return None
    return (
        soonest(choices, budget, fewest, pace) if effort == "max" else knee(choices, budget, fewest)
    )


def knee(
    choices: tuple[Alternatives, ...], budget: Budget, fewest: tuple[int, ...]
) -> tuple[int, ...]:
    """The selection of least area * cycles among those of at least as many cycles as ``fewest``."""
    return _least(choices, budget, fewest, lambda chosen: area(choices, chosen, budget))


def soonest(
    choices: tuple[Alternatives, ...], budget: Budget, fewest: tuple[int, ...], pace: Pace
) -> tuple[int, ...]:
    """The selection of least period * cycles among those of at least as many cycles as ``fewest``."""
    return _least(choices, budget, fewest, lambda chosen: pace(Budget.used(choices, chosen).lut))


def _least(
    choices: tuple[Alternatives, ...],
    budget: Budget,
    fewest: tuple[int, ...],
    price_of: Callable[[tuple[int, ...]], float],
) -> tuple[int, ...]:
    """The selection of least price * cycles on the speed-area curve from ``fewest`` on.

    No rate has a lower price than the smallest design, so the search ends where even that could not be better.
    """
    cycles = np.unique(np.concatenate([choice.rows.cycles for choice in choices]))
    smallest = choose(choices, budget, int(cycles[-1])) or fewest
    least = price_of(smallest) * (1 - 2 * GAP)
    best, worth = fewest, price_of(fewest) * slowest(choices, fewest)
    for at in _rates(cycles, slowest(choices, fewest)):
        if least * at >= worth:
            break
        chosen = choose(choices, budget, at)
        if chosen is None:
            continue
        product = price_of(chosen) * slowest(choices, chosen)
        if product < worth:
            best, worth = chosen, product
    return best


def _rates(cycles: Integers, at: int) -> Iterator[int]:
    """The cycle counts at which the curve is sampled, those after ``at``."""
    while (position := np.searchsorted(cycles, at * STEP)) < len(cycles):
        at = int(cycles[position])
        yield at
