"""Drained words neither meet nor overtake each other, and no cheaper layout with that property is passed over."""

from __future__ import annotations

from itertools import pairwise, product
from math import prod

import pytest

from hlsgen.schedule.grid_network.reduction import across_channels


def arrivals_in_order(steps: int, columns: int) -> bool:
    """Enumerated: the words of four pixels arrive pixel by pixel, column by column, one a cycle."""
    times = [steps * pixel + 2 * column for pixel in range(4) for column in range(columns)]
    return all(before < after for before, after in pairwise(times))


@pytest.mark.parametrize("columns", (1, 3, 8))
@pytest.mark.parametrize(
    "extents", ((1, 1, 1), (1, 1, 8), (3, 3, 1), (2, 2, 1), (1, 1, 15), (5, 1, 3), (1, 1, 16))
)
def test_words_arrive_in_order_and_no_cheaper_layout_is_in_order(
    extents: tuple[int, int, int], columns: int
) -> None:
    for outputs in (1, 5, 8, 20):
        layout = across_channels(extents, outputs, columns)
        assert arrivals_in_order(layout.steps, layout.columns)
        assert all(longer >= n for longer, n in zip(layout.extents, extents, strict=True))
        cycles = -(-outputs // layout.columns) * layout.steps
        for used, level, surplus in product(range(1, columns + 1), range(3), range(16)):
            longer = list(extents)
            longer[level] += surplus
            if arrivals_in_order(prod(longer), used):
                assert cycles <= -(-outputs // used) * prod(longer)


def test_long_reductions_are_left_as_they_are() -> None:
    layout = across_channels((3, 3, 16), 16, 8)
    assert (layout.columns, layout.extents) == (8, (3, 3, 16))
