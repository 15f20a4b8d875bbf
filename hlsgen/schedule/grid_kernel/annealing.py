"""Negotiated placement and routing with annealed noise."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from hlsgen.schedule.grid_kernel.partial import Partial
from hlsgen.schedule.grid_kernel.placement import Offer, settle

NOISE = 0.3
"""Largest random addition to the price of a place."""
PRICES_RISE = 5
NEIGHBOURHOOD_LEAVES = 40
"""Repairs after which prices rise; after which several operations leave their places together."""
MEMORY, GROWTH, LARGEST_PRESSURE = 0.3, 1.03, 8.0
"""What a conflict adds to the price of its resource for good; how fast present conflicts become dearer, and how dear at most."""
LARGEST_NEIGHBOURHOOD, STOPS_GROWING = 5, 0.1


@dataclass
class Search:
    """The repair of one partial mapping; ``noise`` on the prices of places."""

    partial: Partial
    random: Random
    generator: np.random.Generator
    noise: float

    def next_missing(self, missing: list[int]) -> int:
        partial = self.partial
        best, key = missing[0], (1e9, 1e9)
        for o in missing:
            low, high = partial.window(o)
            placed = sum(
                partial.start[partial.problem.edges[e].producer] is not None
                for e in partial.arriving[o]
            ) + sum(
                partial.start[partial.problem.edges[e].consumer] is not None
                for e in partial.leaving[o]
            )
            new = (-min(placed, 1), high - low - 0.1 * placed)
            if new < key:
                best, key = o, new
        return best

    def place(self, o: int) -> list[int]:
        offer = Offer(self.partial, o)
        prices = offer.prices
        if self.noise:
            prices = prices + self.generator.random(prices.shape) * self.noise
        row, choice = divmod(int(prices.argmin()), prices.shape[1])
        return settle(self.partial, o, choice, offer.first + row)


def search(partial: Partial, seed: int, moves: int) -> bool:
    """Place and route everything that is missing, and move what is in conflict, until nothing is; False after so many ``moves``.

    Conflicts are tolerated at a price that grows with every fifth move, for what is crowded now and for what was crowded before
    (negotiation, as in PathFinder: McMurchie & Ebeling 1995, here for places, links and registers alike).
    """
    random = Random(seed)
    searching = Search(partial, random, np.random.default_rng(seed), NOISE)
    repairs = 0
    for _ in range(moves):
        missing = partial.missing()
        if missing:
            searching.place(searching.next_missing(missing))
            continue
        blamed = _blamed(partial)
        if not blamed:
            return True
        repairs += 1
        if repairs % PRICES_RISE == 0:
            _raise_prices(partial)
        chosen = random.choice(blamed)
        if repairs % NEIGHBOURHOOD_LEAVES == 0:
            for operation in sorted(_neighbourhood(partial, chosen, random)):
                partial.remove(operation)
        else:
            partial.remove(chosen)
            searching.place(chosen)
    return False


def _blamed(partial: Partial) -> list[int]:
    """Operations that take part in a conflict, as often as they do."""
    starts, nets = partial.crowded()
    edges = partial.problem.edges
    blamed = [*starts, *partial.overfull()]
    for operation in nets:
        blamed.append(operation)
        blamed += [edges[edge].consumer for edge in partial.leaving[operation]]
    return blamed + [edges[edge].producer for edge in partial.unrouted()]


def _raise_prices(partial: Partial) -> None:
    resources = partial.resources
    resources.remember(MEMORY)
    resources.pressure = min(resources.pressure * GROWTH, LARGEST_PRESSURE)
    partial.memory.pressure = resources.pressure
    resources.reprice()


def _neighbourhood(partial: Partial, operation: int, random: Random) -> set[int]:
    """The operation with some of those around it."""
    edges = partial.problem.edges
    group = {operation}
    while len(group) < LARGEST_NEIGHBOURHOOD:
        member = random.choice(sorted(group))
        around = [edges[edge].producer for edge in partial.arriving[member]]
        around += [edges[edge].consumer for edge in partial.leaving[member]]
        if not around:
            break
        group.add(random.choice(around))
        if random.random() < STOPS_GROWING:
            break
    return group
