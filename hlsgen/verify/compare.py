"""Element by element: what a simulation gave against what a reference wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hlsgen.verify.simulation import Simulation

SHOWN = 20


@dataclass(frozen=True)
class ElementMismatch:
    """One wrong element of an output; ``got`` is None where it never came."""

    sample: int
    value: str
    index: tuple[int, ...]
    got: int | None
    want: int

    def __str__(self) -> str:
        got = "nothing" if self.got is None else str(self.got)
        return f"sample {self.sample}, {self.value}{list(self.index)}: got {got}, want {self.want}"


@dataclass(frozen=True)
class Comparison:
    """``wrong``: output value -> (samples, *shape) bool; ``shown``: the first SHOWN wrong elements in sample order."""

    elements: int
    wrong: Mapping[str, np.ndarray]
    shown: tuple[ElementMismatch, ...]

    @property
    def mismatches(self) -> int:
        return sum(int(wrong.sum()) for wrong in self.wrong.values())

    @property
    def first_sample(self) -> int | None:
        """The first sample with a wrong element."""
        samples = [mismatch.sample for mismatch in self.shown]
        return min(samples) if samples else None


def compare(simulation: Simulation, want: Mapping[str, np.ndarray]) -> Comparison:
    """Every output element against ``want`` (value -> (samples, *shape) integers); a missing element is wrong."""
    wrong = {
        value: (simulation.outputs[value] != answer) | simulation.missing[value]
        for value, answer in want.items()
    }
    mismatches = []
    for value, flags in wrong.items():
        for where in np.argwhere(flags)[:SHOWN]:
            at = tuple(int(k) for k in where)
            missing = bool(simulation.missing[value][at])
            got = None if missing else int(simulation.outputs[value][at])
            mismatches.append(ElementMismatch(at[0], value, at[1:], got, int(want[value][at])))
    mismatches.sort(key=lambda mismatch: mismatch.sample)
    elements = sum(int(flags.size) for flags in wrong.values())
    return Comparison(elements, wrong, tuple(mismatches[:SHOWN]))
