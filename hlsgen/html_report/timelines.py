"""What works when, as rows of areas: a sample through a pipeline, the runs of a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hlsgen.html_report.content import Timeline, TimelineRow
from hlsgen.html_report.pictures import shortened

LEFT, PLOT, ROW, GAP, FOOT = 190.0, 720.0, 20.0, 4.0, 26.0
"""Pixels: of the names, of the plot, of a row, between rows, of the axis."""
TICKS = 6
STATES = (
    ("works", "works on the sample"),
    ("works_on_others", "works on samples before and after"),
    ("waits_for_input", "waits for input"),
    ("waits_for_room", "waits for room"),
)


def pipeline_timeline(timeline: Mapping[str, Any], title: str) -> Timeline:
    """``timeline``: as ``schedule.stream_network.activity`` describes it."""
    cycles, length = timeline["cycles"], timeline["slice_cycles"]
    rows = []
    for number, row in enumerate(timeline["rows"]):
        slices = {state: row[state] for state, _ in STATES}
        areas = _stacked(slices, length, cycles, number * (ROW + GAP))
        rows.append(TimelineRow(shortened(row["name"]), _y(number), areas, _said(slices)))
    return _timeline(title, "one sample in the steady state", STATES, rows, cycles)


def phases_timeline(phases: Sequence[Mapping[str, Any]], title: str) -> Timeline:
    """``phases``: those of a network on a grid; a row for each layer."""
    cycles = max((phase["begin"] + phase["cycles"] for phase in phases), default=1)
    states = (("works", "computes"), ("works_on_others", "copies rows for neighbours"))
    rows = []
    for number, name in enumerate(dict.fromkeys(phase["process"] for phase in phases)):
        own = [phase for phase in phases if phase["process"] == name]
        paths = dict.fromkeys((state for state, _ in states), "")
        for phase in own:
            state = "works_on_others" if phase["kind"] == "copy" else "works"
            left = LEFT + PLOT * phase["begin"] / cycles
            width = max(0.5, PLOT * phase["cycles"] / cycles)
            paths[state] += _rectangle(left, _y(number), width, ROW)
        begin, end = own[0]["begin"], own[-1]["begin"] + own[-1]["cycles"]
        text = f"cycles {begin:,} to {end:,}, {len(own)} runs"
        areas = tuple((state, path) for state, path in paths.items() if path)
        rows.append(TimelineRow(shortened(name), _y(number), areas, text))
    return _timeline(title, "the runs of one sample", states, rows, cycles)


def _timeline(
    title: str,
    description: str,
    states: tuple[tuple[str, str], ...],
    rows: Sequence[TimelineRow],
    cycles: int,
) -> Timeline:
    ticks = tuple(
        (LEFT + PLOT * k / TICKS, f"{round(cycles * k / TICKS):,}") for k in range(TICKS + 1)
    )
    height = len(rows) * (ROW + GAP) + FOOT
    width = LEFT + PLOT + 40
    return Timeline(title, description, width, height, ROW, LEFT, states, tuple(rows), ticks)


def _stacked(
    slices: Mapping[str, Sequence[int]], length: int, cycles: int, top: float
) -> tuple[tuple[str, str], ...]:
    """One area for every state: in each slice as high as its share of the cycles; slices of equal shares are one rectangle."""
    paths = dict.fromkeys(slices, "")
    columns = list(zip(*slices.values(), strict=True))
    start = 0
    for k in range(1, len(columns) + 1):
        if k < len(columns) and columns[k] == columns[start]:
            continue
        left = LEFT + PLOT * start * length / cycles
        right = LEFT + PLOT * min(k * length, cycles) / cycles
        total, base = max(1, sum(columns[start])), top + ROW
        for state, count in zip(slices, columns[start], strict=True):
            if count:
                height = ROW * count / total
                base -= height
                paths[state] += _rectangle(left, base, right - left, height)
        start = k
    return tuple((state, path) for state, path in paths.items() if path)


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z"


def _said(slices: Mapping[str, Sequence[int]]) -> str:
    whole = max(1, sum(map(sum, slices.values())))
    titles = dict(STATES)
    return ", ".join(f"{titles[s]} {sum(n) / whole:.0%}" for s, n in slices.items() if sum(n))


def _y(number: int) -> float:
    return number * (ROW + GAP)
