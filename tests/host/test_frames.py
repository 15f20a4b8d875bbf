"""Frames of the host against a second reading of the page, and against damage."""

from __future__ import annotations

import random

import pytest
from support.link_frames import frame, frames

from hlsgen.algebra.link import COUNTERS, IDENTITY, LONGEST, TO_BOARD, TO_HOST
from hlsgen.host.frames import Decoder, Frame, numbers

CHANCE = random.Random(5)
SAMPLES = [
    Frame(
        CHANCE.randrange(256),
        CHANCE.randrange(1 << 16),
        bytes(CHANCE.choice((0x7D, 0x7E, 0x5E, 0, 255)) for _ in range(size)),
    )
    for size in (0, 1, 2, 30, 254, LONGEST)
]


def test_a_frame_is_the_bytes_of_the_page() -> None:
    for sample in SAMPLES:
        encoded = sample.encoded()
        assert encoded == frame(sample.code, sample.position, sample.payload)
        assert list(frames(encoded)) == [(sample.code, sample.position, sample.payload)]


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_frames_are_decoded_in_pieces_of_any_size(piece: int) -> None:
    data = b"\x01\x02" + b"".join(sample.encoded() for sample in SAMPLES)
    decoder, came = Decoder(), []
    for place in range(0, len(data), piece):
        came += decoder.feed(data[place : place + piece])
    assert came == SAMPLES
    assert decoder.refused == 1  # what stood before the first flag


def test_a_frame_with_any_one_byte_damaged_or_lost_is_refused() -> None:
    data = Frame(0x40, 0x1234, bytes(range(0x60, 0x90))).encoded()
    for place in range(1, len(data) - 1):
        lost = data[:place] + data[place + 1 :]
        changes = [data[:place] + bytes((byte,)) + data[place + 1 :] for byte in range(256)]
        for damaged in (lost, *(change for change in changes if change != data)):
            assert list(Decoder().feed(damaged)) == []


def test_codes_are_distinct_and_those_of_ports_leave_room_for_them() -> None:
    kinds = (*TO_BOARD, *TO_HOST)
    codes = [code for kind in kinds for code in range(kind.code, kind.code + 16 * kind.of_port)]
    codes += [kind.code for kind in kinds if not kind.of_port]
    assert len(codes) == len(set(codes))
    assert all(kind.code < 0x80 for kind in TO_BOARD)
    assert all(0x80 <= kind.code < 0x100 for kind in TO_HOST)


def test_numbers_are_read_in_order_and_a_payload_of_another_length_is_none() -> None:
    payload = bytes(range(1, COUNTERS.length + 1))
    told = numbers(COUNTERS, payload)
    assert told is not None and told["cycles"] == 0x04030201 and list(told)[-1] == "measuring"
    assert numbers(IDENTITY, payload) is None
