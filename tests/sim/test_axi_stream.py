"""The stream drivers see every breach of the rules, and keep the rules themselves."""

from __future__ import annotations

import pytest
from hlsgen.sim.axi_stream import Sink, Source
from hlsgen.sim.stalls import STALLS, StallPattern

Beat = tuple[bool, int, bool]
"""(tvalid, tdata, tlast) of one cycle."""


class Scripted(StallPattern):
    """Willing as a script says, always after its end."""

    def __init__(self, script: str) -> None:
        super().__init__("none", "")
        self._script = list(script)

    def willing(self) -> bool:
        return self._script.pop(0) == "1" if self._script else True


def _sink_after(ready: str, beats: list[Beat], expected: int = 2) -> Sink:
    sink = Sink("m_axis", expected, 2, Scripted(ready))
    for cycle, beat in enumerate(beats):
        sink.drive()
        sink.settle(cycle, *beat)
    return sink


def test_words_are_taken_where_valid_and_ready_meet() -> None:
    beats = [(False, 0, False), (True, 5, False), (True, 5, False), (True, 6, True)]
    sink = _sink_after("1011", beats)
    assert (sink.words, sink.cycles, sink.violations, sink.done) == ([5, 6], [2, 3], [], True)


@pytest.mark.parametrize(
    ("beats", "text"),
    [
        ([(True, 5, False), (False, 5, False)], "tvalid fell before tready"),
        ([(True, 5, False), (True, 7, False)], "tdata changed from 0x5 to 0x7"),
        ([(True, 5, False), (True, 5, True)], "tlast changed before tready"),
        ([(False, 0, False), (True, 5, True)], "tlast is 1 on word 0 of 2"),
        ([(False, 0, False), (True, 5, False), (True, 6, False)], "tlast is 0 on word 1 of 2"),
        (
            [(False, 0, False), (True, 5, False), (True, 6, True), (True, 7, False)],
            "more than the expected 2",
        ),
    ],
)
def test_each_breach_of_a_rule_is_named(beats: list[Beat], text: str) -> None:
    sink = _sink_after("0111", beats)
    assert any(text in violation for violation in sink.violations)


def test_a_breach_is_reported_once_with_its_first_cycle() -> None:
    beats = [(True, 5, False), (False, 0, False)] * 3
    assert _sink_after("0" * 6, beats).violations == [
        "m_axis, cycle 1: tvalid fell before tready was given"
    ]


def test_a_source_holds_its_word_until_it_is_accepted() -> None:
    source = Source([1, 2, 3, 4], 2, Scripted("0100"))
    seen = []
    for cycle, ready in enumerate([True, False, True, True, True, True, True]):
        seen.append(source.drive())
        source.settle(cycle, ready)
    silent = (False, 0, False)
    assert seen[:3] == [silent, (True, 1, False), (True, 1, False)]
    assert seen[3:] == [silent, (True, 2, True), (True, 3, False), (True, 4, True)]
    assert source.first_accepted == [2, 5] and source.done


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("none", 1.0, 1.0), ("random", 0.65, 0.75), ("bursty", 0.4, 0.6), ("mixed", 0.5, 0.95)],
)
def test_stall_patterns_are_willing_as_often_as_they_say(
    kind: str, least: float, most: float
) -> None:
    pattern = StallPattern(kind, "seed 1")
    share = sum(pattern.willing() for _ in range(20000)) / 20000
    assert least <= share <= most


@pytest.mark.parametrize("kind", STALLS)
def test_stall_patterns_repeat_for_the_same_seed(kind: str) -> None:
    first, second, other = (StallPattern(kind, seed) for seed in ("a", "a", "b"))
    runs = [[pattern.willing() for _ in range(500)] for pattern in (first, second, other)]
    assert runs[0] == runs[1]
    assert kind == "none" or runs[0] != runs[2]


def test_an_unknown_stall_is_refused() -> None:
    with pytest.raises(ValueError, match="mixed"):
        StallPattern("sometimes", "")
