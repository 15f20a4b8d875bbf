"""The steps of a schedule, as plain values; ``schedule.py`` carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Split:
    """``loop`` becomes ``<loop>_outer`` of extent / ``factor`` trips around ``<loop>_inner`` of ``factor`` trips."""

    loop: str
    factor: int


@dataclass(frozen=True)
class Reorder:
    """Perfectly nested loops in a new order, outermost first."""

    loops: tuple[str, ...]


@dataclass(frozen=True)
class Unroll:
    """The body of ``loop`` as often as it has trips, in its place."""

    loop: str


@dataclass(frozen=True)
class Pipeline:
    """Every loop inside ``loop`` unrolled, so that its iterations are what is pipelined."""

    loop: str


ScheduleStep: TypeAlias = Split | Reorder | Unroll | Pipeline
