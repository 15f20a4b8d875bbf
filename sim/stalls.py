"""When a stream's driver is willing: patterns of idle (source) and of backpressure (sink)."""

from __future__ import annotations

import random

STALLS = ("none", "random", "bursty", "mixed")
"""none: always willing; random: unwilling in 30 % of cycles; bursty: runs of 1 to 32 cycles of either
kind; mixed: changes among the three every 64 to 512 cycles, so that all pairs of patterns meet."""

IDLE_SHARE = 0.3
LONGEST_BURST = 32


class StallPattern:
    """A seeded sequence of willing (True) and unwilling cycles; see :data:`STALLS` for the kinds."""

    def __init__(self, kind: str, seed: str) -> None:
        if kind not in STALLS:
            raise ValueError(f"expected a stall of {STALLS}, found {kind!r}")
        self.kind = kind
        self._random = random.Random(seed)
        self._present = kind
        self._left = 0
        self._burst_left = 0
        self._burst_willing = False

    def willing(self) -> bool:
        """Whether the driver is willing in the next cycle; to be called once per cycle."""
        if self.kind == "mixed":
            if self._left == 0:
                self._present = self._random.choice(STALLS[:3])
                self._left = self._random.randint(64, 512)
            self._left -= 1
        if self._present == "none":
            return True
        if self._present == "random":
            return self._random.random() >= IDLE_SHARE
        if self._burst_left == 0:
            self._burst_willing = not self._burst_willing
            self._burst_left = self._random.randint(1, LONGEST_BURST)
        self._burst_left -= 1
        return self._burst_willing
