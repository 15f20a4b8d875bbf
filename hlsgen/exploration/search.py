"""Sketches many designs of a network over boards, DSP budgets, rates, lanes and fabrics, and plans the best of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count

from hlsgen.board import Board
from hlsgen.cost.clock_rate import expected_clock_mhz
from hlsgen.errors import BadOption, DoesNotFit, HlsgenError
from hlsgen.exploration.explored import Explored, Known
from hlsgen.exploration.grid_points import FabricAsked, OnFabrics
from hlsgen.exploration.study import Study
from hlsgen.exploration.study_point import Objective, StudyPoint
from hlsgen.progress import Progress
from hlsgen.schedule.stream_network.options import StreamOptions, budget_of, check_options
from hlsgen.schedule.stream_network.report import network_report
from hlsgen.schedule.stream_network.select import Alternatives, Budget
from hlsgen.schedule.stream_network.sketch import (
    Sketch,
    alternatives,
    fastest_interval,
    intervals,
    sketch,
    with_lanes,
)
from hlsgen.targets.stream_network import StreamNetworkOptions, planned


@dataclass(frozen=True)
class Wishes:
    """``points``: about so many designs are sketched, or those of ``intervals`` alone; ``checks``: of the front so many are planned;
    ``lanes``: channels in a word of every input (None: as the arrays want)."""

    objective: Objective
    points: int
    checks: int
    intervals: tuple[int, ...] = ()
    lanes: tuple[int | None, ...] = (None,)


def explored(
    networks: Sequence[Explored],
    boards: Sequence[Board],
    wishes: Wishes,
    known: Known,
    fabrics: tuple[FabricAsked, ...],
    keep: Callable[[Study], None],
    progress: Progress,
) -> Study:
    """Sketch designs of a network, in one kind of numbers or several, and plan the best; ``keep`` is given what is known after each board and each plan.

    ``fabrics``: on which it is tried, too. Raises DoesNotFit where nothing fits on any board.
    """
    study = Study(networks[0].model, wishes.objective, (), {})
    on_fabrics, numbers = OnFabrics(networks, fabrics, known, progress), count(1)
    asks = [ask for network in networks for ask in _asks(network, boards, wishes, known, progress)]
    each = -(-wishes.points // max(1, sum(ask.least is not None for ask in asks)))
    for board in boards:
        own = [ask for ask in asks if ask.board is board]
        result = _sketched(own, wishes.intervals, each, numbers, progress)
        result += on_fabrics.points(board, numbers)
        refused = {} if result else {board.name: "no design fits"}
        study = replace(
            study,
            points=(*study.points, *result),
            refused={**study.refused, **refused},
        )
        keep(study)
    study = replace(study, refused={**study.refused, **on_fabrics.refused()})
    if not study.points:
        raise _nothing_fits(networks[0], boards[-1], wishes, on_fabrics)
    keep(study)
    by_name = {board.name: board for board in boards}
    by_precision = {network.precision: network for network in networks}
    for done, point in enumerate(_to_plan(study, wishes.checks)):
        progress("planning the best", done / wishes.checks)
        better = _planned(by_precision[point.precision], by_name[point.board], point)
        rest = tuple(better if p.number == point.number else p for p in study.points)
        study = replace(study, points=tuple(p for p in rest if p is not None))
        keep(study)
    return study


def _nothing_fits(
    network: Explored, board: Board, wishes: Wishes, on_fabrics: OnFabrics
) -> HlsgenError:
    """Why there is no point on any board, as ``compile`` would say it for the last one."""
    if network.stream is None:
        return on_fabrics.error()
    interval, lanes = max(wishes.intervals, default=None), wishes.lanes[-1]
    try:
        planned(
            network.stream,
            board,
            StreamNetworkOptions(board=board.name, interval=interval, lanes=lanes),
        )
    except HlsgenError as error:
        return error
    return BadOption(
        "--interval",
        f"expected cycles that a selection of arrays reaches on some board, found {', '.join(map(str, wishes.intervals))}",
        "Leave --interval out: the exploration says which there are.",
    )


def _sketched(
    asks: Sequence[_Ask],
    asked: tuple[int, ...],
    each: int,
    numbers: Iterator[int],
    progress: Progress,
) -> list[StudyPoint]:
    """The points of a board: where it has DSP blocks half of them with all of these, half with none."""
    result: list[StudyPoint] = []
    for ask in asks:
        if ask.least is None:
            continue
        for interval in asked or intervals(ask.choices, each, ask.least):
            progress(f"sketching designs for {ask.board.name}", None)
            point = ask.point(interval, next(numbers))
            result += [] if point is None else [point]
    return result


def _asks(
    network: Explored,
    boards: Sequence[Board],
    wishes: Wishes,
    known: Known,
    progress: Progress,
) -> Iterator[_Ask]:
    """What is asked of every board, those of a family together; boards of equal devices share their answers."""
    if network.stream is None:
        return
    for lanes in wishes.lanes:
        check_options(network.stream, StreamOptions(lanes=lanes))
    for family in dict.fromkeys(board.family for board in boards):
        members = [board for board in boards if board.family == family]
        progress(f"weighing arrays of {family}", None)
        free = alternatives(network.stream, members)
        for lanes in wishes.lanes:
            choices = with_lanes(network.stream, free, lanes)
            sketched = cache(partial(sketch, network.stream, choices))
            fastest = cache(partial(fastest_interval, choices))
            for board in members:
                for dsp in (None, 0) if board.dsp else (None,):
                    progress(f"seeking the fastest for {board.name}", None)
                    budget = budget_of(network.stream, board, StreamOptions(dsp=dsp))
                    least = fastest(budget)
                    yield _Ask(network, board, dsp, lanes, budget, choices, least, sketched, known)


@dataclass(frozen=True, eq=False)
class _Ask:
    """What every point of a board, a DSP budget and lanes of inputs has in common; ``least``: the fewest cycles per sample there, None where nothing fits."""

    network: Explored
    board: Board
    dsp: int | None
    lanes: int | None
    budget: Budget
    choices: tuple[Alternatives, ...]
    least: int | None
    sketched: Callable[[Budget, int], Sketch | None]
    known: Known

    def point(self, interval: int, number: int) -> StudyPoint | None:
        """The point as it is known, else sketched; None where none fits."""
        key = self.network.key(self.board, "stream", interval, self.dsp, self.lanes)
        if key in self.known:
            return replace(self.known[key], number=number, **self.network.judged())
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
            **self.network.judged(),
            asked_lanes=self.lanes,
        )


def _to_plan(study: Study, checks: int) -> list[StudyPoint]:
    """Of the front of sketches those that are not planned yet: the best by the objective, and others evenly apart."""
    sketches = replace(study, objective="fps" if study.objective == "latency" else study.objective)
    front, best = sketches.front, sketches.best
    if best is None or checks < 1:
        return []
    last = max(1, checks - 1)
    spread = (
        front
        if len(front) <= checks
        else [front[k * (len(front) - 1) // last] for k in range(checks)]
    )
    chosen = list(dict.fromkeys((best, *spread)))[:checks]
    return [point for point in chosen if not point.is_planned]


def _planned(network: Explored, board: Board, point: StudyPoint) -> StudyPoint | None:
    """The point as ``compile`` predicts it; None where it does not fit with its ports and buffers."""
    assert network.stream is not None, "what a grid has is planned already"
    options = StreamNetworkOptions(
        board=point.board,
        interval=point.asked_interval,
        dsp=point.dsp_budget,
        lanes=point.asked_lanes,
    )
    try:
        plan = planned(network.stream, board, options)
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
