"""Which clock a built design gets, and what is said of clocks that cannot be."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hlsgen.bitstream.clock_choice import ClockRequest, plan_clock, settle_clock
from hlsgen.bitstream.ecp5 import Ecp5
from hlsgen.board import load_board
from hlsgen.clock.families import pll_rules
from hlsgen.clock.pll import reachable
from hlsgen.errors import BadOption

ULX3S = load_board("ulx3s_85f")


def settled(request: ClockRequest, circuit_mhz: float, link_mhz: float = 200.0) -> float:
    setting = settle_clock(ULX3S, request, plan_clock(ULX3S, request, False), circuit_mhz, link_mhz)
    return ULX3S.clock_mhz if setting is None else float(setting.mhz)


@pytest.mark.parametrize("circuit_mhz", [10.0, 26.3, 90.0, 99.9, 133.7, 500.0])
def test_the_clock_is_the_fastest_of_the_pll_that_place_and_route_allows(
    circuit_mhz: float,
) -> None:
    rules = pll_rules(ULX3S)
    assert rules is not None
    steps = [float(s.mhz) for s in reachable(rules, Fraction(25)) if float(s.mhz) <= circuit_mhz]
    assert settled(ClockRequest(), circuit_mhz) == max(steps)


def test_a_clock_in_megahertz_and_the_oscillator_are_what_the_user_says() -> None:
    assert settled(ClockRequest("90"), 93.0) == 90.0
    assert settled(ClockRequest("92.8571"), 93.0) == pytest.approx(650 / 7)
    assert settled(ClockRequest("oscillator"), 93.0) == 25.0


@pytest.mark.parametrize("clock", ["fast", "", "91", "3", "500", "-25"])
def test_a_clock_that_the_pll_does_not_make_is_refused_with_those_next_to_it(clock: str) -> None:
    with pytest.raises(BadOption, match="--clock") as caught:
        plan_clock(ULX3S, ClockRequest(clock), False)
    assert len(str(caught.value).splitlines()) == 3


def test_a_clock_that_place_and_route_misses_is_refused_unless_it_is_forced() -> None:
    for request, circuit_mhz, link_mhz in (
        (ClockRequest("90"), 89.9, 200.0),
        (ClockRequest("oscillator"), 24.0, 24.0),
        (ClockRequest(), 100.0, 24.9),
        (ClockRequest(), 9.0, 200.0),
    ):
        with pytest.raises(BadOption, match="after place and route"):
            settled(request, circuit_mhz, link_mhz)
        settled(ClockRequest(request.clock, force=True), circuit_mhz, link_mhz)


def test_a_board_whose_clocks_the_vendor_makes_has_its_oscillator() -> None:
    arty = load_board("arty_a7_100t")
    assert plan_clock(arty, ClockRequest(), False).setting is None
    with pytest.raises(BadOption, match="no PLL is known"):
        plan_clock(arty, ClockRequest("50"), False)


def test_ecp5_parameters_are_set_in_the_configuration_and_nothing_else_is() -> None:
    text = "word: CLKI_DIV 0000000\nword: CLKFB_DIV 0000011\nword: CLKOS_DIV 0000111\n"
    tuned = Ecp5().tuned(text, {"CLKI_DIV": 7, "CLKFB_DIV": 26})
    assert tuned == "word: CLKI_DIV 0000110\nword: CLKFB_DIV 0011001\nword: CLKOS_DIV 0000111\n"
    with pytest.raises(AssertionError):
        Ecp5().tuned(text, {"CLKOP_DIV": 6})
