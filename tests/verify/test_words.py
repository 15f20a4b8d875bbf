"""The order and the width of elements in words."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.algebra.types import ElementType
from hlsgen.artefact.port import Port
from hlsgen.verify.words import pack, pack_stream, unpack, unpack_stream


def _port(element: str, lanes: int) -> Port:
    return Port(
        "x",
        "x",
        (1, 5, 2, 3),
        (0, 2, 3, 1),
        (2, 3, 5),
        ElementType.parse(element),
        "s_axis",
        lanes,
    )


@pytest.mark.parametrize("element", ["s8", "u8", "s5", "s19", "u1", "s64"])
@pytest.mark.parametrize("lanes", [1, 2, 5, 7])
def test_packing_and_unpacking_give_the_tensors_back(element: str, lanes: int) -> None:
    port = _port(element, lanes)
    low, high = port.element.minimum, port.element.maximum
    random = np.random.default_rng(1)
    samples = random.integers(low, high, (3, 1, 5, 2, 3), endpoint=True)
    raw = pack(port, samples)
    assert len(raw) == 3 * port.words * port.word_bytes
    assert (unpack(port, raw, 3) == samples).all()


def test_words_hold_neighbouring_channels_lowest_first_and_are_filled_with_zeros() -> None:
    tensor = np.arange(30).reshape(1, 1, 5, 2, 3)
    raw = pack(_port("s8", 2), tensor)
    # Pixel (0, 0) has channels 0, 6, 12, 18, 24; pixel (0, 1) begins with 1.
    assert list(raw[:8]) == [0, 6, 12, 18, 24, 0, 1, 7]


def test_a_negative_element_leaves_its_padding_bits_zero() -> None:
    assert list(pack_stream(np.full((1, 1, 1, 2), -1), ElementType.parse("s5"), 2)) == [31, 31]


def test_internal_streams_are_unpacked_bit_by_bit() -> None:
    # Two s5 elements, -1 and 3, without padding between them: 00011 11111.
    stream = unpack_stream(
        bytes([0b01111111, 0]), 1, (1, 1, 2), ElementType.parse("s5"), 2, pitch=5
    )
    assert stream.tolist() == [[[[-1, 3]]]]
