"""The constants of a retrained network, for a circuit whose weights are loadable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hlsgen.arguments import FUNCTION, PATH, SAMPLES, ArgumentKind, check_arguments
from hlsgen.artefact.folder import open_folder
from hlsgen.errors import BadFile
from hlsgen.numbers import Numbers, SampleSource
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    import onnx

WEIGHTS = "weights.bin"
"""In the folder of the design, where no other name is given."""
_WEIGHTS: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "calibrate": SAMPLES.or_none(),
    "progress": FUNCTION,
}


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
