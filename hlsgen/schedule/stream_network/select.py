"""One candidate per process within a budget: a multiple-choice knapsack solved exactly with scipy's HiGHS."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from hlsgen.schedule.stream_network.candidates import Candidates, Integers
from hlsgen.schedule.stream_network.legality import words_meet

ENDLESS = 10**12
NEGLIGIBLE = 0.005
GAP = 4e-3
"""How much more of the board than the least a design may use."""
ANY = 0.5
"""The gap of a search in which only feasibility counts."""


@dataclass(frozen=True, eq=False)
class Alternatives:
    """A process (or an input, whose only freedom is its lanes) with its candidates and the names of those that feed it."""

    name: str
    rows: Candidates
    sources: tuple[str, ...]
    _fronts: dict[tuple[int, bool, bool], Integers] = field(
        default_factory=dict, init=False, repr=False
    )

    def fast(self, interval: int) -> Integers:
        """The rows of at most ``interval`` cycles."""
        return np.flatnonzero(self.rows.cycles <= interval)

    def front(self, fast: Integers, by_word: bool, counted: bool) -> Integers:
        """Of the rows ``fast`` of an interval those that no other beats, see ``_front``; found once, since searches ask again and again:
        the rows of an interval are among those of a longer one, so that their number names them."""
        key = (len(fast), by_word, counted)
        if key not in self._fronts:
            self._fronts[key] = fast[_front(self.rows.take(fast), by_word, counted)]
        return self._fronts[key]


@dataclass(frozen=True)
class Budget:
    """At most so many DSP blocks, LUTs and RAM blocks, and multipliers in either."""

    dsp: int
    lut: float
    bram: int
    multipliers: int = ENDLESS

    @classmethod
    def unlimited(cls) -> Budget:
        return cls(ENDLESS, ENDLESS, ENDLESS)

    def only(self, resource: str) -> Budget:
        """This budget without a bound on ``resource``."""
        return replace(self, **{resource: ENDLESS})

    @classmethod
    def used(cls, choices: tuple[Alternatives, ...], chosen: tuple[int, ...]) -> Budget:
        """What a selection uses."""
        pairs = list(zip(choices, chosen, strict=True))
        return cls(
            int(sum(c.rows.dsp[row] for c, row in pairs)),
            float(sum(c.rows.lut[row] for c, row in pairs)),
            int(sum(c.rows.bram[row] for c, row in pairs)),
            int(sum(c.rows.multipliers[row] for c, row in pairs)),
        )


def choose(
    choices: tuple[Alternatives, ...],
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
    fewest = _fewest_cycles(choices, budget, cycles)
    return None if fewest is None else _cheapest(choices, budget, fewest, None)


def _fewest_cycles(
    choices: tuple[Alternatives, ...], budget: Budget, cycles: Integers
) -> int | None:
    """The least of ``cycles`` that some selection within the budget reaches; None if none does.

    Without regard to words a search is quick and gives a lower bound, which is mostly reached: from there the exact searches go
    up in doubling steps, then halve.
    """

    def search(at: int, words: bool) -> tuple[int, ...] | None:
        return _cheapest(choices, budget, int(cycles[at]), None, ANY, words)

    last = len(cycles) - 1
    too_few, enough = -1, last
    while too_few + 1 < enough:
        middle = (too_few + enough) // 2
        if search(middle, words=False) is None:
            too_few = middle
        else:
            enough = middle
    step = 1
    while (chosen := search(enough, words=True)) is None:
        if enough == last:
            return None
        too_few, enough, step = enough, min(enough + step, last), 2 * step
    enough = int(np.searchsorted(cycles, slowest(choices, chosen)))
    while too_few + 1 < enough:
        middle = (too_few + enough) // 2
        chosen = search(middle, words=True)
        if chosen is None:
            too_few = middle
        else:
            enough = int(np.searchsorted(cycles, slowest(choices, chosen)))
    return int(cycles[enough])


def _cheapest(
    choices: tuple[Alternatives, ...],
    budget: Budget,
    interval: int,
    minimise: str | None,
    gap: float = GAP,
    words: bool = True,
) -> tuple[int, ...] | None:
    """The cheapest selection (within ``gap``) in which everyone needs at most ``interval`` cycles, or None.

    Without ``words`` it need not fit together.
    """
    fast = [choice.fast(interval) for choice in choices]
    if any(not len(rows) for rows in fast):
        return None
    # Without regard to words first: far fewer rows, and words rarely conflict. A conflict brings its two parties'
    # rows of all words back, and the constraint between them.
    by_word: set[str] = set()
    counted = budget.multipliers < ENDLESS or minimise == "multipliers"
    kept = [choice.front(rows, False, counted) for choice, rows in zip(choices, fast, strict=True)]
    while True:
        chosen = _solve(choices, kept, budget, minimise, gap, by_word)
        if chosen is None or not words:
            return chosen
        conflicts = word_conflicts(choices, chosen)
        if not conflicts:
            return chosen
        for k, (choice, rows) in enumerate(zip(choices, fast, strict=True)):
            if choice.name in conflicts - by_word:
                kept[k] = choice.front(rows, True, counted)
        by_word |= conflicts


def _solve(
    choices: tuple[Alternatives, ...],
    kept: list[Integers],
    budget: Budget,
    minimise: str | None,
    gap: float,
    by_word: set[str],
) -> tuple[int, ...] | None:
    """The integer programme over the kept rows; words must fit between any two choices in ``by_word``."""
    sizes = [len(rows) for rows in kept]
    begins = np.r_[0, np.cumsum(sizes)]
    owner = np.repeat(np.arange(len(choices)), sizes)
    columns = np.arange(begins[-1])
    one = csr_array((np.ones(begins[-1]), (owner, columns)), shape=(len(choices), begins[-1]))
    constraints = [LinearConstraint(one, 1, 1)]
    for resource in ("dsp", "lut", "bram", "multipliers"):
        amounts = _column(choices, kept, resource)
        limit = getattr(budget, resource)
        if amounts.sum() > limit:
            unit = max(limit, 1)
            constraints.append(LinearConstraint(amounts[None, :] / unit, -np.inf, limit / unit))
    constraints += _word_constraints(choices, kept, begins, by_word)
    solution = milp(
        _weights(choices, kept, budget, minimise),
        constraints=constraints,
        integrality=np.ones(begins[-1]),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": gap},
    )
    if solution.x is None:
        return None
    return tuple(
        int(rows[np.argmax(solution.x[begin : begin + len(rows)])])
        for rows, begin in zip(kept, begins[:-1], strict=True)
    )


def word_conflicts(choices: tuple[Alternatives, ...], chosen: tuple[int, ...]) -> set[str]:
    """Names of neighbours whose written and held words do not fit each other."""
    written = {
        choice.name: choice.rows.words[0][row] for choice, row in zip(choices, chosen, strict=True)
    }
    return {
        name
        for choice, row in zip(choices, chosen, strict=True)
        for number, source in enumerate(choice.sources)
        if not words_meet(written[source], choice.rows.words[1 + (number > 0)][[row]]).all()
        for name in (source, choice.name)
    }


def _column(
    choices: tuple[Alternatives, ...], kept: list[Integers], resource: str
) -> npt.NDArray[np.float64]:
    parts = [getattr(c.rows, resource)[rows] for c, rows in zip(choices, kept, strict=True)]
    return np.concatenate(parts).astype(np.float64)


def _weights(
    choices: tuple[Alternatives, ...], kept: list[Integers], budget: Budget, minimise: str | None
) -> npt.NDArray[np.float64]:
    """The objective: shares of the budget, or one resource, the others breaking ties.

    LUTs count most: DSP blocks and RAM blocks that are not used lie idle.
    """
    total = np.zeros(sum(map(len, kept)))
    for resource, weight in WEIGHTS.items():
        scale = 1000.0 if resource == minimise else weight
        if scale:
            total += scale * _column(choices, kept, resource) / _unit(budget, resource)
    return total


WEIGHTS = {"lut": 1.0, "dsp": 0.1, "bram": 0.2, "multipliers": 0.0}


def _unit(budget: Budget, resource: str) -> float:
    limit = float(getattr(budget, resource))
    return limit if 0 < limit < ENDLESS else {"lut": 1e5}.get(resource, 200.0)


def area(choices: tuple[Alternatives, ...], chosen: tuple[int, ...], budget: Budget) -> float:
    """The share of the budget that a selection uses, as the search weighs it."""
    used = Budget.used(choices, chosen)
    return sum(
        weight * getattr(used, resource) / _unit(budget, resource)
        for resource, weight in WEIGHTS.items()
    )


def slowest(choices: tuple[Alternatives, ...], chosen: tuple[int, ...]) -> int:
    """Cycles per sample of a selection."""
    return max(int(c.rows.cycles[row]) for c, row in zip(choices, chosen, strict=True))


def _front(rows: Candidates, by_word: bool, counted: bool) -> Integers:
    """Rows that no row (``by_word``: of the same written and held words; ``counted``: of as many multipliers) beats in DSP,
    LUT and RAM blocks.

    A row that saves less than ``NEGLIGIBLE`` of its LUTs for its additional blocks counts as beaten.
    """
    group = np.stack([*(np.stack(rows.words) * by_word), rows.multipliers * counted])
    # Of equal blocks the fewest LUTs first: what is left is in runs of a group.
    order = np.lexsort((rows.lut, rows.bram, rows.dsp, *group))
    blocks = np.stack([*group, rows.dsp, rows.bram])[:, order]
    least = order[_run_starts(blocks)]
    starts = np.flatnonzero(_run_starts(group[:, least]))
    kept: list[int] = []
    for members in np.split(least, starts[1:]):
        kept += _front_of_group(rows, members)
    return np.array(sorted(kept), np.int64)


def _run_starts(columns: Integers) -> npt.NDArray[np.bool_]:
    """Where a column differs from the one before it."""
    return np.r_[True, (columns[:, 1:] != columns[:, :-1]).any(axis=0)]


def _front_of_group(rows: Candidates, members: Integers) -> list[int]:
    order = members[np.lexsort((rows.bram[members], rows.dsp[members], rows.lut[members]))]
    columns = (order, rows.dsp[order], rows.bram[order], rows.lut[order])
    front: list[tuple[int, int, int, float]] = []
    stairs = _Stairs()
    for row in zip(*(column.tolist() for column in columns), strict=True):
        if stairs.lower(row[1], row[2]):
            front.append(row)
    kept: list[tuple[int, int, int, float]] = []
    for row in reversed(front):
        _, dsp, bram, lut = row
        most = lut * (1 + NEGLIGIBLE)
        near = takewhile(partial(_at_most, most), reversed(kept))
        if not any(other[1] <= dsp and other[2] <= bram for other in near):
            kept.append(row)
    return [row[0] for row in kept]


def _at_most(lut: float, row: tuple[int, int, int, float]) -> bool:
    return row[3] <= lut


class _Stairs:
    """Points of the plane that no other is below in both coordinates, by growing first coordinate."""

    def __init__(self) -> None:
        self.across: list[int] = []
        self.up: list[int] = []

    def lower(self, x: int, y: int) -> bool:
        """Add the point unless one is at or below it in both coordinates; whether it was added."""
        at = bisect_right(self.across, x)
        if at and self.up[at - 1] <= y:
            return False
        end = at
        while end < len(self.up) and self.up[end] >= y:
            end += 1
        if at and self.across[at - 1] == x:
            at -= 1
        self.across[at:end], self.up[at:end] = [x], [y]
        return True


def _word_constraints(
    choices: tuple[Alternatives, ...], kept: list[Integers], begins: Integers, by_word: set[str]
) -> list[LinearConstraint]:
    """Constraints that no two rows are chosen whose words do not fit."""
    position = {choice.name: k for k, choice in enumerate(choices)}
    rows: list[npt.NDArray[np.float64]] = []
    for consumer, choice in enumerate(choices):
        reads = {(source, 1 + (number > 0)) for number, source in enumerate(choice.sources)}
        for source, words in sorted(reads):
            if choice.name not in by_word or source not in by_word:
                continue
            held = choice.rows.words[words][kept[consumer]]
            producer = position[source]
            written = choices[producer].rows.words[0][kept[producer]]
            for f in np.unique(written[written > 1]):
                fits = words_meet(f, held)
                if fits.all():
                    continue
                line = np.zeros(begins[-1])
                line[begins[consumer] + np.flatnonzero(~fits)] = 1
                line[begins[producer] + np.flatnonzero(written == f)] += 1  # itself, by a state
                rows.append(line)
    return [LinearConstraint(np.stack(rows), -np.inf, 1)] if rows else []
