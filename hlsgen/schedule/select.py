"""One candidate per process within a budget: a multiple-choice knapsack solved exactly with scipy's HiGHS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from hlsgen.schedule.candidates import Candidates, Integers

ENDLESS = 10**12
GAP = 4e-3
"""How much more of the board than the least a design may use."""
ANY = 0.5
"""The gap of a search in which only feasibility counts."""


@dataclass(frozen=True)
class Choice:
    """A process (or an input, whose only freedom is its lanes) with its candidates and the names of those that feed it."""

    name: str
    rows: Candidates
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Budget:
    """At most so many DSP blocks, LUTs and RAM blocks."""

    dsp: int
    lut: float
    bram: int

    @classmethod
    def unlimited(cls) -> Budget:
        return cls(ENDLESS, ENDLESS, ENDLESS)

    def only(self, resource: str) -> Budget:
        """This budget without a bound on ``resource``."""
        values = {name: getattr(self, name) for name in ("dsp", "lut", "bram")}
        return Budget(**(values | {resource: ENDLESS}))

    @classmethod
    def used(cls, choices: tuple[Choice, ...], chosen: tuple[int, ...]) -> Budget:
        """What a selection uses."""
        pairs = list(zip(choices, chosen, strict=True))
        return cls(
            int(sum(c.rows.dsp[row] for c, row in pairs)),
            float(sum(c.rows.lut[row] for c, row in pairs)),
            int(sum(c.rows.bram[row] for c, row in pairs)),
        )


def choose(
    choices: tuple[Choice, ...],
    budget: Budget,
    target: int | None = None,
    minimise: str | None = None,
) -> tuple[int, ...] | None:
    """The row of each choice: at most ``target`` cycles (the fewest possible if None), then the least of the board.

    ``minimise``: the resource to be least instead, with no interest in speed unless there is a target. None if nothing fits.
    """
    if any(not len(choice.rows) for choice in choices):
        return None
    if target is not None:
        return _cheapest(choices, budget, target, minimise)
    cycles = np.unique(np.concatenate([choice.rows.cycles for choice in choices]))
    if minimise is not None:
        return _cheapest(choices, budget, int(cycles[-1]), minimise)
    floor = max(int(choice.rows.cycles.min()) for choice in choices)
    cycles = cycles[cycles >= floor]
    low, high = 0, len(cycles) - 1
    best = _cheapest(choices, budget, int(cycles[high]), None, ANY)
    if best is None:
        return None
    while low < high:
        middle = (low + high) // 2
        found = _cheapest(choices, budget, int(cycles[middle]), None, ANY)
        if found is None:
            low = middle + 1
        else:
            best = found
            slowest = max(int(c.rows.cycles[r]) for c, r in zip(choices, found, strict=True))
            high = int(np.searchsorted(cycles, slowest))
    return _cheapest(choices, budget, int(cycles[high]), None)


def _cheapest(
    choices: tuple[Choice, ...],
    budget: Budget,
    interval: int,
    minimise: str | None,
    gap: float = GAP,
) -> tuple[int, ...] | None:
    """The cheapest selection (within ``gap``) in which everyone needs at most ``interval`` cycles, or None."""
    fast = [np.flatnonzero(choice.rows.cycles <= interval) for choice in choices]
    if any(not len(rows) for rows in fast):
        return None
    wide = {
        choice.name
        for choice, rows in zip(choices, fast, strict=True)
        if (choice.rows.words[0][rows] > 1).any()
    }
    kept = [
        rows[_front(choice.rows.take(rows), not wide.isdisjoint(choice.sources))]
        for choice, rows in zip(choices, fast, strict=True)
    ]
    weights = _weights(choices, kept, budget, minimise)
    sizes = [len(rows) for rows in kept]
    begins = np.r_[0, np.cumsum(sizes)]
    owner = np.repeat(np.arange(len(choices)), sizes)
    columns = np.arange(begins[-1])
    one = csr_array((np.ones(begins[-1]), (owner, columns)), shape=(len(choices), begins[-1]))
    constraints = [LinearConstraint(one, 1, 1)]
    for resource in ("dsp", "lut", "bram"):
        amounts = _column(choices, kept, resource)
        limit = getattr(budget, resource)
        if amounts.sum() > limit:
            constraints.append(
                LinearConstraint(amounts[None, :] / max(limit, 1), -np.inf, limit / max(limit, 1))
            )
    constraints += _word_conflicts(choices, kept, begins)
    found = milp(
        weights,
        constraints=constraints,
        integrality=np.ones(begins[-1]),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": gap},
    )
    if found.x is None:
        return None
    return tuple(
        int(rows[np.argmax(found.x[begin : begin + len(rows)])])
        for rows, begin in zip(kept, begins[:-1], strict=True)
    )


def _column(
    choices: tuple[Choice, ...], kept: list[Integers], resource: str
) -> npt.NDArray[np.float64]:
    parts = [getattr(c.rows, resource)[rows] for c, rows in zip(choices, kept, strict=True)]
    return np.concatenate(parts).astype(np.float64)


def _weights(
    choices: tuple[Choice, ...], kept: list[Integers], budget: Budget, minimise: str | None
) -> npt.NDArray[np.float64]:
    """The objective: shares of the budget, LUTs counting most since DSP blocks and RAM lie idle otherwise; or one resource, the others breaking ties."""
    total = np.zeros(sum(map(len, kept)))
    for resource, weight in (("lut", 1.0), ("dsp", 0.1), ("bram", 0.2)):
        limit = getattr(budget, resource)
        unit = limit if 0 < limit < ENDLESS else {"lut": 1e5, "dsp": 200.0, "bram": 200.0}[resource]
        scale = 1000.0 if resource == minimise else weight
        total += scale * _column(choices, kept, resource) / unit
    return total


def _front(rows: Candidates, by_held_word: bool) -> Integers:
    """Rows that no row of the same written word (and, if it matters, held word) beats in DSP, LUT and RAM blocks."""
    written, held = rows.words
    group = np.stack([written, held if by_held_word else np.zeros_like(held)])
    order = np.lexsort((rows.bram, rows.dsp, rows.lut))
    kept: list[int] = []
    fronts: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for k in order:
        front = fronts.setdefault((int(group[0, k]), int(group[1, k])), [])
        dsp, bram = int(rows.dsp[k]), int(rows.bram[k])
        if not any(d <= dsp and b <= bram for d, b in front):
            front.append((dsp, bram))
            kept.append(int(k))
    return np.array(kept, np.int64)


def _word_conflicts(
    choices: tuple[Choice, ...], kept: list[Integers], begins: Integers
) -> list[LinearConstraint]:
    """A word of f lanes and a buffer word of L lanes meet only if f divides L, or L divides f by a power of two."""
    position = {choice.name: k for k, choice in enumerate(choices)}
    rows: list[npt.NDArray[np.float64]] = []
    for consumer, choice in enumerate(choices):
        held = choice.rows.words[1][kept[consumer]]
        for source in set(choice.sources):
            producer = position[source]
            written = choices[producer].rows.words[0][kept[producer]]
            for f in np.unique(written[written > 1]):
                split = f // held
                fits = (held % f == 0) | ((f % held == 0) & ((split & (split - 1)) == 0))
                if fits.all():
                    continue
                line = np.zeros(begins[-1])
                line[begins[consumer] + np.flatnonzero(~fits)] = 1
                line[begins[producer] + np.flatnonzero(written == f)] = 1
                rows.append(line)
    return [LinearConstraint(np.stack(rows), -np.inf, 1)] if rows else []
