"""Sketches many designs of a network over boards, DSP budgets and rates, and plans the best of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count
from typing import TYPE_CHECKING

from hlsgen.artefact.digest import sha256
from hlsgen.board import Board
from hlsgen.cost.clock_rate import expected_clock_mhz
from hlsgen.errors import BadOption, DoesNotFit
from hlsgen.exploration.precisions import Accuracy
from hlsgen.exploration.study import Study
from hlsgen.exploration.study_point import Objective, StudyPoint
from hlsgen.progress import Progress
from hlsgen.schedule.stream_network.options import StreamOptions, budget_of
from hlsgen.schedule.stream_network.report import network_report
from hlsgen.schedule.stream_network.select import Alternatives, Budget
from hlsgen.schedule.stream_network.sketch import (
    Sketch,
    alternatives,
    fastest_interval,
    intervals,
    sketch,
)
from hlsgen.targets.stream_network import StreamNetworkOptions, planned

if TYPE_CHECKING:
    from hlsgen.dataflow.ir import Dataflow

Known = Mapping[str, StudyPoint]
"""Points of an earlier exploration, by key."""


@dataclass(frozen=True, eq=False)
class Explored:
    """The network in one kind of numbers: its processes, the name of its file, and the hash of its integer form. ``precision``: as of
    ``StudyPoint``, with its ``accuracy``."""

    dataflow: Dataflow
    model: str
    digest: str
    precision: str | None = None
    accuracy: Accuracy | None = None


@dataclass(frozen=True)
class Wishes:
    """``points``: about so many designs are sketched, or those of ``intervals`` alone; ``checks``: of the front so many are planned."""

    objective: Objective
    points: int
    checks: int
    intervals: tuple[int, ...] = ()


def explored(
    networks: Sequence[Explored],
    boards: Sequence[Board],
    wishes: Wishes,
    known: Known,
    keep: Callable[[Study], None],
    progress: Progress,
) -> Study:
    """Sketch designs of a network, in one kind of numbers or several, and plan the best; ``keep`` is given what is known after each board and each plan.

    Raises DoesNotFit where nothing fits on any board.
    """
    study = Study(networks[0].model, wishes.objective, (), {})
    for board, result in _sketched(networks, boards, wishes, known, progress):
        refused = {} if result else {board.name: "no design fits"}
        study = replace(
            study,
            points=(*study.points, *result),
            refused={**study.refused, **refused},
        )
        keep(study)
    if not study.points:
        asked = StreamNetworkOptions(
            board=boards[-1].name, interval=max(wishes.intervals, default=None)
        )
        planned(networks[0].dataflow, boards[-1], asked)
        raise _no_such_interval(wishes.intervals)
    by_name = {board.name: board for board in boards}
    by_precision = {network.precision: network for network in networks}
    for done, point in enumerate(_to_plan(study, wishes.checks)):
        progress("planning the best", done / wishes.checks)
        better = _planned(by_precision[point.precision], by_name[point.board], point)
        rest = tuple(better if p.number == point.number else p for p in study.points)
        study = replace(study, points=tuple(p for p in rest if p is not None))
        keep(study)
    return study


def _no_such_interval(intervals: Sequence[int]) -> BadOption:
    return BadOption(
        "--interval",
        f"expected cycles that a selection of arrays reaches on some board, found {', '.join(map(str, intervals))}",
        "Leave --interval out: the exploration says which there are.",
    )


def _sketched(
    networks: Sequence[Explored],
    boards: Sequence[Board],
    wishes: Wishes,
    known: Known,
    progress: Progress,
) -> Iterator[tuple[Board, list[StudyPoint]]]:
    """For each board its points: where it has DSP blocks half of them with all of these, half with none."""
    asks = [ask for network in networks for ask in _asks(network, boards, known, progress)]
    fitting = sum(ask.least is not None for ask in asks)
    each = -(-wishes.points // max(1, fitting))
    numbers = count(1)
    for board in boards:
        result: list[StudyPoint] = []
        for ask in asks:
            if ask.board is not board or ask.least is None:
                continue
            for interval in wishes.intervals or intervals(ask.choices, each, ask.least):
                progress(f"sketching designs for {board.name}", None)
                point = ask.point(interval, next(numbers))
                result += [] if point is None else [point]
        yield board, result


def _asks(
    network: Explored, boards: Sequence[Board], known: Known, progress: Progress
) -> Iterator[_Ask]:
    """What is asked of every board, those of a family together; boards of equal devices share their answers."""
    for family in dict.fromkeys(board.family for board in boards):
        members = [board for board in boards if board.family == family]
        progress(f"weighing arrays of {family}", None)
        choices = alternatives(network.dataflow, members)
        sketched = cache(partial(sketch, network.dataflow, choices))
        fastest = cache(partial(fastest_interval, choices))
        for board in members:
            for dsp in (None, 0) if board.dsp else (None,):
                progress(f"seeking the fastest for {board.name}", None)
                budget = budget_of(network.dataflow, board, StreamOptions(dsp=dsp))
                least = fastest(budget)
                yield _Ask(network, board, dsp, budget, choices, least, sketched, known)


@dataclass(frozen=True, eq=False)
class _Ask:
    """What every point of a board and a DSP budget has in common; ``least``: the fewest cycles per sample there, None where nothing fits."""

    network: Explored
    board: Board
    dsp: int | None
    budget: Budget
    choices: tuple[Alternatives, ...]
    least: int | None
    sketched: Callable[[Budget, int], Sketch | None]
    known: Known

    def point(self, interval: int, number: int) -> StudyPoint | None:
        """The point as it is known, else sketched; None where none fits."""
        key = self._key(interval)
        accuracy = self.network.accuracy
        error = None if accuracy is None else accuracy.error
        right = None if accuracy is None else accuracy.right
        if key in self.known:
            return replace(self.known[key], number=number, error=error, accuracy=right)
        drawn = self.sketched(self.budget, interval)
        if drawn is None:
            return None
        clock = expected_clock_mhz(self.board, drawn.lut)
        rate = round(clock * 1e6 / drawn.interval, 3)
        return StudyPoint(
            number=number,
            key=key,
            board=self.board.name,
            asked_interval=interval,
            dsp_budget=self.dsp,
            interval_cycles=drawn.interval,
            lut=drawn.lut,
            dsp=drawn.dsp,
            bram=drawn.bram,
            clock_mhz=clock,
            fps=rate,
            input_lanes=drawn.input_lanes,
            sketched_lut=drawn.lut,
            sketched_fps=rate,
            precision=self.network.precision,
            error=error,
            accuracy=right,
        )

    def _key(self, interval: int) -> str:
        """The hash of all that a point follows from."""
        from hlsgen import __version__

        described = sha256(repr(self.board).encode())
        parts = (
            __version__,
            self.network.digest,
            self.network.precision,
            described,
            interval,
            self.dsp,
        )
        return sha256(json.dumps(parts).encode())[:32]


def _to_plan(study: Study, checks: int) -> list[StudyPoint]:
    """Of the front of sketches those that are not planned yet: the best by the objective, and others evenly apart."""
    sketches = replace(study, objective="lut" if study.objective == "lut" else "fps")
    front = sketches.front[::-1] if study.objective == "lut" else sketches.front
    if len(front) > checks > 0:
        front = tuple(front[k * (len(front) - 1) // max(1, checks - 1)] for k in range(checks))
    return [point for point in front[:checks] if not point.is_planned]


def _planned(network: Explored, board: Board, point: StudyPoint) -> StudyPoint | None:
    """The point as ``compile`` predicts it; None where it does not fit with its ports and buffers."""
    options = StreamNetworkOptions(
        board=point.board, interval=point.asked_interval, dsp=point.dsp_budget
    )
    try:
        plan = planned(network.dataflow, board, options)
    except DoesNotFit:
        return None
    head = network_report(plan, board).head
    assert head.interval_cycles and head.clock_mhz, "a plan has them"
    return replace(
        point,
        is_planned=True,
        interval_cycles=head.interval_cycles,
        latency_cycles=head.latency_cycles,
        lut=head.lut or 0,
        ff=head.ff,
        dsp=head.dsp or 0,
        bram=head.bram or 0,
        clock_mhz=head.clock_mhz,
        fps=round(head.clock_mhz * 1e6 / head.interval_cycles, 3),
        input_lanes=tuple(plan.input_lanes.values()),
    )
