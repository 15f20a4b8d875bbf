"""A timeline in slices: for each state of a process, how many cycles of every slice it spends there."""

from __future__ import annotations

SLICES = 72
"""At most so many slices of a timeline."""
STATES = ("works", "works_on_others", "waits_for_input", "waits_for_room")


def add_cycles(slices: list[int], first: int, last: int, length: int) -> None:
    """Count the cycles from ``first`` until before ``last`` into slices of ``length``."""
    first = max(0, first)
    while first < last:
        place = first // length
        if place >= len(slices):
            return
        until = min(last, (place + 1) * length)
        slices[place] += until - first
        first = until
