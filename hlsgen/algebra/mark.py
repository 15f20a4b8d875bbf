"""Where in a loop nest an iteration stands: what starts sums, ends them, and predicates operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Mark:
    """True where loops ``level``, ``level`` + 1, ... are all at their first (last) trip. Level 0: once in the whole run."""

    edge: Literal["first", "last"]
    level: int
