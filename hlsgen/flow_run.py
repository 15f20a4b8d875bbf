"""What a compiled design gives for inputs, as arrays: its meaning at once, or its Verilog simulated."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hlsgen.arguments import ARRAYS, FUNCTION, PATH, TEXT, ArgumentKind, check_arguments
from hlsgen.artefact.folder import open_folder
from hlsgen.errors import BadOption
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

MEANING = "integer"
SIMULATORS = ("cocotb", "fast")
_RUN: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "inputs": ARRAYS,
    "engine": TEXT,
    "progress": FUNCTION,
}


def run(
    directory: str | os.PathLike[str],
    inputs: Mapping[str, np.ndarray],
    engine: str = MEANING,
    progress: Progress = silent,
) -> dict[str, np.ndarray]:
    """The circuit's outputs by name for inputs of the model (name -> (samples, ...)): integers, axis 0 the sample.

    ``engine``: "integer", the meaning of the design in NumPy, which its circuit is proved or simulated to equal; "fast" or "cocotb": the
    Verilog at full speed. Raises BadFile, BadOption, TypeMismatch, ToolFailed.
    """
    from hlsgen.targets import target_of
    from hlsgen.verify.run import Request

    check_arguments("run", _RUN, locals())
    engines = (MEANING, *SIMULATORS)
    if engine not in engines:
        raise BadOption(
            "engine",
            f"expected one of {', '.join(engines)}; found {engine!r}",
            "Choose one of these.",
        )
    folder = open_folder(directory)
    target = target_of(folder)
    simulated = engine if engine in SIMULATORS else "cocotb"
    target.check_verify(folder, simulated)
    reference = target.reference(folder, "numpy")
    samples = reference.samples(inputs, None, 0)
    if engine == MEANING:
        return dict(reference.integers(samples))
    request = Request("none", simulated, "numpy", 0)
    return dict(target.run(folder, samples, request, progress).main.outputs)
