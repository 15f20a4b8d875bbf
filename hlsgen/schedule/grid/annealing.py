"""Negotiated placement and routing with annealed noise."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from hlsgen.schedule.grid.partial import Partial
from hlsgen.schedule.grid.placement import Offer, settle


@dataclass
class Search:
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


def search(partial: Partial, seed: int, moves: int, trace=None) -> bool:
    random = Random(seed)
    s = Search(partial, random, np.random.default_rng(seed), 0.3)
    resources = partial.resources
    k = 0
    since = 0
    while k < moves:
        k += 1
        missing = partial.missing()
        if missing:
            s.place(s.next_missing(missing))
            continue
        starts, nets = partial.crowded()
        full = partial.overfull()
        unrouted = partial.unrouted()
        if not (starts or nets or full or unrouted):
            return True
        since += 1
        if since % 5 == 0:
            resources.remember(0.3)
            resources.pressure = min(resources.pressure * 1.03, 8.0)
            partial.memory.pressure = resources.pressure
            resources.reprice()
        if trace and since % 50 == 0:
            trace(k, since, len(resources.overused), starts, nets, full, unrouted)
        pool = list(starts) + full
        for o in nets:
            pool.append(o)
            pool += [partial.problem.edges[e].consumer for e in partial.leaving[o]]
        pool += [partial.problem.edges[e].producer for e in unrouted]
        o = random.choice(pool)
        if since % 40 == 0:
            # a neighbourhood leaves together
            group = {o}
            while len(group) < 5:
                x = random.choice(sorted(group))
                ns = [partial.problem.edges[e].producer for e in partial.arriving[x]] + [
                    partial.problem.edges[e].consumer for e in partial.leaving[x]
                ]
                if not ns:
                    break
                group.add(random.choice(ns))
                if random.random() < 0.1:
                    break
            for x in sorted(group):
                partial.remove(x)
            continue
        partial.remove(o)
        s.place(o)
    return False
