"""Division by constants: every dividend of 16 bits, and the dividends of 32 bits at which a quotient changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.algebra.types import bounds, wrap
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.loops.ir import Constant
from hlsgen.loops.python.division import quotient
from hlsgen.loops.python.symbols import Word

DIVISORS = (3, 5, 6, 7, 9, 10, 11, 13, 25, 60, 100, 127, 255, 641, 1000, 4097, 32767)


def divided(values: np.ndarray, divisor: int, bits: int, signed: bool) -> np.ndarray:
    """What the operations give for dividends, signed words of ``bits`` bits."""
    known: dict[int, Any] = {}

    def value(word: Word) -> Any:
        return known.get(id(word), getattr(word.operand, "value", None))

    words: list[Word] = []  # kept, so that no two have one identity

    def emit(name: str, *operands: Word) -> Word:
        operator = WORD_OPERATORS[name]
        result = Word(Constant(0), 0)
        words.append(result)
        known[id(result)] = wrap(operator.meaning(bits, *map(value, operands)), bits)
        return result

    word = Word(Constant(0), 0)
    known[id(word)] = wrap(values, bits)
    low, high = bounds(bits, signed)
    result = value(quotient(emit, bits, signed, word, divisor, low, high))
    return np.asarray(result if signed else result & ((1 << bits) - 1))


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("divisor", DIVISORS)
def test_every_dividend_of_16_bits(divisor: int, signed: bool) -> None:
    low, high = bounds(16, signed)
    values = np.arange(low, high + 1)
    np.testing.assert_array_equal(divided(values, divisor, 16, signed), values // divisor)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("divisor", [*DIVISORS, 65537, 1000003, (1 << 30) + 1, (1 << 31) - 1])
def test_dividends_of_32_bits_where_quotients_change(divisor: int, signed: bool) -> None:
    low, high = bounds(32, signed)
    random = np.random.default_rng(divisor).integers(low // divisor, high // divisor + 1, 20000)
    multiples = np.concatenate([[low // divisor, -1, 0, 1, high // divisor], random]) * divisor
    values = np.concatenate([multiples - 1, multiples, multiples + 1, [low, high]])
    values = values[(values >= low) & (values <= high)]
    np.testing.assert_array_equal(divided(values, divisor, 32, signed), values // divisor)
