"""The carry chains of a product of LUTs: what LutProduct is made of, and what costs are made from."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.algebra.types import ElementType


@dataclass(frozen=True)
class LutProductChains:
    """The carry chains of a LutProduct: the ``digits`` by which the ``wide`` factor is multiplied, the bits of the ``products``
    with them and of the ``sums`` in the tree; bits of all ``registers``."""

    wide: ElementType
    digits: tuple[ElementType, ...]
    products: tuple[int, ...]
    sums: tuple[int, ...]
    registers: int


def lut_product_chains(a: ElementType, b: ElementType) -> LutProductChains:
    """The chains of ``a * b``: the narrower factor (b, where equal) is cut into two-bit digits, whose products are added in a tree."""
    wide, narrow = (a, b) if b.bits <= a.bits else (b, a)
    last = narrow.bits - (2 - narrow.bits % 2)
    factors = [ElementType(2, False)] * (last // 2) + [
        ElementType(narrow.bits - last, narrow.signed)
    ]
    digits = tuple(factors)
    products = tuple(_product(wide, factor).bits for factor in factors)
    sums: list[int] = []
    registers = sum(products)
    while len(factors) > 1:
        level = []
        for k in range(0, len(factors), 2):
            low, *rest = factors[k : k + 2]
            joined = ElementType(low.bits + rest[0].bits, rest[0].signed) if rest else low
            whole = _product(wide, joined).bits
            sums += [whole - low.bits] * len(rest)
            registers += whole
            level.append(joined)
        factors = level
    return LutProductChains(wide, digits, products, tuple(sums), registers)


def _product(a: ElementType, b: ElementType) -> ElementType:
    """The narrowest type of every product."""
    corners = [x * y for x in (a.minimum, a.maximum) for y in (b.minimum, b.maximum)]
    return ElementType.holding(min(corners), max(corners))
