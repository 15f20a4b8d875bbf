"""Word operators: what a PE of a fabric computes on words of one fixed width.

Unlike the scalar operators of ``scalar.py``, which never lose a bit, a result here is taken modulo 2**bits and read as two's
complement, as NumPy's fixed-width integers do. Every operator has a hardware partner of the same name in
``rtl_templates/arithmetic/word_units.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.algebra.types import wrap

Meaning = Callable[..., Any]


@dataclass(frozen=True)
class WordOperator:
    """``meaning(bits, *operands)`` on signed int64 arrays, before wrapping. ``accumulates``: keeps state in its unit.

    An accumulating operator's meaning takes (bits, accumulator, a[, b]) and gives the new accumulator.
    """

    name: str
    operands: int
    meaning: Meaning
    commutative: bool = False
    accumulates: bool = False


def unsigned(value: Any, bits: int) -> Any:
    """The bits of a signed word read as an unsigned number."""
    return value & ((1 << bits) - 1)


def _multiply(bits: int, a: Any, b: Any) -> Any:
    # int64 products cannot overflow: words are at most 32 bits wide.
    return a * b


# A shift by all bits of a word leaves what one by more of them does: nothing, or the sign.


def _shift_left(bits: int, a: Any, b: Any) -> Any:
    return wrap(a, 32) << np.minimum(unsigned(b, bits), bits)


def _shift_right(bits: int, a: Any, b: Any) -> Any:
    return a >> np.minimum(unsigned(b, bits), bits)


def _shift_right_logical(bits: int, a: Any, b: Any) -> Any:
    return unsigned(a, bits) >> np.minimum(unsigned(b, bits), bits)


def _truth(value: Any) -> Any:
    return np.asarray(value).astype(np.int64)


_ALL = (
    WordOperator("move", 1, lambda bits, a: a),
    WordOperator("add", 2, lambda bits, a, b: a + b, commutative=True),
    WordOperator("subtract", 2, lambda bits, a, b: a - b),
    WordOperator("multiply", 2, _multiply, commutative=True),
    WordOperator("and", 2, lambda bits, a, b: a & b, commutative=True),
    WordOperator("or", 2, lambda bits, a, b: a | b, commutative=True),
    WordOperator("xor", 2, lambda bits, a, b: a ^ b, commutative=True),
    WordOperator("shift_left", 2, _shift_left),
    WordOperator("shift_right", 2, _shift_right),
    WordOperator("shift_right_logical", 2, _shift_right_logical),
    WordOperator("minimum", 2, lambda bits, a, b: np.minimum(a, b), commutative=True),
    WordOperator("maximum", 2, lambda bits, a, b: np.maximum(a, b), commutative=True),
    WordOperator("equal", 2, lambda bits, a, b: _truth(a == b), commutative=True),
    WordOperator("not_equal", 2, lambda bits, a, b: _truth(a != b), commutative=True),
    WordOperator("less", 2, lambda bits, a, b: _truth(a < b)),
    WordOperator("less_equal", 2, lambda bits, a, b: _truth(a <= b)),
    WordOperator(
        "less_unsigned", 2, lambda bits, a, b: _truth(unsigned(a, bits) < unsigned(b, bits))
    ),
    # select takes its predicate apart from its two operands: a where the predicate is true, else b
    WordOperator("select", 2, lambda bits, a, b: a),
    WordOperator("multiply_accumulate", 2, lambda bits, acc, a, b: acc + a * b, accumulates=True),
    WordOperator(
        "maximum_accumulate", 1, lambda bits, acc, a: np.maximum(acc, a), accumulates=True
    ),
)

WORD_OPERATORS: Mapping[str, WordOperator] = {operator.name: operator for operator in _ALL}
