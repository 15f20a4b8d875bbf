"""What the link carries for some samples of a design: bytes there, bytes back, and what these mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.artefact.folder import Folder
from hlsgen.artefact.parameter_port import has_parameter_port, stored_parameters
from hlsgen.verify.words import pack, unpack


@dataclass(frozen=True, eq=False)
class Traffic:
    """``inputs``: all bytes for every input of the circuit; ``sizes``: how many come from every output; ``outputs``: of these bytes, value name ->
    (samples, *tensor_shape) integers; ``parameters``: what has to be loaded before, through the last input."""

    samples: int
    inputs: tuple[bytes, ...]
    sizes: tuple[int, ...]
    outputs: Callable[[Sequence[bytes]], Mapping[str, np.ndarray]]
    parameters: bytes = b""


def stream_traffic(folder: Folder, hardware: Mapping[str, np.ndarray], count: int) -> Traffic:
    """Of a circuit whose ports are its inputs and outputs; ``hardware``: value name -> (count, *tensor_shape) integers. Raises BadFile."""
    manifest = folder.manifest

    def outputs(raw: Sequence[bytes]) -> Mapping[str, np.ndarray]:
        ports = zip(manifest.outputs, raw, strict=True)
        return {port.value: unpack(port, part, count) for port, part in ports}

    samples = tuple(pack(port, hardware[port.value]) for port in manifest.inputs)
    return Traffic(
        count,
        (*samples, b"") if has_parameter_port(manifest) else samples,
        tuple(count * port.words * port.word_bytes for port in manifest.outputs),
        outputs,
        stored_parameters(folder),
    )
