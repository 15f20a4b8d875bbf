"""A verification of many samples as independent jobs: the samples in parts, each simulated by itself in a pool, on the cores of this machine or on a cluster.

A part is known by the content of the design, of its samples and of hlsgen: what is done is not done again, and an interrupted verification goes on.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import hlsgen
import hlsgen.sim
from hlsgen.artefact.folder import MANIFEST, Folder, open_folder
from hlsgen.bitstream.steps import BuildStep, StepPool, Workplace
from hlsgen.errors import BadFile, BadOption
from hlsgen.progress import Progress
from hlsgen.verify.reference import Reference, Samples
from hlsgen.verify.run import Failure, Request, Runner, Runs, TraceRequest
from hlsgen.verify.simulation import Simulation

PARTS = "parts"
"""The folder of the parts in that of the design."""
_DESIGN = "design.zip"
_ARRAYS = ("first_accepted", "last_given")


def check_parts(folder: Folder, parts: int, engine: str) -> None:
    """Raise BadOption for what cannot be verified in parts."""
    if parts < 1:
        raise BadOption("--parts", f"expected at least 1, found {parts}", "Ask for 1 or more.")
    what = "an engine that simulates" if engine == "board" else "a design without states"
    reason = "a board" if engine == "board" else "one whose samples follow from those before"
    if engine == "board" or folder.manifest.details.get("states"):
        raise BadOption("--parts", f"expected {what}, found {reason}", "Leave --parts out.")


@dataclass(frozen=True, eq=False)
class InParts:
    """``runner``, with the samples in ``parts`` of about equal size, which ``pool`` simulates."""

    runner: Runner
    pool: StepPool
    parts: int

    @property
    def has_waves(self) -> bool:
        """See ``Runner``."""
        return self.runner.has_waves

    def run(self, folder: Folder, samples: Samples, request: Request, progress: Progress) -> Runs:
        """See ``Runner``; the timed run is that of the first part, or one more where that has too few samples."""
        place = folder.directory / PARTS
        place.mkdir(exist_ok=True)
        (place / _DESIGN).write_bytes(_packed(folder))
        at = Workplace(place, progress, self.pool.running.branch())
        steps = [
            _step(
                f"part_{number}", request, folder, _rows(samples.hardware, own), self.runner, place
            )
            for number, own in enumerate(self._ranges(samples.count))
        ]
        self.pool.run(steps, at)
        runs = [_read(place / step.outputs[0]) for step in steps]
        main, timed = _joined([main for main, _ in runs]), runs[0][1]
        if len(runs) > 1 and timed.samples > runs[0][0].samples:
            # the samples of the part were repeated, where the whole has others
            few = _rows(samples.hardware, slice(0, min(timed.samples, samples.count)))
            full_speed = replace(request, stall="none")
            step = _step("timed", full_speed, folder, few, self.runner, place)
            self.pool.run([step], at)
            timed = _read(place / step.outputs[0])[1]
        return Runs(main, timed)

    def trace(self, folder: Folder, request: TraceRequest, progress: Progress) -> None:
        """See ``Runner``."""
        self.runner.trace(folder, request, progress)

    def first_wrong(
        self, folder: Folder, reference: Reference, failure: Failure, progress: Progress
    ) -> str | None:
        """See ``Runner``: in the part that failed, whose stalls began with its first sample."""
        count = len(next(iter(failure.inputs.values())))
        for own in self._ranges(count):
            if own.start <= failure.first_sample < own.stop:
                failure = replace(
                    failure,
                    first_sample=failure.first_sample - own.start,
                    inputs=_rows(failure.inputs, own),
                    outputs=_rows(failure.outputs, own),
                    missing=_rows(failure.missing, own),
                )
                break
        return self.runner.first_wrong(folder, reference, failure, progress)

    def _ranges(self, count: int) -> list[slice]:
        each = -(-count // self.parts)
        return [slice(first, min(count, first + each)) for first in range(0, count, each)]


def _rows(tensors: Mapping[str, np.ndarray], own: slice) -> dict[str, np.ndarray]:
    """Some of the samples."""
    return {name: array[own] for name, array in tensors.items()}


def _step(
    name: str,
    request: Request,
    folder: Folder,
    tensors: Mapping[str, np.ndarray],
    runner: Runner,
    place: Path,
) -> BuildStep:
    """From the design and samples to what their simulation gives."""
    part, result = f"{name}.npz", f"{name}_result.npz"
    arrays: dict[str, Any] = {f"a{k}": array for k, array in enumerate(tensors.values())}
    with (place / part).open("wb") as file:
        np.savez(file, **arrays)
    names, count = tuple(tensors), len(next(iter(tensors.values())))
    asked = replace(request, waves=None, timeline=False)

    def work(at: Workplace) -> None:
        with np.load(at.folder / part) as read:
            hardware = {name: read[f"a{k}"] for k, name in enumerate(names)}
        with tempfile.TemporaryDirectory(prefix="hlsgen_part_") as where:
            with zipfile.ZipFile(at.folder / _DESIGN) as archive:
                archive.extractall(where)
            design = open_folder(where)
            runs = runner.run(design, Samples(count, {}, hardware), asked, at.progress)
        (at.folder / result).write_bytes(_content(runs))

    settings = (_program(), repr(asked), repr(names), folder.manifest.kind)
    return BuildStep(name, (_DESIGN, part), (result,), settings, work)


def _packed(folder: Folder) -> bytes:
    """The files of a design in one, the same for the same design."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(folder.manifest.files):
            archive.writestr(zipfile.ZipInfo(name), folder.read(name))
        archive.writestr(zipfile.ZipInfo(MANIFEST), (folder.directory / MANIFEST).read_bytes())
    return content.getvalue()


def _content(runs: Runs) -> bytes:
    """Both runs, without recordings, as an npz file."""
    arrays: dict[str, Any] = {}
    for which, run in (("main", runs.main), ("timed", runs.timed)):
        arrays |= {f"{which}.{name}": getattr(run, name) for name in _ARRAYS}
        for kind in ("outputs", "missing"):
            values = getattr(run, kind)
            arrays |= {f"{which}.{kind}.{k}": array for k, array in enumerate(values.values())}
        facts = (run.samples, run.cycles, run.stopped, run.violations, run.batch, [*run.outputs])
        arrays[f"{which}.facts"] = np.array(json.dumps(facts))
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _read(path: Path) -> tuple[Simulation, Simulation]:
    """The inverse of ``_content``: the main run and the timed one. Raises BadFile."""
    try:
        with np.load(path) as arrays:
            main, timed = (_simulation(arrays, which) for which in ("main", "timed"))
            return main, timed
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadFile(
            str(path),
            f"expected what a part of a verification gave, found {error}",
            "Delete this file, then run the same command again.",
        ) from None


def _simulation(arrays: Mapping[str, np.ndarray], which: str) -> Simulation:
    samples, cycles, stopped, violations, batch, names = json.loads(str(arrays[f"{which}.facts"]))

    def values(kind: str) -> dict[str, np.ndarray]:
        return {name: arrays[f"{which}.{kind}.{k}"] for k, name in enumerate(names)}

    return Simulation(
        samples=samples,
        cycles=cycles,
        stopped=stopped,
        violations=tuple(violations),
        outputs=values("outputs"),
        missing=values("missing"),
        first_accepted=arrays[f"{which}.first_accepted"],
        last_given=arrays[f"{which}.last_given"],
        recordings={},
        batch=batch,
    )


def _joined(runs: Sequence[Simulation]) -> Simulation:
    """Runs as if one had followed the other."""
    if len(runs) == 1:
        return runs[0]
    begins = np.cumsum([0, *(run.cycles for run in runs[:-1])])

    def tensors(kind: str) -> dict[str, np.ndarray]:
        names = runs[0].outputs
        return {name: np.concatenate([getattr(run, kind)[name] for run in runs]) for name in names}

    def cycles(name: str) -> np.ndarray:
        moved = (getattr(run, name) + begin for run, begin in zip(runs, begins, strict=True))
        return np.concatenate(list(moved))

    return Simulation(
        samples=sum(run.samples for run in runs),
        cycles=sum(run.cycles for run in runs),
        stopped=any(run.stopped for run in runs),
        violations=tuple(dict.fromkeys(text for run in runs for text in run.violations)),
        outputs=tensors("outputs"),
        missing=tensors("missing"),
        first_accepted=cycles("first_accepted"),
        last_given=cycles("last_given"),
        recordings={},
        batch=runs[0].batch,
    )


@functools.cache
def _program() -> str:
    """The content of what simulates: a part is done again where this changed."""
    digest = hashlib.sha256()
    root = Path(hlsgen.__file__).parent
    folders = (root / "verify", root / "targets", Path(hlsgen.sim.__path__[0]))
    for path in sorted(path for folder in folders for path in folder.iterdir() if path.is_file()):
        digest.update(path.read_bytes())
    return digest.hexdigest()
