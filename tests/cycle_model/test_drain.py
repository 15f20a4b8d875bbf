"""Drain chains and requantisers of the cycle model, each against its own definition, one word at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hlsgen.rtl_templates.loop_contract import TILE_REQUANTISE_LATENCY
from support.example_fabrics import small_fabric

from hlsgen.cycle_model.address_sequence import address_sequence
from hlsgen.cycle_model.drain import DrainChain, Writer
from hlsgen.cycle_model.tiles import Banks
from hlsgen.errors import Mismatch
from hlsgen.fabric.configuration import (
    Configuration,
    Generator,
    GeneratorLoop,
    RequantiseMode,
    Requantiser,
    TileConfiguration,
)
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric

# Three rows of (bias, multiplier, rounding): a generator that takes more of them starts again.
PARAMETERS = np.array([(5, 3, 1), (-40, 7, 2), (11, 9, -4)])
WALK = Generator(
    (GeneratorLoop(3, 4), GeneratorLoop(2, 1, 1)), base=2, parameter=1, data_driven=True
)


def clamped(value: int) -> int:
    return min(max(value, -90), 100)


def expected(mode: str, row: int, words: tuple[int, ...]) -> int:
    """The result of a tile's requantiser, by the formulas of ``Requantiser`` (shift 2, zero point -7)."""
    bias, multiplier, rounding = (int(v) for v in PARAMETERS[row % 3])
    if mode == "pair":
        bias_1, multiplier_1, rounding_1 = (int(v) for v in PARAMETERS[(row + 1) % 3])
        total = multiplier * (words[0] + bias) + multiplier_1 * (words[1] + bias_1) + rounding_1
        return clamped(total >> 2)
    if mode == "multiply_shift":
        return clamped((multiplier * (words[0] + bias) + rounding) >> 2)
    # products of few bits are exact in float32, and so is round's tie to even
    return clamped(round(multiplier * (words[0] + bias) / 4) - 7)


def settings(mode: RequantiseMode) -> TileConfiguration:
    requantiser = Requantiser(mode, 0, 2, -7, -90, 100)
    return TileConfiguration(write_generators=(WALK,), requantiser=requantiser)


def drain(fabric: Fabric, tiles: dict[str, TileConfiguration]) -> DrainChain:
    told = Configuration(fabric_hash(fabric), 1, (8,), (), 8, (), tuple(tiles.items()))
    return DrainChain.of(fabric, told, {name: PARAMETERS for name in tiles})


@pytest.mark.parametrize("mode", ["multiply_shift", "float32", "pair"])
def test_a_requantiser_gives_one_result_for_each_step_of_its_generator(
    mode: RequantiseMode,
) -> None:
    writer = drain(small_fabric(), {"west_1": settings(mode)}).writers[1]
    words_of_result = 2 if mode == "pair" else 1
    noise = np.random.default_rng(3)
    addresses = [2, 3, 6, 7, 10, 11]
    rows = [1, 2, 1, 2, 1, 2]
    for address, row in zip(addresses, rows, strict=True):
        words = tuple(int(v) for v in noise.integers(-60, 61, words_of_result))
        for word in words[:-1]:
            assert writer.take(word) is None
        assert writer.take(words[-1]) == (address, expected(mode, row, words) & 255)
    assert all(writer.take(k) is None for k in range(4)), "the generator is at its end"


def test_parameter_rows_start_again_after_the_last() -> None:
    requantiser = Requantiser("pair", 0, 2, -7, -90, 100)
    walk = Generator((GeneratorLoop(5, 1, 1),), parameter=1, data_driven=True)
    writer = Writer(0, 6, requantiser, None, address_sequence(walk, 5), PARAMETERS)
    for k in range(5):
        assert writer.take(k) is None
        assert writer.take(-k) == (k, expected("pair", k + 1, (k, -k)) & 63)


def test_every_western_tile_serves_the_row_of_its_cell() -> None:
    fabric = small_fabric()
    swapped = replace(fabric, tiles=(*fabric.tiles[2:], *reversed(fabric.tiles[:2])))
    assert drain(fabric, {}).row_tiles == (0, 1)
    assert drain(swapped, {}).row_tiles == (3, 2)
    both = drain(swapped, {"west_0": settings("float32"), "west_1": TileConfiguration()})
    assert list(both.writers) == [3]
    assert (both.writers[3].tile, both.writers[3].bits) == (3, 8)


def test_a_word_moves_one_cell_west_in_a_cycle_and_its_result_is_written_after_the_latency() -> (
    None
):
    """Words of the middle and the eastern cell of row 1, drained together, reach the tile one cycle apart."""
    fabric = small_fabric()
    chain = drain(fabric, {"west_1": settings("multiply_shift")})
    banks = Banks.of(fabric, {})
    first, drained_at = banks.first[1], 4
    results = [expected("multiply_shift", row, (word,)) & 255 for row, word in ((1, 20), (2, -9))]
    written: dict[int, list[int]] = {}
    for cycle in range(drained_at + TILE_REQUANTISE_LATENCY + 8):
        chain.arrive(cycle)
        for place, value in chain.results(cycle, banks):
            banks.cells[place] = value
        chain.shift((np.array([4, 5]), np.array([20, -9])) if cycle == drained_at else None)
        written[cycle] = banks.cells[first + 2 : first + 4].tolist()
    # in cycle 4 the words enter the chain; the middle cell's is in the west one later, at its tile after that
    due = drained_at + 2 + TILE_REQUANTISE_LATENCY
    assert [written[due - 1], written[due], written[due + 1]] == [
        [0, 0],
        [results[0], 0],
        results,
    ]
    assert np.count_nonzero(banks.cells) == 2
    assert chain.busy == 0


def test_rows_drain_at_the_same_time_into_their_own_tiles() -> None:
    fabric = small_fabric()
    chain = drain(fabric, {name: settings("multiply_shift") for name in ("west_0", "west_1")})
    banks = Banks.of(fabric, {})
    for cycle in range(30):
        chain.arrive(cycle)
        for place, value in chain.results(cycle, banks):
            banks.cells[place] = value
        cells = {0: (2, 5), 1: (0, 3), 5: (1, 4)}.get(cycle)
        chain.shift(None if cells is None else (np.array(cells), np.array([cycle, 10 * cycle])))
    for tile, factor in ((0, 1), (1, 10)):
        start = banks.first[tile]
        steps = zip((2, 3, 6), (1, 2, 1), (1, 0, 5), strict=True)
        for address, row, word in steps:  # cell 0 of cycle 1 is west before cell 2 of cycle 0
            result = expected("multiply_shift", row, (factor * word,)) & 255
            assert banks.cells[start + address] == result


def test_a_drained_word_that_meets_a_passing_one_is_a_mismatch_that_names_the_cell() -> None:
    chain = drain(small_fabric(), {})
    chain.shift((np.array([5]), np.array([1])))
    with pytest.raises(Mismatch, match=r"cells \[4\]"):
        chain.shift((np.array([1, 4]), np.array([2, 3])))
