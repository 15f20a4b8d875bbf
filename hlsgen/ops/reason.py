"""Why a rule or an integer reading does not apply: what a failed check returns in place of a value's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Reason:
    """``text`` completes "not rewritten: ..."; ``node`` names the node that is the cause where it is another than the one asked about."""

    text: str
    node: str = ""


ELSEWHERE: Final = Reason("the rule is about other operators")


def unless(*checks: tuple[bool, str]) -> Reason | None:
    """The text of the first check that does not hold, as a reason; None where all hold."""
    return next((Reason(text) for holds, text in checks if not holds), None)
