"""Canonical signed digits: a number as the fewest powers of two, added and subtracted (Avizienis, 1961)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def signed_digits(number: int) -> Iterator[tuple[int, int]]:
    """(exponent, 1 or -1) of each digit that is not 0, the least first; no two are neighbours."""
    exponent = 0
    while number:
        if number & 1:
            digit = 2 - (number & 3)
            number -= digit
            yield exponent, digit
        number >>= 1
        exponent += 1


def digit_count(matrix: np.ndarray) -> int:
    """The digits of all elements together: one bit of 3 w xor w for each."""
    magnitude = np.abs(matrix.astype(np.int64))
    return int(np.bitwise_count((3 * magnitude) ^ magnitude).sum())
