"""A build as a list of steps, each from files of a folder to files of that folder, so that one that is done is not done again.

A step is done when the record of its last run names the same inputs (by their content), the same settings and the outputs that are there.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import hlsgen
import hlsgen.rtl_templates
from hlsgen.processes import Running
from hlsgen.progress import Progress

RECORDS = "steps"
"""The folder of the records, one file a step."""


@dataclass(frozen=True)
class Workplace:
    """Where a step works: the folder of the build, who hears of its progress, what it has running."""

    folder: Path
    progress: Progress
    running: Running


Work: TypeAlias = Callable[[Workplace], None]


@dataclass(frozen=True)
class BuildStep:
    """From ``inputs`` to ``outputs``, files of the folder of the build, by ``work``.

    ``settings`` is everything else on which the outputs depend: scripts, command lines, the identity of the tools. ``name`` is unique in
    the build and names its record.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: tuple[str, ...]
    work: Work


@dataclass(frozen=True)
class Done:
    """A step that is done: ``seconds`` it took when it ran; ``reused``: it ran in an earlier build."""

    name: str
    seconds: float
    reused: bool


@dataclass(frozen=True)
class _Record:
    key: str
    outputs: Mapping[str, str]
    seconds: float


def run_step(step: BuildStep, place: Workplace) -> Done:
    """Do a step unless it is done. Its outputs of another run are removed first, so that what is there is whole."""
    key = _key(step, place.folder)
    known = _read(place.folder, step)
    if known is not None and known.key == key and known.outputs == _hashes(place.folder, step):
        return Done(step.name, known.seconds, reused=True)
    record = _record_path(place.folder, step)
    record.unlink(missing_ok=True)
    for name in step.outputs:
        (place.folder / name).unlink(missing_ok=True)
    began = time.monotonic()
    step.work(place)
    seconds = round(time.monotonic() - began, 1)
    record.parent.mkdir(exist_ok=True)
    partial = record.with_suffix(".part")
    now = _Record(key, _hashes(place.folder, step), seconds)
    partial.write_text(json.dumps(asdict(now), indent=1) + "\n")
    partial.replace(record)
    return Done(step.name, seconds, reused=False)


def run_side_by_side(
    steps: Sequence[BuildStep], place: Workplace, workers: int
) -> tuple[Done, ...]:
    """Do independent steps, ``workers`` at a time, in the order given. Where one fails or the user interrupts, the others end too."""
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(run_step, step, place) for step in steps]
        try:
            return tuple(future.result() for future in waiting)
        except BaseException:
            for future in waiting:
                future.cancel()
            place.running.stop()
            raise


def _key(step: BuildStep, folder: Path) -> str:
    told = {
        "hlsgen": _program(),
        "settings": step.settings,
        "inputs": {name: _hash(folder / name) for name in step.inputs},
        "outputs": step.outputs,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@functools.cache
def _program() -> str:
    """The content of the parts of hlsgen that steps run: a build goes on after an update only where these are the same."""
    digest = hashlib.sha256()
    root = Path(hlsgen.__file__).parent
    templates = Path(hlsgen.rtl_templates.__path__[0])
    for folder in (root / "bitstream", templates / "arithmetic"):
        for path in sorted(folder.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _hashes(folder: Path, step: BuildStep) -> dict[str, str]:
    """The outputs that are there."""
    return {name: _hash(folder / name) for name in step.outputs if (folder / name).is_file()}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record_path(folder: Path, step: BuildStep) -> Path:
    return folder / RECORDS / f"{step.name}.json"


def _read(folder: Path, step: BuildStep) -> _Record | None:
    """The record of the last run; None where there is none that can be read."""
    try:
        values = json.loads(_record_path(folder, step).read_text())
        return _Record(values["key"], values["outputs"], values["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
