"""Programs of the load port: words and back, long writes, banks and parameters as words."""

from __future__ import annotations

import numpy as np
import pytest
from support.example_fabrics import small_fabric

from hlsgen.errors import BadFile
from hlsgen.fabric.packets import (
    LONGEST,
    HelloPacket,
    Packet,
    ReadPacket,
    RunPacket,
    WaitPacket,
    WritePacket,
    from_words,
    to_words,
)
from hlsgen.fabric.program import bank_elements, bank_words, write_parameters

PACKETS: tuple[Packet, ...] = (
    HelloPacket(0xFFFFFFFF),
    WritePacket(0xFFF, 0x2FFFFFFF, (0, 0xFFFFFFFF, 5)),
    WritePacket(3, 0, ()),
    RunPacket(),
    ReadPacket(7, 12, LONGEST),
    WaitPacket(),
)


def test_words_are_read_back_as_the_packets_they_were_made_of() -> None:
    assert from_words(to_words(PACKETS)) == tuple(p for p in PACKETS if p != WritePacket(3, 0, ()))
    assert len(to_words(())) == 0


def test_a_write_longer_than_a_packet_becomes_several() -> None:
    words = tuple(range(LONGEST + 2))
    first, second = from_words(to_words([WritePacket(1, 10, words)]))
    assert first == WritePacket(1, 10, words[:LONGEST])
    assert second == WritePacket(1, 10 + LONGEST, words[LONGEST:])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((5 << 28, 0), "found 5"),
        ((1 << 28,), "expected 2 more words, found 1"),
        ((1 << 28 | 3, 0, 1, 2), "expected 3 more words, found 2"),
    ],
)
def test_words_that_are_no_program_are_refused(words: tuple[int, ...], problem: str) -> None:
    with pytest.raises(BadFile) as error:
        from_words(words)
    assert problem in str(error.value)
    assert len(str(error.value).splitlines()) == 3


@pytest.mark.parametrize("signed", [True, False])
def test_elements_lie_in_words_lowest_first(signed: bool) -> None:
    west, north = small_fabric().tile("west_0"), small_fabric().tile("north_1")
    assert bank_words(west, [1, -1, 2, 3, 4]) == (0x0302FF01, 4)
    assert bank_words(north, [1, -1, 2]) == (0xFFFF0001, 2)
    elements = np.arange(8) - (4 if signed else 0)
    for tile in (west, north):
        unpacked = bank_elements(tile, bank_words(tile, elements), signed)
        np.testing.assert_array_equal(unpacked, elements)


def test_parameter_rows_are_four_words_each() -> None:
    fabric = small_fabric()
    packet = write_parameters(fabric, fabric.tile("west_1"), 2, [(-1, 7, -(1 << 33))])
    assert packet == WritePacket(7, (3 << 28) + 8, (0xFFFFFFFF, 7, 0, 0xFFFFFFFE))
