"""Sketches many designs of a network over boards, DSP budgets and rates, and plans the best of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from hlsgen.artefact.digest import sha256
from hlsgen.board import Board
from hlsgen.cost.clock_rate import expected_clock_mhz
from hlsgen.errors import DoesNotFit
from hlsgen.exploration.study import Study
from hlsgen.exploration.study_point import Objective, StudyPoint
from hlsgen.progress import Progress
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.report import network_report
from hlsgen.schedule.stream_network.select import Alternatives
from hlsgen.schedule.stream_network.sketch import alternatives, intervals, sketch
from hlsgen.targets.stream_network import StreamNetworkOptions, planned

if TYPE_CHECKING:
    from hlsgen.dataflow.ir import Dataflow

Known = Mapping[str, StudyPoint]
"""Points of an earlier exploration, by key."""


@dataclass(frozen=True, eq=False)
class Explored:
    """The network: its processes, the name of its file, and the hash of its integer form."""

    dataflow: Dataflow
    model: str
    digest: str


def explored(
    network: Explored,
    boards: Sequence[Board],
    objective: Objective,
    points: int,
    checks: int,
    known: Known,
    keep: Callable[[Study], None],
    progress: Progress,
) -> Study:
    """Sketch ``points`` designs and plan ``checks`` of the front; ``keep`` is given what is known after each board and each plan.

    Raises DoesNotFit where nothing fits on any board.
    """
    study = Study(network.model, objective, (), {})
    for board, result in _sketched(network, boards, points, known, progress):
        refused = {} if result else {board.name: "no design fits"}
        study = replace(
            study,
            points=(*study.points, *result),
            refused={**study.refused, **refused},
        )
        keep(study)
    if not study.points:
        planned(network.dataflow, boards[-1], StreamNetworkOptions(board=boards[-1].name))
    by_name = {board.name: board for board in boards}
    for done, point in enumerate(_to_plan(study, checks)):
        progress("planning the best", done / checks)
        better = _planned(network, by_name[point.board], point)
        rest = tuple(better if p.number == point.number else p for p in study.points)
        study = replace(study, points=tuple(p for p in rest if p is not None))
        keep(study)
    return study


def _sketched(
    network: Explored, boards: Sequence[Board], points: int, known: Known, progress: Progress
) -> Iterator[tuple[Board, list[StudyPoint]]]:
    """For each board its points: half of them with all of its DSP blocks, half with none."""
    numbers = count(1)
    budgets = len(boards) + sum(board.dsp > 0 for board in boards)
    each = max(1, points // budgets)
    for family in dict.fromkeys(board.family for board in boards):
        members = [board for board in boards if board.family == family]
        progress("weighing arrays", None)
        choices = alternatives(network.dataflow, members)
        for board in members:
            result: list[StudyPoint] = []
            for dsp in (None, 0) if board.dsp else (None,):
                ask = _Ask(network, board, dsp, choices, known)
                for interval in intervals(choices, each, board, ask.options()):
                    progress(f"sketching designs for {board.name}", len(result) / (2 * each))
                    point = ask.point(interval, next(numbers))
                    result += [] if point is None else [point]
            yield board, result


@dataclass(frozen=True, eq=False)
class _Ask:
    """What every point of a board and a DSP budget has in common."""

    network: Explored
    board: Board
    dsp: int | None
    choices: tuple[Alternatives, ...]
    known: Known

    def options(self, interval: int | None = None) -> StreamOptions:
        """What is asked of the scheduler; of no rate if None."""
        return StreamOptions(target_interval=interval, dsp=self.dsp)

    def point(self, interval: int, number: int) -> StudyPoint | None:
        """The point as it is known, else sketched; None where none fits."""
        key = self._key(interval)
        if key in self.known:
            return replace(self.known[key], number=number)
        drawn = sketch(self.network.dataflow, self.choices, self.board, self.options(interval))
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
        )

    def _key(self, interval: int) -> str:
        """The hash of all that a point follows from."""
        from hlsgen import __version__

        described = sha256(repr(self.board).encode())
        parts = (__version__, self.network.digest, described, interval, self.dsp)
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
