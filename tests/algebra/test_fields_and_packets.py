"""Strings of fields and headers of packets go there and back; what does not fit is refused with numbers."""

from __future__ import annotations

import itertools

import pytest

from hlsgen.algebra.fields import Field, from_string, pitch, string_words, to_string
from hlsgen.algebra.packets import COMMANDS, COUNT_BITS, UNIT_BITS, head, split_head
from hlsgen.errors import DoesNotFit

FIELDS = (Field("a", 3), Field("b", 4, signed=True), Field("c", 30), Field("d", 2, signed=True))


def test_every_value_of_small_fields_comes_back() -> None:
    for a, b, d in itertools.product(range(8), range(-8, 8), range(-2, 2)):
        values = {"a": a, "b": b, "c": (1 << 30) - 1 - a, "d": d}
        words = to_string("unit", FIELDS, values)
        assert len(words) == string_words(FIELDS) == 2
        assert from_string(FIELDS, words) == values


@pytest.mark.parametrize(("name", "value"), [("a", 8), ("a", -1), ("b", 8), ("b", -9), ("d", 2)])
def test_a_value_outside_its_field_is_refused(name: str, value: int) -> None:
    with pytest.raises(DoesNotFit, match=f"unit, {name}\n.*found {value}"):
        to_string("unit", FIELDS, {name: value})


def test_a_field_that_the_unit_has_not_must_be_zero() -> None:
    assert to_string("unit", FIELDS, {"e": 0}) == (0, 0)
    with pytest.raises(DoesNotFit, match="expected no e: this unit has none"):
        to_string("unit", FIELDS, {"e": 1})


def test_strings_of_slots_begin_at_powers_of_two() -> None:
    assert [pitch([Field("x", bits)]) for bits in (1, 32, 33, 65, 129)] == [1, 1, 2, 4, 8]


def test_headers_come_back() -> None:
    units, counts = (0, 1, (1 << UNIT_BITS) - 1), (0, 1, (1 << COUNT_BITS) - 1)
    for fields in itertools.product(COMMANDS, units, counts):
        assert split_head(head(*fields)) == fields
        assert head(*fields) < 1 << 32
