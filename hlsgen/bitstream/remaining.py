"""What remains of a build, for its progress: from the parts that were expected and the time that those which are done took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from hlsgen.progress import Progress

ALMOST = 0.97
"""The share that is shown of a part which takes longer than was expected."""


class Remaining:
    """The expected seconds of the parts that are not done; a part that took k times its estimate makes the others k times as long.

    ``clock`` gives seconds.
    """

    def __init__(
        self, expected: Mapping[str, float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self.left = dict(expected)
        self.taken = self.expected = 0.0

    def seconds(self) -> float:
        """What is left of the whole build, of parts that have not ended."""
        return sum(self.left.values()) * self.pace()

    def pace(self) -> float:
        """How many times their estimates the parts took that are done; 1 where none is."""
        return self.taken / self.expected if self.expected else 1.0

    def done(self, part: str, seconds: float, reused: bool) -> None:
        """A part has ended: ``seconds`` it took, now or (``reused``) in an earlier build."""
        expected = self.left.pop(part, 0.0)
        if expected and not reused:
            self.taken += seconds
            self.expected += expected

    def during(self, part: str, progress: Progress) -> Progress:
        """The progress of one part: what it does with what remains of the build, and the share of its own time."""
        began, whole, own = self.clock(), self.seconds(), self.left.get(part, 0.0) * self.pace()
        texts: dict[str, str] = {}

        def show(what: str, fraction: float | None = None) -> None:
            if not own:
                progress(what, fraction)
                return
            elapsed = self.clock() - began
            if what not in texts:
                texts[what] = f"{what}, {remaining_text(whole - elapsed)}"
            progress(texts[what], fraction or min(elapsed / own, ALMOST))

        return show


def remaining_text(seconds: float) -> str:
    """The estimate in words, in steps that say how good it is."""
    if seconds < 60:
        return "less than a minute left"
    return f"about {round(seconds / 60)} min left"
