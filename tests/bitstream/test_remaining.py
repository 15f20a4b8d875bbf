"""What is said to remain of a build."""

from __future__ import annotations

import pytest

from hlsgen.bitstream.remaining import ALMOST, Remaining, remaining_text
from hlsgen.cost.build_time import SHARES, build_seconds, part_seconds


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_parts_are_the_whole_build() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)
    assert sum(part_seconds("ecp5", 5000).values()) == pytest.approx(build_seconds("ecp5", 5000))
    assert part_seconds("xilinx7", 5000) == {}


def test_a_part_that_took_longer_makes_the_others_longer() -> None:
    remaining = Remaining({"synthesis": 10.0, "routing": 100.0})
    assert remaining.seconds() == 110
    remaining.done("synthesis", 30.0, reused=False)
    assert remaining.seconds() == 300


def test_a_part_of_an_earlier_build_says_nothing_of_the_pace() -> None:
    remaining = Remaining({"synthesis": 10.0, "routing": 100.0})
    remaining.done("synthesis", 30.0, reused=True)
    assert remaining.seconds() == 100


def test_each_stage_says_what_is_left_when_it_begins_and_its_share_grows() -> None:
    clock, seen = Clock(), []
    remaining = Remaining({"routing": 600.0, "packing": 60.0}, clock)
    show = remaining.during("routing", lambda what, share: seen.append((what, share)))
    show("placing", None)
    clock.now = 300
    show("placing", None)
    show("routing", None)
    clock.now = 10_000
    show("routing", None)
    assert seen == [
        ("placing, about 11 min left", 0.0),
        ("placing, about 11 min left", 0.5),
        ("routing, about 6 min left", 0.5),
        ("routing, about 6 min left", ALMOST),
    ]


def test_a_family_without_an_estimate_has_progress_without_one() -> None:
    seen = []
    show = Remaining({}).during("scripts", lambda what, share: seen.append((what, share)))
    show("writing Verilog", None)
    assert seen == [("writing Verilog", None)]


def test_seconds_in_words() -> None:
    assert remaining_text(5) == "less than a minute left"
    assert remaining_text(150) == "about 2 min left"
