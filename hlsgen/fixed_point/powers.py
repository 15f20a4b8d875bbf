"""Powers of a positive fixed-point number and its logarithm, by its leading one.

With n the bits of the greatest integer and k the zeros before the leading one of x, m = x * 2**k is in [2**(n-1), 2**n): a power of x is
that of m, a polynomial by segment, times one of n constants; a logarithm is that of m plus one of n constants.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.algebra.expression import Expression, Literal, Operand
from hlsgen.algebra.types import ElementType
from hlsgen.fixed_point import terms
from hlsgen.fixed_point.format import Format
from hlsgen.fixed_point.functions import piecewise

MANTISSA_BITS = 3
"""Of the power of m and of constants, beyond those of the result."""


def by_zeros(x: Expression, bits: int, values: Sequence[int]) -> Expression:
    """values[k] for a positive x of ``bits`` bits with k zeros before its leading one; values[-1] where x has fewer than 2 bits less."""
    total: Expression = Literal(values[0])
    for k in range(1, len(values)):
        step = values[k] - values[k - 1]
        if step:
            total = terms.add(total, terms.at_least(x, 1 << (bits - k), step, 0))
    return total


def normaliser(low: int, high: int) -> tuple[Expression, ElementType]:
    """m of r0, which is clamped to [max(low, 1), high]."""
    bits = high.bit_length()
    x = terms.clamp(Operand("r0"), max(low, 1), high)
    factors = [1 << k for k in range(_zeros(low, high) + 1)]
    m = terms.multiply(x, by_zeros(x, bits, factors))
    element = ElementType(bits, False)
    return terms.clamp(m, 1 << (bits - 1), element.maximum), element


def power(
    exponent: float, source: Format, low: int, high: int, target: Format
) -> Expression | None:
    """x ** exponent of r0 = m and r1 = x; None where the polynomial is not close enough."""
    bits = high.bit_length()
    precision = target.element.bits + MANTISSA_BITS
    own = Format(ElementType(bits + 1, True), bits - 1)  # m in [1, 2)
    top = max(1.0, 2.0**exponent)
    inner = Format.holding(precision + 1, 0.0, top)
    mantissa = piecewise(
        lambda m: np.asarray(m**exponent), own, 1 << (bits - 1), (1 << bits) - 1, inner
    )
    if mantissa is None:
        return None
    # x = m * 2**(bits - 1 - k - fraction) for m in [1, 2)
    scales = [
        2.0 ** (exponent * (bits - 1 - k - source.fraction)) for k in range(_zeros(low, high) + 1)
    ]
    largest = Format.holding(precision + 1, 0.0, max(scales))
    constants = [int(v) for v in largest.quantise(scales)]
    x = terms.clamp(Operand("r1"), max(low, 1), high)
    product = terms.multiply(mantissa.expression, by_zeros(x, bits, constants))
    return terms.brought(product, inner.fraction + largest.fraction, target)


def logarithm(source: Format, low: int, high: int, target: Format) -> Expression | None:
    """log(x) of r0 = m and r1 = x; None where the polynomial is not close enough."""
    bits = high.bit_length()
    own = Format(ElementType(bits + 1, True), bits - 1)
    inner = Format(ElementType(target.element.bits + 8, True), target.fraction + MANTISSA_BITS)
    mantissa = piecewise(np.log, own, 1 << (bits - 1), (1 << bits) - 1, inner)
    if mantissa is None:
        return None
    reals = [np.log(2.0) * (bits - 1 - k - source.fraction) for k in range(_zeros(low, high) + 1)]
    constants = [round(float(v) * 2.0**inner.fraction) for v in reals]
    x = terms.clamp(Operand("r1"), max(low, 1), high)
    total = terms.add(mantissa.expression, by_zeros(x, bits, constants))
    return terms.brought(total, inner.fraction, target)


def _zeros(low: int, high: int) -> int:
    """The most zeros before the leading one."""
    return high.bit_length() - max(low, 1).bit_length()
