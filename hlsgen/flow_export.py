"""A compiled design as a folder that another tool takes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hlsgen.arguments import ARRAYS, FUNCTION, PATH, TEXT, ArgumentKind, check_arguments
from hlsgen.artefact.folder import check_empty, new_folder, open_folder
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

BENCH_SAMPLES = 4
"""In the bench of an exported folder."""
_EXPORTED: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "format": TEXT,
    "output": PATH.or_none(),
    "inputs": ARRAYS.or_none(),
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
    from hlsgen.export.export import check_format, files_of, stimulus
    from hlsgen.targets import target_of

    check_arguments("hlsgen.export", _EXPORTED, locals())
    check_format(format)
    folder = open_folder(directory)
    target = target_of(folder)
    flags = target.flags(folder)
    place = folder.directory / format if output is None else Path(output)
    check_empty(place)
    with new_folder(place, overwrites=True) as new:
        reference = target.reference(folder, "numpy")
        if inputs is None:
            samples = reference.random_samples(BENCH_SAMPLES, seed=0)
        else:
            few = {name: array[:BENCH_SAMPLES] for name, array in inputs.items()}
            samples = reference.samples(few, None, 0)
        progress("computing what the bench expects", None)
        words = stimulus(folder, reference, samples)
        new.place(files_of(folder, format, flags, words, progress))
    return place
