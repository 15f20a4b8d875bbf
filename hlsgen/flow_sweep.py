"""One kernel mapped with many seeds, as independent jobs: what the best of them gives is written."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hlsgen
from hlsgen.arguments import FUNCTION, PATH, WHOLE, ArgumentKind, check_arguments
from hlsgen.bitstream.cluster import pool_of
from hlsgen.bitstream.steps import BuildStep, Workplace
from hlsgen.errors import BadFile, BadOption, HlsgenError
from hlsgen.flow import Compiled, map_kernel
from hlsgen.progress import Progress, silent

SEEDS = "_seeds"
"""The end of the name of the folder beside the design in which what each seed gave is kept."""
_SWEPT: Mapping[str, ArgumentKind] = {
    "kernel": PATH,
    "seeds": WHOLE,
    "fabric": PATH.or_none(),
    "output": PATH,
    "progress": FUNCTION,
}


@dataclass(frozen=True)
class MappedSeed:
    """What a seed gave: cycles between executions, and of one; None where it found no mapping."""

    seed: int
    interval_cycles: int | None
    latency_cycles: int | None


def map_seeds(
    kernel: str | os.PathLike[str],
    seeds: int,
    output: str | os.PathLike[str],
    fabric: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress = silent,
    cluster: Any = None,
) -> tuple[Compiled, tuple[MappedSeed, ...]]:
    """``map_kernel`` with the best of the seeds 0 to ``seeds`` - 1 (fewest cycles between executions, then of one), and what each gave.

    The seeds are jobs side by side on the cores of this machine or on a ``cluster`` (as of ``build``), of the kernel's file alone and that of the ``fabric``. What they gave is kept in OUTPUT_seeds by the content of these,
    so that an interrupted sweep goes on. ``options``: others of ``map_kernel``. Raises HlsgenError.
    """
    check_arguments("hlsgen.map_seeds", _SWEPT, locals())
    if seeds < 1:
        raise BadOption("--seeds", f"expected at least 1, found {seeds}", "Ask for 1 or more.")
    others = dict(options or {})
    place = Path(f"{os.fspath(output).rstrip(os.sep)}{SEEDS}")
    place.mkdir(parents=True, exist_ok=True)
    files = _copied(kernel, fabric, place)
    with pool_of(cluster) as pool:
        at = Workplace(place, progress, pool.running.branch())
        steps = [_step(number, kernel, fabric, files, others) for number in range(seeds)]
        pool.run(steps, at)
    tried = tuple(_read(place / step.outputs[0], number) for number, step in enumerate(steps))
    mapped = [one for one in tried if one.interval_cycles is not None]
    best = min(mapped, key=_cycles, default=tried[0])  # of none: mapped again, it says why
    design = map_kernel(
        kernel, fabric=fabric, seed=best.seed, output=output, progress=progress, **others
    )
    return design, tried


def _cycles(one: MappedSeed) -> tuple[int, int, int]:
    return one.interval_cycles or 0, one.latency_cycles or 0, one.seed


def _copied(
    kernel: str | os.PathLike[str], fabric: str | os.PathLike[str] | None, place: Path
) -> dict[str, str]:
    """File that a job reads -> its copy's name in ``place``: of the kernel and, where that is one, of the fabric. Raises BadFile."""
    sources = {"kernel": os.fspath(kernel).partition(":")[0]}
    if fabric is not None and Path(fabric).suffix == ".toml":
        sources["fabric"] = os.fspath(fabric)
    copies = {}
    for name, source in sources.items():
        copies[source] = f"{name}{Path(source).suffix}"
        try:
            shutil.copyfile(source, place / copies[source])
        except (OSError, ValueError) as error:
            raise BadFile(source, f"expected a file, found {error}", "Name one.") from None
    return copies


def _step(
    seed: int,
    kernel: str | os.PathLike[str],
    fabric: str | os.PathLike[str] | None,
    files: Mapping[str, str],
    options: Mapping[str, Any],
) -> BuildStep:
    """From the copies to the cycles of a seed."""
    result = f"seed_{seed}.json"
    path, colon, name = os.fspath(kernel).partition(":")
    asked = None if fabric is None else os.fspath(fabric)

    def work(at: Workplace) -> None:
        on = None if asked is None else f"{at.folder / files[asked]}" if asked in files else asked
        with TemporaryDirectory(prefix="hlsgen_seed_") as folder:
            try:
                source = f"{at.folder / files[path]}{colon}{name}"
                report = map_kernel(
                    source, fabric=on, seed=seed, output=folder, progress=at.progress, **options
                ).report
                cycles = [report["interval_cycles"], report["latency_cycles"]]
            except HlsgenError:
                cycles = [None, None]
        (at.folder / result).write_text(json.dumps(cycles) + "\n")

    settings = (_program(), name, f"{asked}", json.dumps(options, sort_keys=True), f"{seed}")
    return BuildStep(f"seed_{seed}", tuple(files.values()), (result,), settings, work)


def _read(path: Path, seed: int) -> MappedSeed:
    interval, latency = json.loads(path.read_text())
    return MappedSeed(seed, interval, latency)


@functools.cache
def _program() -> str:
    """The content of hlsgen: a seed is tried again where it changed."""
    digest = hashlib.sha256()
    for path in sorted(Path(hlsgen.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
