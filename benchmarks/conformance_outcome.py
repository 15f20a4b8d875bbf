"""What became of a case of the official suite."""

from __future__ import annotations

from dataclasses import dataclass

VERDICTS = ("passed", "refused", "failed")


@dataclass(frozen=True)
class Outcome:
    """One case: ``operator`` is its node's, or "several"; ``verdict`` passed, refused or failed; ``reason`` where it did not pass."""

    case: str
    category: str
    operator: str
    core: bool
    verdict: str
    reason: str = ""
