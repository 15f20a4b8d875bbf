"""Word operators against arithmetic of whole numbers, for every pair of words of few bits; and what a row says of its operator."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np
import pytest

from hlsgen.algebra.types import wrap
from hlsgen.algebra.word import WORD_OPERATORS, unsigned

DEFINITIONS: dict[str, Callable[[int, int, int], int]] = {
    "move": lambda bits, a, b: a,
    "add": lambda bits, a, b: a + b,
    "subtract": lambda bits, a, b: a - b,
    "multiply": lambda bits, a, b: a * b,
    "and": lambda bits, a, b: a & b,
    "or": lambda bits, a, b: a | b,
    "xor": lambda bits, a, b: a ^ b,
    # an amount is unsigned; Python's shifts go on for ever
    "shift_left": lambda bits, a, b: a << (b % (1 << bits)),
    "shift_right": lambda bits, a, b: a >> (b % (1 << bits)),
    "shift_right_logical": lambda bits, a, b: a % (1 << bits) >> (b % (1 << bits)),
    "minimum": lambda bits, a, b: min(a, b),
    "maximum": lambda bits, a, b: max(a, b),
    "equal": lambda bits, a, b: int(a == b),
    "not_equal": lambda bits, a, b: int(a != b),
    "less": lambda bits, a, b: int(a < b),
    "less_equal": lambda bits, a, b: int(a <= b),
    "less_unsigned": lambda bits, a, b: int(a % (1 << bits) < b % (1 << bits)),
    "select": lambda bits, a, b: a,
}
ACCUMULATING: dict[str, Callable[[int, int, int], int]] = {
    "multiply_accumulate": lambda kept, a, b: kept + a * b,
    "maximum_accumulate": lambda kept, a, b: max(kept, a),
}


def signed(value: int, bits: int) -> int:
    """The lowest bits of a whole number in two's complement."""
    value %= 1 << bits
    return value - (1 << bits) if value >= 1 << (bits - 1) else value


def words(bits: int) -> np.ndarray:
    """Every word of few bits; of many the ends, powers of two and neighbours of these, and some between."""
    if bits <= 5:
        return np.arange(-(1 << (bits - 1)), 1 << (bits - 1))
    noise = np.random.default_rng(bits)
    powers = [
        sign * (1 << k) + step for k in range(bits) for sign in (1, -1) for step in (-1, 0, 1)
    ]
    between = noise.integers(-(1 << (bits - 1)), 1 << (bits - 1), 30)
    return np.array(sorted({signed(int(v), bits) for v in (*powers, *between)}))


def test_every_operator_has_a_definition_here() -> None:
    assert {**DEFINITIONS, **ACCUMULATING}.keys() == WORD_OPERATORS.keys()
    assert all(name == operator.name for name, operator in WORD_OPERATORS.items())


@pytest.mark.parametrize("bits", [1, 2, 5, 16, 32])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_an_operator_is_its_definition_modulo_two_to_the_bits(name: str, bits: int) -> None:
    operator = WORD_OPERATORS[name]
    a, b = (grid.reshape(-1) for grid in np.meshgrid(words(bits), words(bits)))
    result = wrap(np.asarray(operator.meaning(bits, *(a, b)[: operator.operands])), bits)
    expected = [
        signed(DEFINITIONS[name](bits, x, y), bits)
        if name != "shift_left" or y % (1 << bits) < 99
        else 0
        for x, y in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert result.tolist() == expected


@pytest.mark.parametrize("name", ACCUMULATING)
def test_an_accumulating_operator_gives_the_new_accumulator(name: str) -> None:
    operator = WORD_OPERATORS[name]
    for kept in (-1000, -3, 0, 2, 77_777):
        a, b = (grid.reshape(-1) for grid in np.meshgrid(words(4), words(4)))
        result = operator.meaning(4, np.int64(kept), *(a, b)[: operator.operands])
        pairs = zip(a.tolist(), b.tolist(), strict=True)
        assert result.tolist() == [ACCUMULATING[name](kept, x, y) for x, y in pairs]


@pytest.mark.parametrize("name", WORD_OPERATORS)
def test_a_row_says_what_its_operator_takes_and_whether_their_order_matters(name: str) -> None:
    operator = WORD_OPERATORS[name]
    taken = len(inspect.signature(operator.meaning).parameters)
    # select has its predicate beside its operands
    assert operator.operands == taken - 1 - operator.accumulates
    assert operator.accumulates == (name in ACCUMULATING)
    if name in ACCUMULATING:
        assert not operator.commutative
        return
    a, b = np.meshgrid(words(3), words(3))
    same = operator.operands == 2 and np.array_equal(
        operator.meaning(3, a, b), operator.meaning(3, b, a)
    )
    assert operator.commutative == same


def test_a_word_is_read_as_an_unsigned_number() -> None:
    assert unsigned(np.array([-1, -16, 0, 15]), 5).tolist() == [31, 16, 0, 15]
