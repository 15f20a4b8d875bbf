"""Rotating registers, against a register file that is played through."""

from __future__ import annotations

import itertools
import random

import pytest

from hlsgen.schedule.grid_kernel.register_allocation import Kept, assign

CELL = (0, 0)


def clobbered(chosen: dict[Kept, int], ii: int, registers: int) -> bool:
    """Whether any word is overwritten before its last read, when all iterations write what they write."""
    held: dict[int, tuple[Kept, int]] = {}
    writes: dict[int, list[tuple[Kept, int]]] = {}
    reads: dict[int, list[tuple[Kept, int]]] = {}
    iterations = 4 * registers + 8
    for word in chosen:
        for n in range(iterations):
            writes.setdefault(word.written + n * ii, []).append((word, n))
            reads.setdefault(word.read + n * ii, []).append((word, n))
    for cycle in range(max(reads) + 1):
        for word, n in reads.get(cycle, ()):
            if held.get((chosen[word] - n) % registers) != (word, n):
                return True
        for word, n in writes.get(cycle, ()):
            held[(chosen[word] - n) % registers] = (word, n)
    return False


def random_words(draw: random.Random, ii: int, count: int) -> list[Kept]:
    slots = draw.sample(range(ii), min(count, ii))
    words = []
    for slot in slots:
        written = slot + ii * draw.randint(0, 3)
        words.append(Kept(CELL, written, written + draw.randint(1, 3 * ii)))
    return words


@pytest.mark.parametrize("seed", range(40))
def test_no_word_is_overwritten_before_its_last_read(seed: int) -> None:
    draw = random.Random(seed)
    ii, registers = draw.randint(1, 5), draw.randint(1, 6)
    words = random_words(draw, ii, draw.randint(1, 5))
    chosen = assign(words, ii, registers)
    if chosen is not None:
        assert not clobbered(dict(chosen), ii, registers)


@pytest.mark.parametrize("seed", range(40))
def test_where_none_is_found_there_is_none(seed: int) -> None:
    draw = random.Random(seed)
    ii, registers = draw.randint(1, 3), draw.randint(1, 3)
    words = random_words(draw, ii, 3)
    every = itertools.product(range(registers), repeat=len(words))
    possible = any(
        not clobbered(dict(zip(words, chosen, strict=True)), ii, registers) for chosen in every
    )
    assert (assign(words, ii, registers) is not None) == possible


def test_a_word_may_be_written_in_the_cycle_of_the_last_read_of_another() -> None:
    words = [Kept(CELL, 0, 2), Kept(CELL, 2, 4)]
    assert assign(words, 4, 1) is not None
    assert assign([Kept(CELL, 0, 3), words[1]], 4, 1) is None


def test_a_word_that_lives_longer_than_all_registers_rotate_is_refused() -> None:
    assert assign([Kept(CELL, 0, 8)], 2, 4) is not None
    assert assign([Kept(CELL, 0, 9)], 2, 4) is None
