"""What is needed at the same time never overlaps; what is loaded never overwrites what is in use."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hlsgen.errors import DoesNotFit
from hlsgen.schedule.network.memory import Lifetime, highest, place_by_lifetime, store_blocks


def test_living_items_never_overlap_and_dead_ones_make_room() -> None:
    random = np.random.default_rng(1)
    for _ in range(30):
        items = []
        for number in range(12):
            first, length = map(int, random.integers(0, 8, 2))
            size = 4 * int(random.integers(1, 30))
            items.append(Lifetime(f"t{number}", size, first, first + length))
        at = place_by_lifetime(items)
        for one, other in itertools.combinations(items, 2):
            if one.meets(other):
                apart = at[one.name] + one.size <= at[other.name]
                assert apart or at[other.name] + other.size <= at[one.name]
        needed = max(sum(i.size for i in items if i.first <= step <= i.last) for step in range(16))
        assert needed <= highest(items, at) <= sum(item.size for item in items)


def test_a_chain_needs_no_more_than_two_neighbours() -> None:
    items = [Lifetime(f"t{k}", 100, k, k + 1) for k in range(10)]
    assert highest(items, place_by_lifetime(items)) == 200


def test_blocks_that_all_fit_stay() -> None:
    stored = store_blocks([8, 0, 16], 24, "weights", "net")
    assert stored.resident
    assert stored.addresses[0] == 0
    assert stored.addresses[2] == 8


def test_a_block_is_loaded_beside_the_one_in_use_or_waits_for_it() -> None:
    sizes = [40, 0, 32, 60, 20, 48, 96, 12, 40]
    stored = store_blocks(sizes, 100, "weights", "net")
    assert not stored.resident
    in_use: list[tuple[int, int]] = []
    for size, address, waits in zip(sizes, stored.addresses, stored.waits, strict=True):
        block = range(address, address + size)
        assert block.stop <= 100
        # without a wait, the words come while the run before is in progress
        if size and not waits and in_use:
            begin, end = in_use[-1]
            assert block.stop <= begin or end <= block.start
        in_use.append((address, address + size))
    assert any(stored.waits)
    assert not stored.waits[2]


def test_a_block_larger_than_the_memory_is_refused_with_the_shortfall() -> None:
    with pytest.raises(
        DoesNotFit, match=r"expected at most 16 weights in a tile, found 40 \(24 too"
    ):
        store_blocks([8, 40], 16, "weights", "net")
