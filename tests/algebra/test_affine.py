"""Affine forms against plain enumeration of their iterations."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import numpy as np

from hlsgen.algebra.affine import Affine, deltas, growth, strides_of
from hlsgen.dataflow.text import affine_text

NAMES = ("i", "j", "k")


def forms(seed: int, count: int = 60) -> Iterator[tuple[Affine, tuple[int, ...]]]:
    """Forms of three loops with their extents."""
    noise = random.Random(seed)
    for _ in range(count):
        terms = tuple((n, c) for n in NAMES if (c := noise.randint(-4, 4)))
        yield Affine(noise.randint(-9, 9), terms), tuple(noise.randint(1, 4) for _ in NAMES)


def positions(extents: tuple[int, ...]) -> list[dict[str, int]]:
    return [
        dict(zip(NAMES, at, strict=True)) for at in itertools.product(*(range(e) for e in extents))
    ]


def test_range_is_that_of_all_iterations() -> None:
    for form, extents in forms(1):
        trips = dict(zip(NAMES, map(range, extents), strict=True))
        values = [form.at(position) for position in positions(extents)]
        assert form.range(trips) == (min(values), max(values)), (affine_text(form), extents)


def test_range_over_a_part_of_a_loop_and_without_one() -> None:
    form = Affine(3, (("i", -2), ("j", 5)))
    assert form.range({"i": range(2, 6)}) == (3 - 10, 3 - 4)


def test_values_over_iterations_are_those_at_each_position() -> None:
    for form, extents in forms(2):
        trips = dict(zip(NAMES, np.indices(extents), strict=True))
        values = form.values(trips, extents)
        assert values.dtype == np.int64 and values.shape == extents
        assert values.ravel().tolist() == [form.at(p) for p in positions(extents)]


def test_a_constant_has_a_value_in_every_iteration() -> None:
    assert Affine(7).values({}, (2, 3)).tolist() == [[7] * 3] * 2


def test_sums_and_substitution_keep_the_value_and_no_zero_term() -> None:
    pairs = zip(forms(3), forms(4), strict=True)
    for (a, extents), (b, _) in pairs:
        for factor, position in itertools.product((-2, 0, 3), positions(extents)):
            total = a.plus(b, factor)
            assert total.at(position) == a.at(position) + factor * b.at(position)
            assert all(coefficient for _, coefficient in total.terms)
            within = {**position, "i": b.at(position)}
            assert a.substitute("i", b).at(position) == a.at(within)


def test_deltas_walk_the_nest_and_strides_come_back() -> None:
    for form, extents in forms(5):
        strides = [form.coefficient(name) for name in NAMES]
        steps, value = deltas(strides, extents), form.offset
        visited = positions(extents)
        for before, after in itertools.pairwise(visited):
            outermost = next(k for k, name in enumerate(NAMES) if before[name] != after[name])
            value += steps[outermost]
            assert value == form.at(after), (affine_text(form), extents, after)
        assert growth(strides, extents) == form.at(visited[-1]) - form.offset
        moving = [s if e > 1 else 0 for s, e in zip(strides, extents, strict=True)]
        assert list(strides_of(steps, extents)) == moving
