"""StateLoop gives its initial words, and then every word that it took, in order."""

from __future__ import annotations

import pytest
from amaranth.hdl import unsigned
from hlsgen.rtl_templates.stream.state_loop import StateLoop
from hlsgen.sim.unit_check import PATTERNS, run_stream_unit

INITIAL = 0xA5


@pytest.mark.parametrize("idle", PATTERNS)
@pytest.mark.parametrize("backpressure", PATTERNS)
@pytest.mark.parametrize("words", [1, 2, 3, 5, 8])
def test_initial_words_come_first_and_none_is_lost(
    words: int, idle: str, backpressure: str
) -> None:
    arriving = list(range(40))
    unit = StateLoop(unsigned(8), words=words, initial=INITIAL)
    run = run_stream_unit(
        unit,
        arriving,
        words + len(arriving),
        idle=idle,
        backpressure=backpressure,
        seed=f"{words}",
    )
    assert run.words == (*[INITIAL] * words, *arriving)


@pytest.mark.parametrize("words", [1, 2, 3, 8])
def test_it_passes_a_word_every_cycle(words: int) -> None:
    unit = StateLoop(unsigned(8), words=words, initial=0)
    run = run_stream_unit(unit, list(range(60)), words + 60)
    assert run.delivered[-1] - run.delivered[30] == words + 60 - 31


def test_the_initial_words_are_offered_before_any_has_arrived() -> None:
    run = run_stream_unit(StateLoop(unsigned(8), words=3, initial=7), [1], 4)
    assert run.delivered[:3] == (0, 1, 2)
    assert run.delivered[3] >= run.accepted[0]


@pytest.mark.parametrize(("words", "initial"), [(0, 0), (1, 256), (1, -1)])
def test_counts_and_words_that_do_not_fit_are_refused(words: int, initial: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        StateLoop(unsigned(8), words=words, initial=initial)
