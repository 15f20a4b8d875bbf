"""How long an exploration takes, and whether what it predicts is what compiling says: ``python -m benchmarks.run explore``.

Every board there is, about 200 points, five of them planned; of digits runs on fabrics, too. Each planned point is compiled, and of runs on fabrics some. Then a
point on each of five boards is synthesised alone, which is what is predicted, and built with the link; what an earlier run built is not built again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row
from hlsgen.artefact.folder import open_folder
from hlsgen.bitstream.build import synthesise
from hlsgen.board import load_board
from hlsgen.cost.link import link_cost
from hlsgen.exploration.study import Study
from hlsgen.exploration.study_point import StudyPoint
from hlsgen.flow_explore import ALL_BOARDS, explore, pick
from hlsgen.flow_explore_build import build_points

POINTS, CHECKS = 200, 5
GRID_COMPARED = ("interval_cycles", "latency_cycles")
"""Of runs on a fabric: its LUTs and clock are estimates, and ``compile`` says nothing of them."""
GRID_CHECKS = 3
SCHEDULES: Mapping[str, tuple[str, ...]] = {"digits": ("stream", "grid")}
"""Of a design; else streams alone."""
BUILT: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "digits": {
        "icebreaker": (),
        "ice40_hx8k_evn": (4608,),
        "tang_nano_9k": (1152,),
        "ulx3s_12f": (),
        "ulx3s_85f": (1152,),
    }
}
"""Boards on each of which a point is built: the fastest of about BUILT_POINTS, or that of the cycles asked for."""
BUILT_POINTS = 10
DESIGNS = ("digits", "kws_dscnn_int8", "ic_resnet8_int8")
COMPARED = ("interval_cycles", "latency_cycles", "lut", "ff", "dsp", "bram", "clock_mhz")


def _explore(design: str, sources: Sources, work: Path) -> Record:
    """An exploration from nothing, then its planned points compiled, and some built."""
    model, folder = sources.model(design), work / "explore" / design
    schedules = SCHEDULES.get(design, ("stream",))
    shutil.rmtree(folder, ignore_errors=True)
    seconds: dict[str, float] = {}
    _timed(seconds, "sketching", model, 0, folder, schedules)
    study = _timed(seconds, "planning", model, CHECKS, folder, schedules)
    on_fabrics = sorted(
        (point for point in study.points if point.fabric), key=lambda point: -point.fps
    )
    chosen = [point for point in study.points if point.is_planned and not point.fabric]
    chosen += on_fabrics[:: max(1, (len(on_fabrics) - 1) // (GRID_CHECKS - 1))]
    compared = [_compared(model, study, point, folder) for point in chosen]
    boards = BUILT.get(design, {})
    places = {board: work / "explore_built" / design / board for board in boards}
    built = [_built(model, board, boards[board], place) for board, place in places.items()]
    values = {
        "points": len(study.points),
        "grid_points": len(on_fabrics),
        "front": len(study.front),
        "boards": len({point.board for point in study.points}),
        "refused": {name: why for name, why in study.refused.items() if "fabric" not in name},
        **seconds,
        "planned": compared,
        "differences": sum(len(entry["differences"]) for entry in compared),
        "built": built,
    }
    options = {"boards": ALL_BOARDS, "points": POINTS, "checks": CHECKS, "schedules": schedules}
    return Record("explore", design, f"python -m benchmarks.run explore {design}", options, values)


def _timed(
    seconds: dict[str, float],
    what: str,
    model: Path,
    checks: int,
    folder: Path,
    schedules: tuple[str, ...],
) -> Study:
    """Explore, and note seconds of the clock and of the processor; what the folder has is not sketched again."""
    began, worked = time.perf_counter(), time.process_time()
    study = explore(
        model, [ALL_BOARDS], points=POINTS, checks=checks, output=folder, schedules=schedules
    )
    seconds[f"{what}_seconds"] = round(time.perf_counter() - began, 1)
    seconds[f"{what}_processor_seconds"] = round(time.process_time() - worked, 1)
    return study


def _compared(model: Path, study: Study, point: StudyPoint, folder: Path) -> Mapping[str, Any]:
    """A planned point beside what ``compile`` says of it."""
    compiled = pick(model, study, point.number, output=folder / f"point_{point.number}")
    keys = GRID_COMPARED if point.fabric else COMPARED
    planned = {key: getattr(point, key) for key in COMPARED}
    return {
        "number": point.number,
        "board": point.board,
        "fabric": point.fabric,
        "batch": point.batch,
        "fps": point.fps,
        "sketched_lut": point.sketched_lut,
        **planned,
        "differences": [key for key in keys if compiled.report[key] != planned[key]],
    }


def _built(model: Path, board: str, intervals: tuple[int, ...], place: Path) -> Mapping[str, Any]:
    """A planned point beside its circuit alone, synthesised, and what place and route makes of it with the link."""
    study = explore(
        model, [board], points=BUILT_POINTS, checks=1, output=place, intervals=intervals
    )
    study = build_points(model, study, 1, place)
    (point,) = (point for point in study.points if point.is_planned)
    folder, family = place / f"point_{point.number}", load_board(board).family
    top = open_folder(folder).manifest.top
    alone = synthesise(folder, family, top=top)
    built = {name: getattr(point, f"built_{name}") for name in ("lut", "dsp", "bram", "mhz")}
    return {
        "board": board,
        "interval_cycles": point.interval_cycles,
        **{name: getattr(point, name) for name in ("lut", "dsp", "bram", "clock_mhz")},
        **{f"alone_{name}": getattr(alone, name) for name in ("lut", "dsp", "bram")},
        **{f"built_{name}": value for name, value in built.items()},
        "link_lut": link_cost(load_board(board)).lut,
        "refused": list(study.refused.values()),
    }


explored = Row(DESIGNS, _explore)
