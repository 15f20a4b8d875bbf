"""A compiled design as a folder that another tool takes, and a bench for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hlsgen.arguments import ARRAYS, FUNCTION, PATH, TEXT, WHOLE, ArgumentKind, check_arguments
from hlsgen.artefact.folder import Folder, check_empty, new_folder, open_folder
from hlsgen.artefact.parameter_port import refuse_retrained
from hlsgen.errors import BadOption
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

    from hlsgen.export.export import Stimulus
    from hlsgen.verify.reference import Reference

BENCH_SAMPLES = 4
"""In the bench of an exported folder."""
_EXPORTED: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "format": TEXT,
    "output": PATH.or_none(),
    "inputs": ARRAYS.or_none(),
    "progress": FUNCTION,
}
_BENCHED: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "output": PATH.or_none(),
    "inputs": ARRAYS.or_none(),
    "samples": WHOLE.or_none(),
    "progress": FUNCTION,
}


def export(
    directory: str | os.PathLike[str],
    format: str = "verilog",
    output: str | os.PathLike[str] | None = None,
    inputs: Mapping[str, np.ndarray] | None = None,
    progress: Progress = silent,
) -> Path:
    """Write a compiled design of schedule stream as a self-contained folder for other tools; returns the folder.

    ``format``: verilog, litex, ipxact, vivado or fusesoc. ``output`` (None: DIR/FORMAT) must be new or empty. ``inputs`` (name -> (samples, ...)):
    what the bench of the folder streams, at most BENCH_SAMPLES of them; random integers where None. Raises BadFile, BadOption, TypeMismatch, ToolFailed.
    """
    from hlsgen.export.export import check_format, files_of
    from hlsgen.targets import target_of

    check_arguments("hlsgen.export", _EXPORTED, locals())
    check_format(format)
    folder = open_folder(directory)
    refuse_retrained(folder)
    target = target_of(folder)
    flags = target.flags(folder)
    place = folder.directory / format if output is None else Path(output)
    check_empty(place)
    with new_folder(place, overwrites=True) as new:
        words = _stimulus(folder, target.reference(folder, "numpy"), inputs, None, progress)
        new.place(files_of(folder, format, flags, words, progress))
    return place


def bench(
    directory: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    inputs: Mapping[str, np.ndarray] | None = None,
    samples: int | None = None,
    progress: Progress = silent,
) -> Path:
    """Write a test of a compiled design of schedule stream in cocotb, which needs nothing of hlsgen, as a folder to extend; returns the folder.

    ``output`` (None: DIR/bench) must be new or empty. ``inputs`` (name -> (count, ...)): what it streams, the first ``samples`` of them (None: at most
    BENCH_SAMPLES); random integers where None. Raises BadFile, BadOption, TypeMismatch, ToolFailed.
    """
    from hlsgen.export.export import bench_files_of
    from hlsgen.targets import target_of

    check_arguments("hlsgen.bench", _BENCHED, locals())
    if samples is not None and samples < 1:
        raise BadOption("--samples", f"expected at least 1, found {samples}", "Ask for 1 or more.")
    folder = open_folder(directory)
    refuse_retrained(folder)
    target = target_of(folder)
    flags = target.flags(folder)
    place = folder.directory / "bench" if output is None else Path(output)
    check_empty(place)
    with new_folder(place, overwrites=True) as new:
        words = _stimulus(folder, target.reference(folder, "numpy"), inputs, samples, progress)
        new.place(bench_files_of(folder, flags, words, progress))
    return place


def _stimulus(
    folder: Folder,
    reference: Reference,
    inputs: Mapping[str, np.ndarray] | None,
    count: int | None,
    progress: Progress,
) -> Stimulus:
    """The first ``count`` of the user's samples (None: at most BENCH_SAMPLES), or random ones, with what has to come out."""
    from hlsgen.export.export import stimulus

    if inputs is None:
        samples = reference.random_samples(count or BENCH_SAMPLES, seed=0)
    elif count is None:
        few = {name: array[:BENCH_SAMPLES] for name, array in inputs.items()}
        samples = reference.samples(few, None, 0)
    else:
        samples = reference.samples(inputs, count, 0)
    progress("computing what the bench expects", None)
    return stimulus(folder, reference, samples)
