"""What is needed at the same time never overlaps; what is loaded never overwrites what is in use."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hlsgen.errors import DoesNotFit
from hlsgen.schedule.grid_network.memory import (
    Lifetime,
    highest,
    loaded,
    place_by_lifetime,
    store_blocks,
)


def test_living_items_never_overlap_and_dead_ones_make_room() -> None:
    random = np.random.default_rng(1)
    for _ in range(30):
        lifetimes = []
        for number in range(12):
            first, length = map(int, random.integers(0, 8, 2))
            size = 4 * int(random.integers(1, 30))
            lifetimes.append(Lifetime(f"t{number}", size, first, first + length))
        needed = max(
            sum(i.size for i in lifetimes if i.first <= step <= i.last) for step in range(16)
        )
        at = place_by_lifetime(lifetimes, needed)
        for one, other in itertools.combinations(lifetimes, 2):
            if one.meets(other):
                apart = at[one.name] + one.size <= at[other.name]
                assert apart or at[other.name] + other.size <= at[one.name]
        assert needed <= highest(lifetimes, at) <= sum(lifetime.size for lifetime in lifetimes)


def test_a_chain_needs_no_more_than_two_neighbours() -> None:
    lifetimes = [Lifetime(f"t{k}", 100, k, k + 1) for k in range(10)]
    assert highest(lifetimes, place_by_lifetime(lifetimes, 200)) == 200


def test_another_order_is_found_where_the_largest_first_does_not_fit() -> None:
    lifetimes = [
        Lifetime("input", 72, 0, 0),
        Lifetime("a", 54, 0, 1),
        Lifetime("b", 46, 1, 2),
        Lifetime("c", 100, 2, 3),
    ]
    assert highest(lifetimes, place_by_lifetime(lifetimes, 172)) == 172
    assert highest(lifetimes, place_by_lifetime(lifetimes, 150)) == 146
    assert highest(lifetimes, place_by_lifetime(lifetimes, 1)) == 146


def test_blocks_that_all_fit_stay() -> None:
    stored = store_blocks([8, 0, 16], 24, "weights", "net")
    assert all(stored.resident)
    assert stored.addresses[0] == 0
    assert stored.addresses[2] == 8


@pytest.mark.parametrize("capacity", (100, 200, 220, 400))
def test_a_block_is_loaded_beside_all_others_that_matter_or_waits(capacity: int) -> None:
    sizes = [40, 0, 32, 60, 20, 48, 96, 12, 40, 96, 96]
    stored = store_blocks(sizes, capacity, "weights", "net")
    blocks = [
        range(first, first + size) for first, size in zip(stored.addresses, sizes, strict=True)
    ]

    def apart(one: int, other: int) -> bool:
        a, b = blocks[one], blocks[other]
        return not a or not b or a.stop <= b.start or b.stop <= a.start

    assert all(block.stop <= capacity for block in blocks)
    for number, stays in enumerate(stored.resident):
        for other, other_stays in enumerate(stored.resident):
            if number != other and (stays or other_stays):
                assert apart(number, other)
        # without a wait, its words come while the run before is in progress
        if not stays and not stored.waits[number] and number:
            assert apart(number, number - 1)
    assert loaded(sizes, stored) == sum(
        size for size, stays in zip(sizes, stored.resident, strict=True) if not stays
    )
    assert any(stored.waits) == (capacity < 2 * 96)
    assert not all(stored.resident)


def test_a_block_larger_than_the_memory_is_refused_with_the_shortfall() -> None:
    with pytest.raises(
        DoesNotFit, match=r"expected at most 16 weights in a tile, found 40 \(24 too"
    ):
        store_blocks([8, 40], 16, "weights", "net")
