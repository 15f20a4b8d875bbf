"""The outcome of an exploration: its points, those that no other beats, and its file ``explore.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hlsgen.artefact.report import aligned
from hlsgen.exploration.study_point import (
    Objective,
    Ranking,
    StudyPoint,
    numbers_columns,
    ranking,
)

SHOWN = 12
"""Rows of the table for people, about."""


@dataclass(frozen=True)
class Study:
    """``points`` of ``model`` (the name of its file); ``refused``: board -> why nothing fits there."""

    model: str
    objective: Objective
    points: tuple[StudyPoint, ...]
    refused: Mapping[str, str]

    @property
    def ranking(self) -> Ranking:
        """The points in order of worth."""
        return ranking(self.model, self.objective, self.points, self.refused)

    @property
    def front(self) -> tuple[StudyPoint, ...]:
        """The points that no other beats in speed and LUTs at once, the fastest first."""
        return self.ranking.front

    @property
    def best(self) -> StudyPoint | None:
        """The point of the front that is best by the objective; None where nothing is known."""
        return self.ranking.best

    def to_dict(self) -> dict[str, Any]:
        """The content of explore.json."""
        ranked = self.ranking
        best = ranked.best
        return {
            "model": self.model,
            "objective": self.objective,
            "best": None if best is None else best.number,
            "front": [point.number for point in ranked.front],
            "refused": dict(self.refused),
            "points": [point.to_json() for point in self.points],
        }

    def shown(self) -> tuple[StudyPoint, ...]:
        """Points for a short table: those that are planned and an even choice of the front."""
        ranked = self.ranking
        step = max(1, -(-len(ranked.front) // SHOWN))
        kept = {p.number for p in ranked.front[::step]}
        kept |= {p.number for p in ranked.points if p.is_planned}
        kept |= set() if ranked.best is None else {ranked.best.number}
        shown = [point for point in ranked.points if point.number in kept]
        return tuple(sorted(shown, key=lambda point: -point.fps))

    def text(self) -> str:
        """The table for people."""
        numbers = numbers_columns(self.points, self.objective)
        head = ["point", "board", "interval", "fps", "latency", "LUT", "DSP", "RAM"]
        rows = [[*head, *(title for title, _ in numbers), "numbers"]]
        best = self.best
        for point in self.shown():
            latency = "-" if point.latency_cycles is None else f"{point.latency_cycles:,}"
            kind = "planned" if point.is_planned else "sketched"
            rows.append(
                [
                    f"{point.number}{'*' if point is best else ''}",
                    point.board,
                    f"{point.interval_cycles:,}",
                    f"{point.fps:,.1f}",
                    latency,
                    *(f"{n:,}" for n in (point.lut, point.dsp, point.bram)),
                    *(said(point) for _, said in numbers),
                    kind,
                ]
            )
        lines = [
            f"{self.model}: {len(self.points)} points, {len(self.front)} of them on the front"
            f" (* best by {self.objective})",
            aligned(rows, left=(1, len(rows[0]) - 1)),
            *(f"{board}: {reason}" for board, reason in self.refused.items()),
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.text()

    def page(self) -> str:
        """The content of explore.html."""
        from hlsgen.exploration.study_page import study_page

        return study_page(self.ranking)

    def _repr_html_(self) -> str:
        from hlsgen.exploration.study_page import study_parts

        return study_parts(self.ranking)
