"""Signs that are compared and counted: every pair of words, and the latency and registers that the contract says."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from amaranth.sim import Simulator
from hlsgen.rtl_templates.arithmetic.differences import Differences
from hlsgen.rtl_templates.compressor import compressor_shape


def counts(lanes: int, words: list[tuple[int, int]]) -> list[int]:
    """What the unit says of each pair of words, one a cycle."""
    unit = Differences(lanes)
    latency, results = unit.contract.latency, []
    simulator = Simulator(unit)
    simulator.add_clock(1e-6)

    async def testbench(context: Any) -> None:
        for k in range(len(words) + latency - 1):
            a, b = words[min(k, len(words) - 1)]
            context.set(unit.a, a)
            context.set(unit.b, b)
            await context.tick()
            if k >= latency - 1:
                results.append(context.get(unit.count))

    simulator.add_testbench(testbench)
    simulator.run()
    return results


@pytest.mark.parametrize("lanes", range(1, 6))
def test_every_pair_of_narrow_words_is_counted(lanes: int) -> None:
    words = list(itertools.product(range(1 << lanes), repeat=2))
    assert counts(lanes, words) == [(a ^ b).bit_count() for a, b in words]


@pytest.mark.parametrize("lanes", [6, 7, 8, 9, 13, 16, 31, 64, 98, 100])
def test_wide_words_are_counted_up_to_the_last_bit(lanes: int) -> None:
    noise, full = random.Random(lanes), (1 << lanes) - 1
    words = [(full, 0), (full, full), (0, full)]
    words += [(noise.getrandbits(lanes), noise.getrandbits(lanes)) for _ in range(60)]
    words += [(full >> k, 0) for k in range(lanes)]
    assert counts(lanes, words) == [(a ^ b).bit_count() for a, b in words]


def test_the_tree_of_98_lanes() -> None:
    shape = compressor_shape(98)
    assert (shape.levels, shape.adders, shape.added, shape.registers) == (8, 89, 5, 312)
    assert compressor_shape(1).levels == compressor_shape(4).levels == 0
