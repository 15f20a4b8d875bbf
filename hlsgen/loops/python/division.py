"""Floor division of words by constants, as products with reciprocals (Granlund & Montgomery, "Division by invariant integers using
multiplication", 1994; Warren, "Hacker's Delight", 2013, chapter 10).

``floor(n / d) = (n * m) >> s`` for 0 <= n <= most, where m = ceil(2^s / d) and (m * d - 2^s) * most < 2^s. A negative n is
``-1 - (-1 - n)``, and ``floor(n / d) = -1 - floor((-1 - n) / d)``, where -1 - n is n with all bits turned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hlsgen.loops.ir import Constant
from hlsgen.loops.python.symbols import Word

Emit = Callable[..., Word]


@dataclass(frozen=True)
class ConstantReciprocal:
    """``(n * multiplier) >> shift`` is ``n // d`` for every n from 0 to ``most``."""

    multiplier: int
    shift: int


def reciprocal(divisor: int, most: int, least_shift: int = 0) -> ConstantReciprocal:
    """The one of the least shift that is not below ``least_shift``."""
    shift = least_shift
    while True:
        multiplier = -(-(1 << shift) // divisor)
        if (multiplier * divisor - (1 << shift)) * most < 1 << shift:
            return ConstantReciprocal(multiplier, shift)
        shift += 1


def quotient(
    emit: Emit, bits: int, signed: bool, word: Word, divisor: int, low: int, high: int
) -> Word:
    """``word // divisor`` for a divisor of at least 2; ``low`` <= word <= ``high``, read as ``signed`` words of ``bits`` bits.

    One product where it fits a word, else four of half words. ``emit``: makes an operation of a name and operands.
    """
    if low >= 0:
        return _of_positive(emit, bits, word, divisor, high)
    assert signed, "words without a sign have no negative values"
    sign = emit("shift_right", word, _constant(bits - 1))
    turned = emit("xor", word, sign)
    positive = _of_positive(emit, bits, turned, divisor, max(high, -1 - low))
    return emit("xor", positive, sign)


def _of_positive(emit: Emit, bits: int, word: Word, divisor: int, most: int) -> Word:
    factor = reciprocal(divisor, most)
    if most * factor.multiplier < 1 << bits:
        product = emit("multiply", word, _constant(_wrapped(factor.multiplier, bits)))
        return emit("shift_right_logical", product, _constant(factor.shift))
    factor = reciprocal(divisor, most, bits)
    if factor.multiplier < 1 << bits:
        upper = _upper_product(emit, bits, word, factor.multiplier)
        return emit("shift_right_logical", upper, _constant(factor.shift - bits))
    # A multiplier of one bit more: 2^bits * word is added behind the product, halved so that the sum fits a word.
    upper = _upper_product(emit, bits, word, factor.multiplier - (1 << bits))
    half = emit("shift_right_logical", emit("subtract", word, upper), _constant(1))
    return emit("shift_right_logical", emit("add", half, upper), _constant(factor.shift - bits - 1))


def _upper_product(emit: Emit, bits: int, word: Word, multiplier: int) -> Word:
    """The upper word of the product of two words without signs, from products of their halves."""
    half, mask = bits // 2, (1 << bits // 2) - 1
    low, high = (
        emit("and", word, _constant(mask)),
        emit("shift_right_logical", word, _constant(half)),
    )
    below, above = _constant(multiplier & mask), _constant(multiplier >> half)
    least = emit("shift_right_logical", emit("multiply", low, below), _constant(half))
    crossed = emit("multiply", high, below)
    other = emit("multiply", low, above)
    # At most (2^h - 1)^2 + 2 (2^h - 1) = 2^bits - 1: no carry is lost.
    middle = emit("add", emit("add", crossed, least), emit("and", other, _constant(mask)))
    carried = emit("shift_right_logical", middle, _constant(half))
    upper = emit("add", emit("multiply", high, above), carried)
    return emit("add", upper, emit("shift_right_logical", other, _constant(half)))


def _constant(value: int) -> Word:
    return Word(Constant(value), 0)


def _wrapped(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
