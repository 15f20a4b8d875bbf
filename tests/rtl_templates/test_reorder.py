"""Reorder delivers the words of pixels in row-major order."""

from __future__ import annotations

import pytest
from amaranth.hdl import unsigned
from hlsgen.rtl_templates.stream.reorder import Reorder
from hlsgen.sim.unit_check import check_stream_unit


def traffic(pixels: int, words: int, row: int, rows: int) -> tuple[list[int], list[int]]:
    """Words numbered by their place in the output; those past a row's end are 0xFFF."""
    inputs = []
    for y in range(rows):
        for first in range(0, row, pixels):
            for w in range(words):
                for x in range(first, first + pixels):
                    inputs.append((y * row + x) * words + w if x < row else 0xFFF)
    return inputs, list(range(rows * row * words))


@pytest.mark.parametrize(
    ("pixels", "words", "row"),
    [
        (2, 3, 4),
        (2, 3, 5),
        (3, 4, 7),
        (4, 2, 3),
        (4, 5, 1),
        (3, 1, 6),
        (3, 1, 7),
        (1, 3, 4),
        (2, 2, 6),
    ],
)
def test_words_leave_in_row_major_order(pixels: int, words: int, row: int) -> None:
    inputs, expected = traffic(pixels, words, row, rows=4)

    def make() -> Reorder:
        return Reorder(unsigned(12), pixels=pixels, words=words, row_pixels=row)

    group = pixels * words - 1 if words > 1 else 0
    whole = row % pixels == 0
    check_stream_unit(
        make,
        inputs,
        expected,
        latency=group + make().contract.latency,
        cycles=len(expected) - 1 if whole else None,
    )


def test_reorder_refuses_counts_below_one() -> None:
    with pytest.raises(ValueError, match="positive"):
        Reorder(unsigned(8), pixels=2, words=0, row_pixels=3)
