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
from hlsgen.errors import BadFile, BadOption
from hlsgen.numbers import SampleSource
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    from hlsgen.board import Board
    from hlsgen.exploration.study import Study
    from hlsgen.exploration.study_point import Objective, StudyPoint
    from hlsgen.flow import Compiled

RECORD, EXPLORE_PAGE = "explore.json", "explore.html"
PICKED = "explore_point.json"
"""In the folder of a picked design: which point it is."""
POINTS, CHECKS = 200, 5
ALL_BOARDS = "all"
_EXPLORED: Mapping[str, ArgumentKind] = {
    "model": PATH,
    "boards": ArgumentKind(
        "names of boards",
        lambda value: isinstance(value, Sequence) and all(isinstance(n, str) for n in value),
    ),
    "objective": TEXT,
    "points": WHOLE,
    "checks": WHOLE,
    "calibrate": SAMPLES.or_none(),
    "output": PATH.or_none(),
    "progress": FUNCTION,
    "intervals": ArgumentKind(
        "whole numbers",
        lambda value: (
            isinstance(value, Sequence)
            and not isinstance(value, bytes | bytearray | memoryview)
            and all(WHOLE.holds(n) for n in value)
        ),
    ),
    "precisions": ArgumentKind(
        "names of precisions",
        lambda value: isinstance(value, Sequence) and all(isinstance(n, str) for n in value),
    ),
    "samples": SAMPLES.or_none(),
    "labels": PATH.or_none(),
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
) -> Study:
    """Sketch about ``points`` designs of a network on schedule stream, over boards, DSP budgets and rates, and plan ``checks`` of the best.

    ``boards``: names or TOML files, or "all"; ``objective``: fps, latency or lut; ``output``: a folder for explore.json and explore.html,
    from which an interrupted exploration goes on. ``intervals``: only these, in cycles. ``precisions``: of a float model, some of int8, fixed16 and fixed24, with
    ``samples`` (an npz file, or arrays) that choose the numbers and on which errors are measured, and ``labels`` (npy) of them. Raises BadFile, BadOption, DoesNotFit and what reading a model raises.
    """
    from hlsgen.exploration.precisions import NumbersAsked
    from hlsgen.exploration.search import Explored, Wishes, explored

    boards = [boards] if isinstance(boards, str) else boards
    precisions = [precisions] if isinstance(precisions, str) else precisions
    check_arguments("hlsgen.explore", _EXPLORED, locals())
    chosen = _boards(boards)
    goal = _objective(objective)
    bounds = (("--points", points, 1), ("--check", checks, 0))
    for option, value, least in (*bounds, *(("--interval", n, 2) for n in intervals)):
        if value < least:
            raise BadOption(option, f"expected at least {least}, found {value}", "Raise it.")
    asked = NumbersAsked(calibrate, tuple(precisions), samples, labels)
    asked.check()
    place = None if output is None else Path(output)
    known = {} if place is None else _earlier(place)
    sources = list(asked.sources(model, progress))
    networks = [
        Explored(
            source.lowered(True, progress).dataflow,
            Path(model).name,
            source.digest(),
            precision,
            accuracy,
        )
        for source, precision, accuracy in sources
    ]

    def keep(study: Study) -> None:
        if place is not None:
            write_whole(place / RECORD, json.dumps(study.to_dict(), indent=1) + "\n")
            write_whole(place / EXPLORE_PAGE, study.page())

    wishes = Wishes(goal, points, checks, tuple(dict.fromkeys(intervals)))
    with collector_paused(), sources[0][0].named():
        return explored(networks, chosen, wishes, known, keep, progress)


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
    design = compile(
        model,
        board=point.board,
        interval=point.asked_interval,
        dsp=point.dsp_budget,
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
