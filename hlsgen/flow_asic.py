"""A design as gates of a chip, and as a project for one: ``hlsgen asic``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hlsgen.arguments import FUNCTION, PATH, ArgumentKind, check_arguments
from hlsgen.artefact.folder import check_empty, new_folder, open_folder
from hlsgen.flow_export import BENCH_SAMPLES
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    from hlsgen.artefact.folder import Folder
    from hlsgen.bitstream.gates import GateCount

GATES = "asic.json"
_ASIC: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "progress": FUNCTION,
    "output": PATH.or_none(),
    "project": PATH.or_none(),
}


def asic(
    directory: str | os.PathLike[str],
    progress: Progress = silent,
    output: str | os.PathLike[str] | None = None,
    project: str | os.PathLike[str] | None = None,
) -> GateCount:
    """The area of a compiled design in gate equivalents, and DIR/asic.json. ``output``: a new folder for the same design made of these gates, which ``verify``
    simulates against the same references. ``project``: a new or empty folder for a project of Tiny Tapeout or LibreLane with the circuit behind the pins of a tile.
    Raises BadFile, BadOption (without the package sky130, for ports that the pins do not serve), DoesNotFit (more than the largest project holds), ToolFailed."""
    from hlsgen.bitstream.gates import gate_count
    from hlsgen.export.chip_project import check_ports

    check_arguments("hlsgen.asic", _ASIC, locals())
    folder = open_folder(directory)
    place = None if output is None else Path(output)
    if place is not None:
        check_empty(place)
    if project is not None:
        check_empty(Path(project))
        check_ports(folder)
    count = gate_count(folder, progress, place)
    folder.write(GATES, json.dumps(asdict(count), indent=1) + "\n")
    if project is not None:
        _write_project(folder, count.area_um2, Path(project), progress)
    return count


def _write_project(folder: Folder, area_um2: float, place: Path, progress: Progress) -> None:
    """The project's folder, with a test of ``BENCH_SAMPLES`` random samples."""
    from hlsgen.export.chip_project import project_files
    from hlsgen.export.export import stimulus
    from hlsgen.targets import target_of

    target = target_of(folder)
    reference = target.reference(folder, "numpy")
    with new_folder(place, overwrites=True) as new:
        words = stimulus(folder, reference, reference.random_samples(BENCH_SAMPLES, seed=0))
        new.place(project_files(folder, target.flags(folder), area_um2, words, progress))
