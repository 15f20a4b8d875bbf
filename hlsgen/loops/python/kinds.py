"""What a value may be while the function itself runs: a word of an array, a truth, or a Python integer, which never wraps.

Hardware has words only. They hold a Python integer exactly where it is in range; its lowest bits they hold always, and those are all that
sums, products, left shifts and stores need. Everything else (right shifts, comparisons, extremes) needs the range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

UNBOUNDED = 1 << 80
"""Integers beyond this are not told apart: far more than any word holds."""

Range: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Kind:
    """``word``, ``truth``: whether it may be one; ``integer``: (least, greatest) Python integer, None where it is never one."""

    word: bool = False
    truth: bool = False
    integer: Range | None = None

    def joined(self, other: Kind) -> Kind:
        """What is one or the other."""
        return Kind(
            self.word or other.word,
            self.truth or other.truth,
            _hull(self.integer, other.integer),
        )

    @property
    def only_truth(self) -> bool:
        return self.truth and not self.word and self.integer is None

    @property
    def only_integer(self) -> bool:
        return self.integer is not None and not (self.word or self.truth)

    def widened(self, before: Kind) -> Kind:
        """With every bound that moved since ``before`` at infinity."""
        if self.integer is None or before.integer is None:
            return self
        low, high = self.integer
        low = low if low == before.integer[0] else -UNBOUNDED
        high = high if high == before.integer[1] else UNBOUNDED
        return replace(self, integer=(low, high))


WORD, TRUTH = Kind(word=True), Kind(truth=True)


def integer(low: int, high: int) -> Kind:
    """A Python integer in a range."""
    return Kind(integer=(max(low, -UNBOUNDED), min(high, UNBOUNDED)))


def _hull(a: Range | None, b: Range | None) -> Range | None:
    if a is None or b is None:
        return a if b is None else b
    return min(a[0], b[0]), max(a[1], b[1])


def computed(operator: str, a: Kind, b: Kind) -> Kind:
    """What a word operator gives in the function: a word if one operand is one, else an integer (truths count as integers)."""
    if not (a.integer or a.truth) or not (b.integer or b.truth):
        return Kind(word=a.word or b.word)
    x, y = (_hull(kind.integer, (0, 1) if kind.truth else None) for kind in (a, b))
    assert x is not None and y is not None
    low, high = _range(operator, x, y)
    return replace(integer(low, high), word=a.word or b.word)


def _range(operator: str, a: Range, b: Range) -> Range:
    match operator:
        case "add":
            return a[0] + b[0], a[1] + b[1]
        case "subtract":
            return a[0] - b[1], a[1] - b[0]
        case "multiply":
            return _corners([x * y for x in a for y in b])
        case "shift_left":
            amounts = [min(max(amount, 0), 80) for amount in b]
            return _corners([x << amount for x in a for amount in amounts])
        case "shift_right" | "shift_right_logical":
            amounts = [min(max(amount, 0), 80) for amount in b]
            return _corners([x >> amount for x in a for amount in amounts])
        case "minimum":
            return min(a[0], b[0]), min(a[1], b[1])
        case "maximum":
            return max(a[0], b[0]), max(a[1], b[1])
        case "and" if a[0] >= 0 or b[0] >= 0:
            return 0, min(high for low, high in (a, b) if low >= 0)
    assert operator in ("and", "or", "xor"), operator
    bits = max(bound.bit_length() for bound in (*a, *b))
    return (0 if min(a[0], b[0]) >= 0 else -(1 << bits)), (1 << bits) - 1


def _corners(values: Sequence[int]) -> Range:
    return min(values), max(values)
