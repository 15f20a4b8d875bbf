"""Which clock a built design gets: what the user asks for, what the PLL can make, what place and route found possible."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hlsgen.board import Board
from hlsgen.clock.families import pll_rules
from hlsgen.clock.pll import PllSetting, fastest, reachable
from hlsgen.errors import BadOption

OSCILLATOR = "oscillator"
NEAR_MHZ = Fraction(1, 2000)
"""How far a frequency that the user writes, in four digits after the point, may be from one that the PLL makes."""


@dataclass(frozen=True)
class ClockRequest:
    """``clock``: None for the fastest that place and route allows, "oscillator", or MHz in digits. ``force``: build though it is too fast."""

    clock: str | None = None
    force: bool = False


LARGE_GOAL_MHZ = 60.0
"""What place and route is asked for of a large design at most: with a goal that is too low it places for a slower clock than it could, and with
one that is far too high it does not get its wires apart."""
FASTEST = ClockRequest()
"""The fastest clock that place and route allows."""


@dataclass(frozen=True)
class ClockPlan:
    """Before place and route: a setting of the PLL (None: there is none), whether it may still change, and the MHz that are asked for."""

    setting: PllSetting | None
    free: bool
    goal_mhz: float


def plan_clock(board: Board, request: ClockRequest, large: bool) -> ClockPlan:
    """What place and route begins with; raises BadOption for a clock that the board cannot make."""
    rules, oscillator = pll_rules(board), Fraction(board.clock_mhz)
    goal = float(board.build["toolchain"]["target_mhz"])
    goal = min(goal, LARGE_GOAL_MHZ) if large else goal
    if request.clock == OSCILLATOR or (rules is None and request.clock is None):
        return ClockPlan(None, False, goal)
    if request.clock is None:
        assert rules is not None
        steps = reachable(rules, oscillator)
        return ClockPlan(fastest(rules, oscillator, Fraction(goal)) or steps[0], True, goal)
    try:
        asked_mhz = Fraction(request.clock)
    except ValueError:
        problem = f"expected MHz or 'oscillator', found {request.clock!r}"
        raise BadOption("--clock", problem, "For example: --clock 50.") from None
    if rules is None:
        raise BadOption(
            f"--clock {request.clock}",
            f"expected 'oscillator' for {board.name}: no PLL is known that makes clocks of its {board.clock_mhz:g} MHz; found {request.clock}",
            "Leave --clock out.",
        )
    steps = reachable(rules, oscillator)
    near = sorted(steps, key=lambda setting: abs(setting.mhz - asked_mhz))[:3]
    if abs(near[0].mhz - asked_mhz) > NEAR_MHZ:
        known = ", ".join(sorted((f"{float(s.mhz):.7g}" for s in near), key=float))
        raise BadOption(
            f"--clock {request.clock}",
            f"expected a frequency that the PLL of {board.name} makes of {board.clock_mhz:g} MHz"
            f" ({float(steps[0].mhz):g} to {float(steps[-1].mhz):g}), found {request.clock}",
            f"The nearest are {known} MHz.",
        )
    return ClockPlan(near[0], False, float(near[0].mhz))


def settle_clock(
    board: Board,
    request: ClockRequest,
    plan: ClockPlan,
    circuit_mhz: float | None,
    link_mhz: float | None,
) -> PllSetting | None:
    """The setting of the bitstream: the fastest that place and route allows, where it is free. Raises BadOption where the clock would be
    violated and the user did not force it."""
    if link_mhz is not None and link_mhz < board.clock_mhz and not request.force:
        raise BadOption(
            f"{board.name}: clock of the serial link",
            f"expected at least the oscillator's {board.clock_mhz:g} MHz, found {link_mhz:.1f} MHz after place and route",
            "Try more --seeds, or build a smaller design; --force builds it nevertheless.",
        )
    setting = plan.setting
    if plan.free and circuit_mhz is not None:
        rules = pll_rules(board)
        assert rules is not None
        allowed = fastest(rules, Fraction(board.clock_mhz), Fraction(circuit_mhz))
        if allowed is not None or not request.force:
            setting = allowed
        if setting is None:
            lowest = float(reachable(rules, Fraction(board.clock_mhz))[0].mhz)
            raise BadOption(
                f"{board.name}: clock of the circuit",
                f"expected at least {lowest:g} MHz, the least that the PLL makes, found {circuit_mhz:.1f} MHz after place and route",
                f"Try --clock oscillator ({board.clock_mhz:g} MHz), more --seeds, or a smaller design.",
            )
    mhz = board.clock_mhz if setting is None else float(setting.mhz)
    if circuit_mhz is not None and circuit_mhz < mhz and not request.force:
        raise BadOption(
            f"{board.name}: clock of the circuit",
            f"expected at least {mhz:g} MHz, found {circuit_mhz:.1f} MHz after place and route",
            "Ask for a slower --clock, or leave it out; try more --seeds; --force builds it nevertheless.",
        )
    return setting
