"""How far Python integers in carried variables can grow: the body is executed on ranges, one iteration after the other.

A variable that starts anew where loops l, l + 1, ... begin changes at most as often as these have iterations, as long as the variables
of outer loops stay as they are. Where all ranges grow by the same amount in every iteration (a count, a sum of indices) they are taken
that many iterations on, and the growth is checked there and half way; else, after ``MOST_ROUNDS``, bounds that still move are given up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from hlsgen.loops.python.kinds import Kind, integer

MOST_ROUNDS = 24
STEADY = 3
"""Rounds of equal growth before it is followed."""

Kinds: TypeAlias = Mapping[str, Kind]
Steps: TypeAlias = Mapping[str, tuple[int, int]]


class Growth:
    """``kinds``: what the placeholders may be in the next execution of the body; ``iterations[l]``: of loops l, l + 1, ... together."""

    def __init__(self, iterations: Sequence[int]) -> None:
        self.iterations = tuple(iterations)
        self.quiet = [0] * len(iterations)  # rounds since a variable of loops outside changed
        self.kinds: dict[str, Kind] = {}
        self.rounds = 0
        self.steps: list[Steps] = []
        self.trials: list[Kinds] = []
        self.base: dict[str, Kind] = {}

    def settled(self, after: Kinds, levels: Mapping[str, int]) -> bool:
        """Whether ``kinds`` hold in every iteration, given what executing the body on them gave; else they are changed.

        ``levels``: of the loops with which each variable starts anew.
        """
        grown = {name: self.kinds.get(name, Kind()).joined(kind) for name, kind in after.items()}
        for name, level in levels.items():
            if self.quiet[level] >= self.iterations[level]:
                grown[name] = self.kinds[name]
        changed = [name for name in grown if grown[name] != self.kinds.get(name)]
        if not changed:
            return True
        steps = {name: _step(self.kinds.get(name), kind) for name, kind in grown.items()}
        alike = all(_same_but_range(self.kinds.get(name), kind) for name, kind in grown.items())
        if self.trials:
            return self._tried(steps, alike)
        self.rounds += 1
        for level in range(len(self.quiet)):
            still = all(levels[name] >= level for name in changed)
            self.quiet[level] = self.quiet[level] + 1 if still else 0
        self.steps.append(steps)
        steady = alike and self.steps[-STEADY:] == [steps] * STEADY
        if self.rounds > MOST_ROUNDS:
            before = self.kinds
            self.kinds = {n: kind.widened(before.get(n, kind)) for n, kind in grown.items()}
        elif steady:
            self._extrapolate(grown, steps, min(levels[name] for name in changed))
        else:
            self.kinds = grown
        return False

    def _extrapolate(self, grown: Kinds, steps: Steps, level: int) -> None:
        count = self.iterations[level]
        self.base = dict(grown)
        self.trials = [_after(grown, steps, count), _after(grown, steps, count // 2)]
        self.kinds = dict(self.trials[-1])

    def _tried(self, steps: Steps, alike: bool) -> bool:
        """Whether the last extrapolation held; one that grows faster somewhere is given up."""
        expected = self.steps[-1]
        within = alike and all(
            expected[name][0] <= low and high <= expected[name][1]
            for name, (low, high) in steps.items()
        )
        self.trials.pop()
        if not within:
            self.kinds, self.trials, self.steps = self.base, [], []
        elif self.trials:
            self.kinds = dict(self.trials[-1])
        return within and not self.trials


def _step(before: Kind | None, after: Kind) -> tuple[int, int]:
    """How far both bounds moved."""
    if before is None or before.integer is None or after.integer is None:
        return 0, 0
    return after.integer[0] - before.integer[0], after.integer[1] - before.integer[1]


def _same_but_range(before: Kind | None, after: Kind) -> bool:
    if before is None or (before.integer is None) != (after.integer is None):
        return False
    return (before.word, before.truth) == (after.word, after.truth)


def _after(kinds: Kinds, steps: Steps, iterations: int) -> Kinds:
    after = {}
    for name, kind in kinds.items():
        if kind.integer is not None:
            low, high = (
                bound + iterations * step
                for bound, step in zip(kind.integer, steps[name], strict=True)
            )
            kind = replace(kind, integer=integer(low, high).integer)
        after[name] = kind
    return after
