"""How long an exploration takes, and whether what it predicts is what compiling says: ``python -m benchmarks.run explore``.

Every board there is, about 200 points, five of them planned. Each planned point is compiled, too; the row ``prediction`` has what synthesis makes of such.
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
from hlsgen.exploration.study import Study
from hlsgen.exploration.study_point import StudyPoint
from hlsgen.flow_explore import ALL_BOARDS, explore, pick

POINTS, CHECKS = 200, 5
DESIGNS = ("digits", "kws_dscnn_int8", "ic_resnet8_int8")
COMPARED = ("interval_cycles", "latency_cycles", "lut", "ff", "dsp", "bram", "clock_mhz")


def _explore(design: str, sources: Sources, work: Path) -> Record:
    """An exploration from nothing, then its planned points compiled."""
    model, folder = sources.model(design), work / "explore" / design
    shutil.rmtree(folder, ignore_errors=True)
    seconds: dict[str, float] = {}
    _timed(seconds, "sketching", model, 0, folder)
    study = _timed(seconds, "planning", model, CHECKS, folder)
    chosen = [point for point in study.points if point.is_planned]
    compared = [_compared(model, study, point, folder) for point in chosen]
    values = {
        "points": len(study.points),
        "front": len(study.front),
        "boards": len({point.board for point in study.points}),
        "refused": dict(study.refused),
        **seconds,
        "planned": compared,
        "differences": sum(len(entry["differences"]) for entry in compared),
    }
    options = {"boards": ALL_BOARDS, "points": POINTS, "checks": CHECKS}
    return Record("explore", design, f"python -m benchmarks.run explore {design}", options, values)


def _timed(seconds: dict[str, float], what: str, model: Path, checks: int, folder: Path) -> Study:
    """Explore, and note seconds of the clock and of the processor; what the folder has is not sketched again."""
    began, worked = time.perf_counter(), time.process_time()
    study = explore(model, [ALL_BOARDS], points=POINTS, checks=checks, output=folder)
    seconds[f"{what}_seconds"] = round(time.perf_counter() - began, 1)
    seconds[f"{what}_processor_seconds"] = round(time.process_time() - worked, 1)
    return study


def _compared(model: Path, study: Study, point: StudyPoint, folder: Path) -> Mapping[str, Any]:
    """A planned point beside what ``compile`` says of it."""
    compiled = pick(model, study, point.number, output=folder / f"point_{point.number}")
    said = {key: compiled.report[key] for key in COMPARED}
    planned = {key: getattr(point, key) for key in COMPARED}
    return {
        "number": point.number,
        "board": point.board,
        "fps": point.fps,
        "sketched_lut": point.sketched_lut,
        **planned,
        "differences": [key for key in COMPARED if said[key] != planned[key]],
    }


explored = Row(DESIGNS, _explore)
