"""Bits, bytes and arrays of element types, on every value of the narrow ones and the ends of the wide ones."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.algebra.types import ElementType, wrap

TYPES = [ElementType(bits, signed) for bits in range(1, 65) for signed in (False, True)]


def values_of(element: ElementType) -> np.ndarray:
    if element.bits <= 8:
        return np.arange(element.minimum, element.maximum + 1, dtype=np.int64)
    ends = (element.minimum, -1, 0, 1, min(element.maximum, (1 << 63) - 1))
    return np.array([v for v in ends if v >= element.minimum], dtype=np.int64)


@pytest.mark.parametrize("element", TYPES, ids=str)
def test_values_come_back_from_their_bits(element: ElementType) -> None:
    values = values_of(element)
    patterns = element.encode(values)
    if element.bits < 64:
        assert patterns.min() >= 0 and patterns.max() < 1 << element.bits
    if element.bits < 63:
        above = patterns | np.int64(1) << element.bits
        assert (element.decode(above) == values).all(), "bits above the value's count"
    assert (element.decode(patterns) == values).all()
    assert [element.decode(element.encode(int(v))) for v in values] == values.tolist()


@pytest.mark.parametrize("element", TYPES, ids=str)
def test_bytes_are_those_of_the_little_endian_number(element: ElementType) -> None:
    values = values_of(element)
    raw = element.to_bytes(values)
    assert raw.shape == (len(values), element.bytes) and raw.dtype == np.uint8
    for value, row in zip(values.tolist(), raw, strict=True):
        pattern = value % (1 << element.bits)
        assert row.tobytes() == pattern.to_bytes(element.bytes, "little")


@pytest.mark.parametrize("element", TYPES, ids=str)
def test_arrays_hold_every_value(element: ElementType) -> None:
    values = values_of(element)
    for held in (element.storage, element.native) if element.bits < 64 else (element.native,):
        assert (values.astype(held) == values).all()


def test_bytes_of_tensors_are_held_as_bytes_and_wide_unsigned_values_as_signed() -> None:
    held = {name: ElementType.parse(name).storage for name in ("u8", "s8", "u9", "u16", "s24")}
    expected = {"u8": "uint8", "s8": "int8", "u9": "int16", "u16": "int32", "s24": "int32"}
    assert held == {name: np.dtype(kind) for name, kind in expected.items()}


def test_users_arrays_have_the_name_of_their_type() -> None:
    for name in ("s8", "u8", "s16", "u16", "s32", "u32"):
        expected = f"{'u' if name[0] == 'u' else ''}int{name[1:]}"
        assert ElementType.parse(name).native == np.dtype(expected)


def test_words_wrap_as_the_fixed_width_integers_of_numpy() -> None:
    values = np.arange(-700, 700)
    assert (wrap(values, 8) == values.astype(np.int8)).all()
    assert [wrap(int(v), 8) for v in values] == values.astype(np.int8).tolist()
