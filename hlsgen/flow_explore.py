"""The trade-offs of a network in one call: ``hlsgen explore``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsgen.arguments import FUNCTION, PATH, SAMPLES, TEXT, WHOLE, ArgumentKind, check_arguments
from hlsgen.artefact.folder import check_empty, open_folder, write_whole
from hlsgen.board import DEFAULT_BOARD
from hlsgen.collector import collector_paused
from hlsgen.errors import BadFile, BadOption, HlsgenError
from hlsgen.numbers import SampleSource
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    from hlsgen.board import Board
    from hlsgen.dataflow.ir import Dataflow
    from hlsgen.exploration.explored import Explored
    from hlsgen.exploration.precisions import Accuracy
    from hlsgen.exploration.study import Study
    from hlsgen.exploration.study_point import Objective, StudyPoint
    from hlsgen.flow import Compiled
    from hlsgen.targets.network_source import NetworkSource

RECORD, EXPLORE_PAGE = "explore.json", "explore.html"
PICKED = "explore_point.json"
"""In the folder of a picked design: which point it is."""
POINTS, CHECKS = 200, 5
ALL_BOARDS = "all"
SCHEDULES = ("stream", "grid")


def _are_texts(value: Any) -> bool:
    return isinstance(value, Sequence) and all(isinstance(n, str) for n in value)


def _are_whole(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, bytes | bytearray | memoryview)
        and all(WHOLE.holds(n) for n in value)
    )


_EXPLORED: Mapping[str, ArgumentKind] = {
    "model": PATH,
    "boards": ArgumentKind("names of boards", _are_texts),
    "objective": TEXT,
    "points": WHOLE,
    "checks": WHOLE,
    "calibrate": SAMPLES.or_none(),
    "output": PATH.or_none(),
    "progress": FUNCTION,
    "intervals": ArgumentKind("whole numbers", _are_whole),
    "precisions": ArgumentKind("names of precisions", _are_texts),
    "samples": SAMPLES.or_none(),
    "labels": PATH.or_none(),
    "schedules": ArgumentKind("names of schedules", _are_texts),
    "fabrics": ArgumentKind("names of fabrics", _are_texts),
    "lanes": ArgumentKind("whole numbers", _are_whole),
}


def explore(
    model: str | os.PathLike[str],
    boards: Sequence[str] = (DEFAULT_BOARD,),
    objective: str = "fps",
    points: int = POINTS,
    checks: int = CHECKS,
    calibrate: SampleSource | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
    intervals: Sequence[int] = (),
    precisions: Sequence[str] = (),
    samples: SampleSource | None = None,
    labels: str | os.PathLike[str] | None = None,
    schedules: Sequence[str] = ("stream",),
    fabrics: Sequence[str] = (),
    lanes: Sequence[int] = (),
) -> Study:
    """Sketch about ``points`` designs of a network over boards, DSP budgets and rates, and plan ``checks`` of the best.

    ``boards``: names or TOML files, or "all"; ``objective``: fps, latency, lut or energy-proxy; ``output``: a folder for explore.json and explore.html,
    from which an interrupted exploration goes on. ``intervals``: only these, in cycles. ``precisions``: of a float model, some of int8, fixed16 and fixed24, with
    ``samples`` (an npz file, or arrays) that choose the numbers and on which errors are measured, and ``labels`` (npy) of them.
    ``schedules``: of stream and grid; on a grid of ``fabrics`` (presets or TOML files; none: every preset that runs networks), with every batch. ``lanes``: only these channels in a word of every input. Raises BadFile, BadOption, DoesNotFit and what reading a model raises.
    """
    from hlsgen.exploration.grid_points import fabrics_of
    from hlsgen.exploration.precisions import NumbersAsked
    from hlsgen.exploration.search import Wishes, explored

    boards, precisions, schedules, fabrics = (
        [names] if isinstance(names, str) else names
        for names in (boards, precisions, schedules, fabrics)
    )
    check_arguments("hlsgen.explore", _EXPLORED, locals())
    chosen = _boards(boards)
    goal = _objective(objective)
    bounds = (("--points", points, 1), ("--check", checks, 0))
    ports = (("--lanes", n, 1) for n in lanes)
    for option, value, least in (*bounds, *(("--interval", n, 2) for n in intervals), *ports):
        if value < least:
            raise BadOption(option, f"expected at least {least}, found {value}", "Raise it.")
    _check_schedules(schedules, fabrics, intervals, lanes)
    on = fabrics_of(fabrics) if "grid" in schedules else ()
    asked = NumbersAsked(calibrate, tuple(precisions), samples, labels)
    asked.check()
    place = None if output is None else Path(output)
    known = {} if place is None else _earlier(place)
    sources = list(asked.sources(model, progress))
    title = Path(model).name
    networks = [_explored(title, schedules, *source, progress) for source in sources]

    def keep(study: Study) -> None:
        if place is not None:
            keep_study(study, place)

    ports_asked = tuple(dict.fromkeys(lanes)) or (None,)
    wishes = Wishes(goal, points, checks, tuple(dict.fromkeys(intervals)), ports_asked)
    with collector_paused(), sources[0][0].named():
        return explored(networks, chosen, wishes, known, on, keep, progress)


def keep_study(study: Study, place: Path) -> None:
    """Write explore.json and explore.html."""
    write_whole(place / RECORD, json.dumps(study.to_dict(), indent=1) + "\n")
    write_whole(place / EXPLORE_PAGE, study.page())


def with_built(study: Study, place: Path) -> Study:
    """The study with what was built of its points in ``point_N`` of its folder."""
    built = _built(place)
    points = (replace(point, **built.get(point.key, UNBUILT)) for point in study.points)
    return replace(study, points=tuple(points))


def _explored(
    model: str,
    schedules: Sequence[str],
    source: NetworkSource,
    precision: str | None,
    accuracy: Accuracy | None,
    progress: Progress,
) -> Explored:
    """The network as the schedules see it."""
    from hlsgen.exploration.explored import Explored

    grid: Dataflow | HlsgenError | None = None
    if "grid" in schedules:
        try:
            grid = source.lowered(False, progress).dataflow
        except HlsgenError as error:
            grid = error
    stream = source.lowered(True, progress).dataflow if "stream" in schedules else None
    return Explored(model, source.digest(), stream, grid, precision, accuracy)


def _check_schedules(
    schedules: Sequence[str], fabrics: Sequence[str], intervals: Sequence[int], lanes: Sequence[int]
) -> None:
    """Raises BadOption for schedules that there are not, and what only others have."""
    wrong = [name for name in schedules if name not in SCHEDULES]
    if wrong or not schedules:
        raise BadOption(
            "--schedule",
            f"expected some of {', '.join(SCHEDULES)}, found {', '.join(map(repr, wrong)) or 'none'}",
            "Write them with commas between: --schedule stream,grid.",
        )
    for option, values, schedule in (
        ("--fabric", fabrics, "grid"),
        ("--interval", intervals, "stream"),
        ("--lanes", lanes, "stream"),
    ):
        if values and schedule not in schedules:
            raise BadOption(
                option,
                f"expected --schedule {schedule} with it, found {', '.join(schedules)}",
                f"Add --schedule {schedule}, or leave {option} out.",
            )


def pick(
    model: str | os.PathLike[str],
    study: Study,
    number: int,
    calibrate: SampleSource | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
    samples: SampleSource | None = None,
) -> Compiled:
    """Compile a point of a study, with the ``calibrate`` or ``samples`` that it was explored with; a later exploration that finds it built in ``point_N`` of its folder says so. Raises BadOption for a number that it does not have, and what ``compile`` raises."""
    from hlsgen.exploration.precisions import NumbersAsked
    from hlsgen.flow import compile

    point = _point(study, number)
    numbers = NumbersAsked(calibrate, (), samples).numbers(point.precision)
    is_grid = point.schedule == "grid"
    design = compile(
        model,
        board=point.board,
        schedule=point.schedule,
        interval=None if is_grid else point.asked_interval,
        dsp=point.dsp_budget,
        lanes=point.asked_lanes,
        fabric=point.fabric,
        batch=point.batch,
        calibrate=numbers.calibrate,
        precision=numbers.precision,
        samples=numbers.samples,
        output=output,
        progress=progress,
    )
    picked = {"key": point.key, "verilog_sha256": design.manifest.verilog_sha256}
    write_whole(design.directory / PICKED, json.dumps(picked) + "\n")
    return design


def _point(study: Study, number: int) -> StudyPoint:
    for point in study.points:
        if point.number == number:
            return point
    raise BadOption(
        "--pick",
        f"expected the number of one of {len(study.points)} points, found {number}",
        "Choose one of the table, or of explore.json.",
    )


def _objective(text: str) -> Objective:
    from hlsgen.exploration.study_point import OBJECTIVES

    for objective in OBJECTIVES:
        if objective == text:
            return objective
    raise BadOption(
        "--objective",
        f"expected one of {', '.join(OBJECTIVES)}; found {text!r}",
        "Choose one of these.",
    )


def _boards(names: Sequence[str]) -> list[Board]:
    """The boards, each once."""
    from hlsgen.board import boards as every
    from hlsgen.board import load_board

    if ALL_BOARDS in names:
        return list(every())
    return [load_board(name) for name in dict.fromkeys(names)]


def _earlier(place: Path) -> dict[str, StudyPoint]:
    """The points that a folder has of an earlier exploration, by key; raises BadFile for a folder of something else."""
    from hlsgen.exploration.study_point import StudyPoint

    path = place / RECORD
    if not path.exists():
        check_empty(place)
        return {}
    try:
        points = [
            StudyPoint.from_json(entry) for entry in json.loads(path.read_text("utf-8"))["points"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadFile(
            str(path),
            f"expected the record of an earlier 'hlsgen explore', found {error!r}",
            "Remove it, or name another folder with -o.",
        ) from None
    built = _built(place)
    return {point.key: replace(point, **built.get(point.key, UNBUILT)) for point in points}


UNBUILT = {"built_lut": None, "built_dsp": None, "built_bram": None, "built_mhz": None}


def _built(place: Path) -> dict[str, dict[str, Any]]:
    """What was built of the points that were picked into ``point_N``, by key; a folder that cannot be read counts as not built."""
    figures: dict[str, dict[str, Any]] = {}
    for path in sorted(place.glob(f"point_*/{PICKED}")):
        try:
            picked, build = (
                json.loads(path.with_name(name).read_text("utf-8"))
                for name in (PICKED, "build.json")
            )
            manifest = open_folder(path.parent).manifest
            if picked["verilog_sha256"] == manifest.verilog_sha256:  # else of another design
                names = ("lut", "dsp", "bram", "fmax_mhz")
                values = (build[name] for name in names)
                figures[picked["key"]] = dict(zip(UNBUILT, values, strict=True))
        except (OSError, ValueError, KeyError, TypeError, BadFile):
            continue
    return figures
