"""The narrowest integers that hold a range, for every small range."""

from __future__ import annotations

import pytest

from hlsgen.algebra.expression import Call, Literal, Operand, expression_type
from hlsgen.algebra.scalar import Add, Multiply
from hlsgen.algebra.types import BIPOLAR, S8, U8, ElementType, bounds, narrowest
from hlsgen.errors import TypeMismatch


def test_narrowest_holds_every_small_range_and_one_bit_less_does_not() -> None:
    for low in range(-40, 41):
        for high in range(low, 41):
            bits, signed = narrowest(low, high)
            assert signed == (low < 0)
            least, most = bounds(bits, signed)
            assert least <= low and high <= most, (low, high)
            if bits > 1:
                less, fewer = bounds(bits - 1, signed)
                assert low < less or high > fewer, f"[{low}, {high}] fits {bits - 1} bits"


def test_a_negative_constant_takes_no_bit_too_many() -> None:
    assert ElementType.holding(-16, -16) == ElementType(5, True)
    assert expression_type(Literal(-128), {}) == S8


def test_widths_beyond_64_bits_are_known_but_are_not_element_types() -> None:
    assert narrowest(0, (1 << 90) - 1) == (90, False)
    with pytest.raises(TypeMismatch, match="expected 1 to 64 bits, found 90"):
        ElementType.holding(0, (1 << 90) - 1)


def test_type_of_an_expression_follows_the_rules_of_its_operators() -> None:
    # every step widens to a whole type: -2 is s2, its product with an s8 is s10 and the sum s11
    tree = Call(Add(), (Operand("acc"), Call(Multiply(), (Operand("r0"), Literal(-2)))))
    assert expression_type(tree, {"acc": U8, "r0": S8}) == ElementType(11, True)


def test_a_bipolar_value_is_one_bit_its_sign() -> None:
    assert (BIPOLAR.minimum, BIPOLAR.maximum, BIPOLAR.bits, BIPOLAR.bytes) == (-1, 1, 1, 1)
    for value, pattern in ((1, 0), (-1, 1)):
        assert (BIPOLAR.encode(value), BIPOLAR.decode(pattern)) == (pattern, value)
    assert ElementType.parse(str(BIPOLAR)) == BIPOLAR
    assert BIPOLAR.at_ports == ElementType(2, True) == ElementType.holding(-1, 1)
    assert BIPOLAR.twos_complement == ElementType(2, True, symmetric=True)
    assert BIPOLAR not in (ElementType(1, True), ElementType(1, False))


@pytest.mark.parametrize("bits", [2, 3, 8, 16])
def test_a_symmetric_type_lacks_the_least_integer(bits: int) -> None:
    narrow, full = ElementType(bits, True, symmetric=True), ElementType(bits, True)
    assert (narrow.minimum, narrow.maximum) == (full.minimum + 1, full.maximum)
    assert ElementType.parse(str(narrow)) == narrow
    assert narrow.encode(-1) == full.encode(-1) and narrow.span == full.span - 1


@pytest.mark.parametrize("text", ["u8n", "n8", "s", "s8nn"])
def test_other_texts_are_no_types(text: str) -> None:
    with pytest.raises(TypeMismatch, match="expected s<bits> or u<bits>"):
        ElementType.parse(text)
