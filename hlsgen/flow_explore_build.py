"""Points of an exploration as bitstreams: what was predicted beside what was built."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsgen.arguments import WHOLE, check_arguments
from hlsgen.artefact.folder import open_folder
from hlsgen.errors import BadFile, BadOption, HlsgenError, ToolFailed
from hlsgen.flow_explore import PICKED, keep_study, pick, with_built
from hlsgen.numbers import SampleSource
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    from hlsgen.artefact.folder import Folder
    from hlsgen.bitstream.steps import StepPool
    from hlsgen.exploration.study import Study
    from hlsgen.exploration.study_point import StudyPoint


def build_points(
    model: str | os.PathLike[str],
    study: Study,
    count: int,
    output: str | os.PathLike[str],
    calibrate: SampleSource | None = None,
    samples: SampleSource | None = None,
    progress: Progress = silent,
    cluster: Any = None,
) -> Study:
    """Compile ``count`` planned points of a study, evenly over its front, into ``point_N`` of its folder ``output`` and build them, side by side on the
    cores of this machine or on a ``cluster`` (as of ``build``). What was built before is not built again; a point that cannot be built is
    refused in the study. Raises BadOption, BadFile, ToolFailed, and what ``compile`` raises."""
    from hlsgen.bitstream.cluster import pool_of

    check_arguments("hlsgen.build_points", {"count": WHOLE}, locals())
    if count < 1:
        raise BadOption("--build", f"expected at least 1, found {count}", "Raise it.")
    place = Path(output)
    asked = [point for point in _spread(study, count) if point.built_lut is None]
    folders = {
        point: _compiled(model, study, point, place, calibrate, samples, progress)
        for point in asked
    }
    refused = dict(study.refused)
    with pool_of(cluster) as pool, ThreadPoolExecutor(max(1, len(asked))) as builds:
        running = {
            point: builds.submit(_built, folder, pool, point, progress)
            for point, folder in folders.items()
        }
        try:
            for point, build in running.items():
                if (reason := build.result()) is not None:
                    refused[f"point {point.number}"] = reason
        except BaseException:
            for build in running.values():
                build.cancel()
            pool.running.stop()
            raise
    study = replace(with_built(study, place), refused=refused)
    keep_study(study, place)
    return study


def _spread(study: Study, count: int) -> list[StudyPoint]:
    """Planned points evenly over the front; with those that are not on it where these are too few."""
    front = [point for point in study.front if point.is_planned]
    rest = [point for point in study.points if point.is_planned and point not in front]
    if len(front) < count:
        return [*front, *rest[: count - len(front)]]
    return [front[k * (len(front) - 1) // max(1, count - 1)] for k in range(count)]


def _compiled(
    model: str | os.PathLike[str],
    study: Study,
    point: StudyPoint,
    place: Path,
    calibrate: SampleSource | None,
    samples: SampleSource | None,
    progress: Progress,
) -> Folder:
    """The folder of a point: as it is if it was picked before, so that its build goes on."""
    directory = place / f"point_{point.number}"
    try:
        picked = json.loads((directory / PICKED).read_text("utf-8"))
        folder = open_folder(directory)
        if (picked["key"], picked["verilog_sha256"]) == (point.key, folder.manifest.verilog_sha256):
            return folder
    except (OSError, ValueError, KeyError, TypeError, BadFile):
        pass
    return open_folder(
        pick(model, study, point.number, calibrate, directory, progress, samples).directory
    )


def _built(folder: Folder, pool: StepPool, point: StudyPoint, progress: Progress) -> str | None:
    """Build a point; the reason where it cannot be."""
    from hlsgen.bitstream.build import build_design
    from hlsgen.targets import target_of

    def named(what: str, fraction: float | None = None) -> None:
        progress(f"point {point.number}: {what}", fraction)

    try:
        ports = target_of(folder).board_ports(folder)
        build_design(folder, ports, progress=named, pool=pool)
    except ToolFailed as error:
        if pool.running.stopped:
            raise
        lines = error.problem.splitlines()
        said = [line.strip() for line in lines if "ERROR" in line]
        return f"{error.where}: {(said or lines)[0]}"
    except HlsgenError as error:
        return error.problem
    return None
