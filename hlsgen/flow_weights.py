"""Another network in a circuit whose weights are loadable: its bytes alone, or a folder like that of ``hlsgen compile``, to be verified and run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hlsgen.arguments import FUNCTION, PATH, SAMPLES, ArgumentKind, check_arguments
from hlsgen.artefact.folder import new_folder, open_folder
from hlsgen.errors import BadFile, BadOption
from hlsgen.flow import Compiled, commit_design
from hlsgen.numbers import Numbers, SampleSource
from hlsgen.progress import Progress, silent
from hlsgen.reproduction import made_by

if TYPE_CHECKING:
    import onnx

WEIGHTS = "weights.bin"
"""In the folder of the design, where no other name is given."""
_WEIGHTS: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "calibrate": SAMPLES.or_none(),
    "progress": FUNCTION,
}
_RETRAINED: Mapping[str, ArgumentKind] = {**_WEIGHTS, "output": PATH.or_none()}


def write_weights(image: bytes, path: Path) -> None:
    """Write the bytes to a file; raises BadFile."""
    try:
        path.write_bytes(image)
    except OSError as error:
        problem = f"expected a file that can be written, found: {error.strerror}"
        raise BadFile(str(path), problem, "Name another file with -o.") from None


def weights(
    directory: str | os.PathLike[str],
    model: str | os.PathLike[str] | onnx.ModelProto,
    calibrate: SampleSource | None = None,
    progress: Progress = silent,
) -> bytes:
    """The bytes that, through the parameter port of the design in a folder, make it compute an ONNX model of the same architecture.

    ``calibrate``: samples (an npz file, or arrays) with which a float model is quantised. The design was compiled with ``weights="loadable"``. Raises BadFile, BadOption, and
    TypeMismatch that names the difference where the model is of another architecture or its constants do not fit.
    """
    from hlsgen.targets.network_source import read_network
    from hlsgen.targets.retrained import retrained_image

    check_arguments("hlsgen.weights", _WEIGHTS, locals())
    folder = open_folder(directory)
    numbers = Numbers(calibrate).checked("stream")
    return retrained_image(folder, read_network(model, numbers, progress), progress)


def retrained(
    directory: str | os.PathLike[str],
    model: str | os.PathLike[str] | onnx.ModelProto,
    output: str | os.PathLike[str] | None = None,
    calibrate: SampleSource | None = None,
    progress: Progress = silent,
) -> Compiled:
    """The same circuit with an ONNX model of the same architecture in its memories, as a design of its own in the folder ``output`` (None: a temporary one).

    It is verified against this model, and what the host computes before and behind the circuit is this model's; a simulated or real board that
    holds the circuit is given the bytes of ``weights`` first. Raises as ``weights``.
    """
    from hlsgen.targets.network_source import read_network
    from hlsgen.targets.retrained import retrained_artefact

    check_arguments("hlsgen.retrained", _RETRAINED, locals())
    folder = open_folder(directory)
    if output is not None and Path(output).resolve() == folder.directory.resolve():
        raise BadOption(
            "--design",
            f"expected a folder of its own, found {output}, where the circuit is",
            "Name another folder.",
        )
    numbers = Numbers(calibrate).checked("stream")
    with new_folder(output) as new:
        artefact = retrained_artefact(folder, read_network(model, numbers, progress), progress)
        return commit_design(new, artefact, made_by("weights", (folder.directory, model), {}))
