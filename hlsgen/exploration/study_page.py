"""``explore.html``: the points of a study as a scatter of speed over area, and as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hlsgen.exploration.study_point import Ranking, StudyPoint, numbers_columns
from hlsgen.html_report.content import Page, Scatter, ScatterPoint, Section, Table, TableCell
from hlsgen.html_report.page import rendered

LEFT, TOP, WIDTH, HEIGHT = 80.0, 12.0, 760.0, 380.0
"""Pixels: of the labels, above the plot, of the plot."""


def study_page(study: Ranking) -> str:
    """The whole page."""
    return rendered(_page(study))


def study_parts(study: Ranking) -> str:
    """The same without a frame, for a notebook."""
    return rendered(_page(study), "parts_only.html.j2")


def _page(study: Ranking) -> Page:
    best = study.best
    texts = [
        f"{len(study.points)} designs; {len(study.front)} that no other beats in speed and LUTs at once."
    ]
    texts += [f"{board}: {reason}." for board, reason in study.refused.items()]
    if best is not None:
        texts.append(f"Best by {study.objective}: point {best.number}.")
    front = Section(
        "front",
        "Front",
        tuple(texts),
        scatters=(_scatter(study),) if study.points else (),
        tables=(_table("Front", study.front, study),),
        commands=() if best is None else (f"{best.command(study.model)} -o DIR",),
    )
    every = Section("points", "All points", tables=(_table("Points", study.points, study),))
    planned = sum(point.is_planned for point in study.points)
    sentence = f"{planned} points are planned as compile does; the others are sketched, without the buffers of joins and the event model"
    return Page(study.model, "exploration", ("open", sentence), (front, every))


def _table(caption: str, points: Sequence[StudyPoint], study: Ranking) -> Table:
    rows: list[tuple[TableCell, ...]] = []
    numbers = numbers_columns(study.points, study.objective)
    for point in points:
        budget = "all" if point.dsp_budget is None else point.dsp_budget
        kind = "planned" if point.is_planned else "sketched"
        cycles = (point.interval_cycles, point.latency_cycles)
        sizes = (point.lut, point.dsp, point.bram)
        said = tuple(text(point) for _, text in numbers)
        rows.append(
            (f"{point.number}", point.board, budget, *cycles, point.fps, *sizes, *said, kind)
        )
    columns = ("point", "board", "DSP budget", "interval", "latency", "samples a second", "LUT")
    best = study.best
    mark = None if best is None else f"{best.number}"
    titles = (*columns, "DSP", "RAM", *(title for title, _ in numbers), "numbers")
    return Table(caption, titles, tuple(rows), mark, "best")


def _scatter(study: Ranking) -> Scatter:
    """LUTs to the right, samples a second upwards, both on logarithmic scales."""
    across = [math.log10(max(1, point.lut)) for point in study.points]
    up = [math.log10(max(1e-3, point.fps)) for point in study.points]
    low, high = (min(across), min(up)), (max(across), max(up))
    front = {point.number for point in study.front}
    best = study.best
    dots = []
    for point, x, y in zip(study.points, across, up, strict=True):
        kind = "front" if point.number in front else "beaten"
        if best is not None and point.number == best.number:
            kind = "best"
        dots.append(
            ScatterPoint(
                LEFT + WIDTH * _share(x, low[0], high[0]),
                TOP + HEIGHT * (1 - _share(y, low[1], high[1])),
                kind,
                f"point {point.number}, {point.board}: {point.lut:,} LUT, {point.fps:,.1f} samples a second",
            )
        )
    return Scatter(
        "LUTs and samples a second",
        LEFT + WIDTH + 40,
        TOP + HEIGHT + 40,
        LEFT,
        TOP + HEIGHT,
        tuple(dots),
        tuple((LEFT + WIDTH * _share(v, low[0], high[0]), _si(v)) for v in _ticks(low[0], high[0])),
        tuple(
            (TOP + HEIGHT * (1 - _share(v, low[1], high[1])), _si(v))
            for v in _ticks(low[1], high[1])
        ),
    )


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _ticks(low: float, high: float) -> list[float]:
    """Powers of ten times 1, 2 and 5 between the ends."""
    steps = [
        d + math.log10(m) for d in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)
    ]
    return [step for step in steps if low <= step <= high]


def _si(value: float) -> str:
    return f"{10**value:,.3g}" if value < 3 else f"{round(10**value):,}"
