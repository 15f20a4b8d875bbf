"""A build as a list of steps, each from files of a folder to files of that folder, so that one that is done is not done again.

A step is done when the record of its last run names the same inputs (by their content), the same settings and the outputs that are there.
Independent steps run in a ``StepPool``: on the cores of this machine, or on a cluster (``cluster.py``).
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

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


class StepPool(Protocol):
    """Where independent steps run; ``running`` has the programs that were started here, of all builds that share the pool: each has a branch of it for its ``Workplace``,
    so that one that fails ends alone."""

    running: Running

    @property
    def width(self) -> int:
        """Steps that it does at the same time."""

    def run(self, steps: Sequence[BuildStep], place: Workplace) -> tuple[Done, ...]:
        """Do the steps that are not done, in the order given. Where one fails or the user interrupts, the others end too."""


class LocalCores:
    """The cores of this machine. Several builds may share one: no more steps run at a time than it has ``width``."""

    def __init__(self, width: int | None = None) -> None:
        self.width = width or os.cpu_count() or 1
        self.running = Running()
        self._free = threading.Semaphore(self.width)

    def run(self, steps: Sequence[BuildStep], place: Workplace) -> tuple[Done, ...]:
        """See ``StepPool``."""
        with ThreadPoolExecutor(max(1, min(len(steps), self.width))) as pool:
            waiting = [pool.submit(self._run, step, place) for step in steps]
            try:
                return tuple(future.result() for future in waiting)
            except BaseException:
                for future in waiting:
                    future.cancel()
                place.running.stop()
                raise

    def _run(self, step: BuildStep, place: Workplace) -> Done:
        with self._free:
            return run_step(step, place)


def run_step(step: BuildStep, place: Workplace) -> Done:
    """Do a step unless it is done. Its outputs of another run are removed first, so that what is there is whole."""
    key = key_of(step, place.folder)
    done = known(step, place.folder, key)
    if done is not None:
        return done
    forget(step, place.folder)
    began = time.monotonic()
    step.work(place)
    return recorded(step, place.folder, key, round(time.monotonic() - began, 1))


def known(step: BuildStep, folder: Path, key: str) -> Done | None:
    """The step as an earlier build did it; None where it did not."""
    record = _read(folder, step)
    if record is None or record.key != key or record.outputs != _hashes(folder, step):
        return None
    return Done(step.name, record.seconds, reused=True)


def forget(step: BuildStep, folder: Path) -> None:
    """Remove the outputs of another run, and its record."""
    _record_path(folder, step).unlink(missing_ok=True)
    for name in step.outputs:
        (folder / name).unlink(missing_ok=True)


def recorded(step: BuildStep, folder: Path, key: str, seconds: float) -> Done:
    """Note that the outputs that are there are those of ``key``."""
    record = _record_path(folder, step)
    record.parent.mkdir(exist_ok=True)
    partial = record.with_suffix(".part")
    now = _Record(key, _hashes(folder, step), seconds)
    partial.write_text(json.dumps(asdict(now), indent=1) + "\n")
    partial.replace(record)
    return Done(step.name, seconds, reused=False)


def key_of(step: BuildStep, folder: Path) -> str:
    """The hash of all that the outputs of a step follow from."""
    told = {
        "hlsgen": program(),
        "settings": step.settings,
        "inputs": {name: _hash(folder / name) for name in step.inputs},
        "outputs": step.outputs,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@functools.cache
def program() -> str:
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
