"""A serial line that damages and loses bytes, by a seed."""

from __future__ import annotations

import random

from hlsgen.host.line import BoardLine


class FaultyLine:
    """Of the bytes either way, every one is damaged or lost with a probability. ``faults``: how many were."""

    def __init__(self, line: BoardLine, damaged: float, lost: float, seed: int) -> None:
        self.line, self.name = line, line.name
        self.damaged, self.lost = damaged, lost
        self.chance, self.faults = random.Random(seed), 0

    def _passed(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            draw = self.chance.random()
            if draw < self.damaged:
                out.append(byte ^ 1 << self.chance.randrange(8))
            elif draw >= self.damaged + self.lost:
                out.append(byte)
            self.faults += draw < self.damaged + self.lost
        return bytes(out)

    def read(self, seconds: float) -> bytes:
        return self._passed(self.line.read(seconds))

    def write(self, data: bytes) -> None:
        self.line.write(self._passed(data))

    def set_baud(self, baud: int) -> None:
        self.line.set_baud(baud)

    def close(self) -> None:
        self.line.close()
