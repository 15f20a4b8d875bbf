"""The PLLs of the families that open tools build, from the vendors' pages, with the bounds that the families' own calculators use."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from hlsgen.board import Board
from hlsgen.clock.pll import PllRules, PllSetting, frequencies, settings

EHXPLLL = PllRules(
    name="EHXPLLL",
    references=range(1, 129),
    multipliers=range(1, 81),
    outputs=tuple(range(1, 129)),
    feedback_divided=True,
    oscillator=frequencies(8, 400),
    phase=frequencies(3.125, 400),
    vco=frequencies(400, 800),
    output=frequencies(10, 400),
)
"""Lattice ECP5 (FPGA-DS-02012, sysCLOCK PLL timing; multipliers as in ecppll): the feedback is CLKOP."""

SB_PLL40 = PllRules(
    name="SB_PLL40",
    references=range(1, 17),
    multipliers=range(1, 129),
    outputs=tuple(1 << exponent for exponent in range(1, 7)),
    feedback_divided=False,
    oscillator=frequencies(10, 133),
    phase=frequencies(10, 133),
    vco=frequencies(533, 1066),
    output=frequencies(16, 275),
)
"""Lattice iCE40 (FPGA-TN-02052): SIMPLE feedback, which has 128 multipliers (icepll), though the page says 64."""


def _rpll(phase_high: float, vco: tuple[float, float], output: tuple[float, float]) -> PllRules:
    """An rPLL of a device: (UG286), of which only the bounds depend on the device."""
    return PllRules(
        name="rPLL",
        references=range(1, 65),
        multipliers=range(1, 65),
        outputs=(2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128),
        feedback_divided=True,
        oscillator=frequencies(3, phase_high),
        phase=frequencies(3, phase_high),
        vco=frequencies(*vco),
        output=frequencies(*output),
    )


RPLLS: Mapping[tuple[str, str], PllRules] = {
    ("GW1NR-LV9", "C6/I5"): _rpll(400, (400, 1200), (3.125, 600)),
    ("GW2AR-LV18", "C8/I7"): _rpll(500, (500, 1250), (3.90625, 625)),
    ("GW2A-LV18", "C8/I7"): _rpll(500, (500, 1250), (3.90625, 625)),
}
"""Gowin, by the beginning of the device's name and speed grade (DS117, DS226; as in gowin_pll)."""


def pll_rules(board: Board) -> PllRules | None:
    """The PLL of a board's device; None where this compiler knows none, or none that takes the board's oscillator."""
    rules = _of_device(board)
    if rules is None or next(settings(rules, Fraction(board.clock_mhz)), None) is None:
        return None
    return rules


def _of_device(board: Board) -> PllRules | None:
    if board.family == "gowin":
        of_device = (
            rules
            for (device, speed), rules in RPLLS.items()
            if board.device.startswith(device) and board.speed == speed
        )
        return next(of_device, None)
    return {"ecp5": EHXPLLL, "ice40": SB_PLL40}.get(board.family)


def pll_parameters(rules: PllRules, setting: PllSetting) -> Mapping[str, int]:
    """The parameters of the primitive that hold a setting; those that do not depend on it are not among them."""
    if rules.name == "EHXPLLL":
        return {
            "CLKI_DIV": setting.reference,
            "CLKFB_DIV": setting.multiplier,
            "CLKOP_DIV": setting.output,
            "CLKOP_CPHASE": max(0, setting.output // 2 - 1),
        }
    if rules.name == "SB_PLL40":
        return {
            "DIVR": setting.reference - 1,
            "DIVF": setting.multiplier - 1,
            "DIVQ": setting.output.bit_length() - 1,
            "FILTER_RANGE": _filter_range(setting.phase_mhz),
        }
    assert rules.name == "rPLL", rules.name
    return {
        "IDIV_SEL": setting.reference - 1,
        "FBDIV_SEL": setting.multiplier - 1,
        "ODIV_SEL": setting.output,
    }


FILTER_BOUNDS = (17, 26, 44, 66, 101)
"""MHz of an iCE40's phase detector from which the loop filter's next range begins (icepll)."""


def _filter_range(phase_mhz: Fraction) -> int:
    return 1 + sum(phase_mhz >= bound for bound in FILTER_BOUNDS)
