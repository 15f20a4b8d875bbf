"""Loops with several loops inside them as perfect nests: the inner loops become ranges of trips of one loop, each under a guard.

::

    for i in range(4):                   for i in range(4):
        s = 0                                s, t = 0, 0                    constants that nothing before needs come first
        for j in range(3):                   for j_k in range(3 + 5):
            s += a[i, j]                         if j_k <= 2: s += a[i, j_k]
        m = s >> 1                  ->           if j_k == 3: m = s >> 1
        t = 0                                    if j_k >= 3: t += b[j_k - 3] - m
        for k in range(5):
            t += b[k] - m
        out[i] = t                           out[i] = t

Every iteration happens when it did, so that no dependence can change; addresses stay affine. Inner loops of different depth are
aligned at their innermost loops: the outermost loop of the shallower nest is folded over the levels above. Inner extents are those
of the largest, and what is beyond an extent is guarded. (Sinking statements into a perfect nest: Wolfe, "High Performance Compilers
for Parallel Computing", 1996, section 9.7; here for several nests in sequence.)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hlsgen.algebra.affine import Affine
from hlsgen.loops.python.liveness import live_before
from hlsgen.loops.python.nest import (
    Bind,
    Guarded,
    Item,
    Nest,
    SourceLoop,
    Straight,
    Within,
    assigned,
    is_constant,
    mentioned,
    straight_substituted,
)


@dataclass(frozen=True)
class Level:
    """A loop with the statements before and after the loop inside it (of the innermost: all of them are before)."""

    loop: SourceLoop
    before: tuple[Straight, ...]
    after: tuple[Straight, ...]


def levels_of(nest: Nest) -> tuple[Level, ...]:
    """The perfect nest that does what the loop of a nest does, outermost first."""
    after = frozenset[str]().union(*map(mentioned, nest.after))
    names = {loop.name for loop in nest.loops}
    return tuple(_Levels(names).of(nest.loop, nest.live | after))


def live_at_ends(levels: Sequence[Level], after: frozenset[str]) -> list[frozenset[str]]:
    """What is live at the end of the body of every loop of a perfect nest; ``after``: what is after the nest."""
    loop: tuple[SourceLoop, ...] = ()
    for level in reversed(levels):
        loop = (replace(level.loop, body=(*level.before, *loop, *level.after)),)
    ends = []
    for level in levels:
        # A loop has one trip at least; what is live where it begins is live at the end of a trip.
        (present,) = loop
        ends.append(after | live_before(loop, after))
        after = live_before(level.after, ends[-1])
        loop = tuple(part for part in present.body if isinstance(part, SourceLoop))
    return ends


class _Levels:
    """``names``: of loops, which no other loop may get."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def of(self, loop: SourceLoop, outside: frozenset[str]) -> list[Level]:
        """The levels of a loop; ``outside``: names that are mentioned elsewhere."""
        body = with_constants_first(loop.body)
        places = [k for k, statement in enumerate(body) if isinstance(statement, SourceLoop)]
        if not places:
            return [Level(loop, _straight(body), ())]
        nests = []
        for place in places:
            others = map(mentioned, (*body[:place], *body[place + 1 :]))
            around = outside.union(*others)
            inner = body[place]
            assert isinstance(inner, SourceLoop)
            own = mentioned(inner) - around - live_before([inner], frozenset())
            nests.append(_Inner(tuple(self.of(inner, around)), own))
        between = [_straight(body[a + 1 : b]) for a, b in itertools.pairwise(places)]
        merged = nests[0].levels if len(nests) == 1 else self._merged(nests, between)
        before, after = _straight(body[: places[0]]), _straight(body[places[-1] + 1 :])
        return [Level(loop, before, after), *merged]

    def _merged(
        self, nests: Sequence[_Inner], between: Sequence[tuple[Straight, ...]]
    ) -> tuple[Level, ...]:
        """Nests one after the other, and the statements between them, as one nest."""
        depth = max(len(nest.levels) for nest in nests)
        names, inner = [], []
        for height in range(depth, 0, -1):
            loops = [nest.levels[-height].loop for nest in nests if len(nest.levels) >= height]
            names.append(self._unused("_".join(loop.name for loop in loops)))
            # The outermost loop of a shallower nest is folded: it does not widen a level.
            deeper = [nest.levels[-height].loop for nest in nests if len(nest.levels) > height]
            inner += [max(loop.extent for loop in deeper)] if deeper else []
        parts: list[_Part] = []
        whole, given = 0, frozenset[str]()
        for nest in nests:
            top = depth - len(nest.levels)
            parts.append(_Part(nest, top, whole, names, tuple(inner), given))
            given |= nest.assigned
            whole += math.ceil(nest.levels[0].loop.extent / parts[-1].fold)
        levels = []
        for level, (name, extent) in enumerate(zip(names, (whole, *inner), strict=True)):
            before: list[Straight] = []
            after: list[Straight] = []
            for part, statements in zip(parts, ((), *between), strict=True):
                if level == 0 and statements:
                    start = Within(Affine(0, ((name, 1),)), part.first, part.first)
                    before.append(Guarded((start,), statements, part.given))
                before += part.before(level, whole)
                after += part.after(level, whole)
            line = nests[0].levels[0].loop.line
            levels.append(Level(SourceLoop(name, extent, (), line), tuple(before), tuple(after)))
        return tuple(levels)

    def _unused(self, name: str) -> str:
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name


@dataclass(frozen=True)
class _Inner:
    """A loop inside another as a perfect nest; ``own``: variables that matter nowhere but in it, and have no value where it begins."""

    levels: tuple[Level, ...]
    own: frozenset[str]

    @property
    def assigned(self) -> frozenset[str]:
        """The variables that the nest assigns."""
        return assigned(
            [statement for level in self.levels for statement in (*level.before, *level.after)]
        )


@dataclass(frozen=True)
class _Part:
    """One of the merged nests, from trip ``first`` of the outermost merged loop on. ``top``: the merged level at which its outermost
    loop is; ``names`` of all merged loops, ``inner``: extents of those inside the outermost one; ``given``: variables that the parts before
    have given a value."""

    nest: _Inner
    top: int
    first: int
    names: Sequence[str]
    inner: tuple[int, ...]
    given: frozenset[str]

    @property
    def fold(self) -> int:
        """Trips of the part's outermost loop in one trip of the outermost merged loop."""
        return math.prod(self.inner[: self.top])

    @property
    def outermost(self) -> Affine:
        """The trip of the part's outermost loop."""
        terms = tuple(
            (self.names[level], math.prod(self.inner[level : self.top]))
            for level in range(self.top + 1)
        )
        return Affine(-self.fold * self.first, terms)

    def before(self, level: int, whole: int) -> list[Straight]:
        """What the part does at a merged level before the loops inside it, under its guard; constants of variables of its own are
        assigned at all times. ``whole``: trips of the outermost merged loop."""
        if level < self.top:
            return []
        statements = self.nest.levels[level - self.top].before
        free = []
        if level + 1 < len(self.names):
            free = [statement for statement in statements if self._is_free(statement, statements)]
        rest = [statement for statement in statements if statement not in free]
        return [*free, *self._guarded(level, whole, [], rest)]

    def after(self, level: int, whole: int) -> list[Straight]:
        """What the part does after the loops inside a merged level."""
        if level < self.top:
            return []
        number = level - self.top
        own = _counters(self.nest.levels)[number]
        return self._guarded(level, whole, own, self.nest.levels[number].after)

    def _is_free(self, statement: Straight, statements: Sequence[Straight]) -> bool:
        """Whether an statement can be executed first and at all times: constants of variables that are the part's own."""
        names = mentioned(statement)
        others = map(mentioned, statements[: statements.index(statement)])
        return (
            is_constant(statement)
            and names <= self.nest.own
            and names.isdisjoint(frozenset[str]().union(*others))
        )

    def _guarded(
        self, level: int, whole: int, own: Sequence[Bind], statements: Sequence[Straight]
    ) -> list[Straight]:
        """Statements with the counters of the loops around them."""
        if not statements:
            return []
        number = level - self.top
        outer = [bind for binds in _counters(self.nest.levels)[:number] for bind in binds]
        body: tuple[Straight, ...] = (*outer, *own, *statements)
        trips = [self.outermost, *(_trip(name) for name in self.names[self.top + 1 : level + 1])]
        for inside, value in zip(self.nest.levels[: number + 1], trips, strict=True):
            body = tuple(straight_substituted(part, inside.loop.name, value) for part in body)
        conditions = tuple(self._conditions(level, whole))
        return [Guarded(conditions, body, self.given)] if conditions else list(body)

    def _conditions(self, level: int, whole: int) -> Iterator[Within]:
        """Where a merged level is in this part."""
        extent = self.nest.levels[0].loop.extent
        trips = math.ceil(extent / self.fold)
        end = self.first + trips - 1
        low = self.first or None
        if trips * self.fold > extent:
            yield Within(self.outermost, None, extent - 1)
        high = end if end < whole - 1 and trips * self.fold == extent else None
        if (low, high) != (None, None):
            yield Within(_trip(self.names[0]), low, high)
        for inside in range(self.top + 1, level + 1):
            extent = self.nest.levels[inside - self.top].loop.extent
            if extent < self.inner[inside - 1]:
                yield Within(_trip(self.names[inside]), None, extent - 1)


def _trip(name: str) -> Affine:
    return Affine(0, ((name, 1),))


def _counters(levels: Sequence[Level]) -> list[list[Bind]]:
    """The counters of each loop of a nest that nothing else in it assigns: statements further inside can bind them again."""
    everything = [statement for level in levels for statement in (*level.before, *level.after)]
    counters = []
    for level in levels:
        leading = itertools.takewhile(lambda statement: isinstance(statement, Bind), level.before)
        counters.append(
            [
                statement
                for statement in leading
                if isinstance(statement, Bind)
                and statement.variable
                not in assigned([other for other in everything if other != statement])
            ]
        )
    return counters


def _straight(items: Sequence[Item]) -> tuple[Straight, ...]:
    return tuple(statement for statement in items if not isinstance(statement, SourceLoop))


def with_constants_first(items: Sequence[Item]) -> tuple[Item, ...]:
    """Constants that are assigned between loops in front of all of them, where nothing before needs the variable: a start value costs
    nothing there."""
    loops = [k for k, statement in enumerate(items) if isinstance(statement, SourceLoop)]
    first: list[Item] = []
    later: list[Item] = []
    before: set[str] = set()
    for k, statement in enumerate(items):
        names = mentioned(statement)
        between = bool(loops) and loops[0] < k < loops[-1]
        (
            first if between and is_constant(statement) and names.isdisjoint(before) else later
        ).append(statement)
        before |= names
    return (*first, *later)
