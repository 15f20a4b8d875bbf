"""What a compiled design is compared with: its integer graph's meaning, and ONNX Runtime, both from its own folder."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadOption

REFERENCES = ("numpy", "cupy", "torch")


class Reference(Protocol):
    """The answers a verification needs. Tensors are keyed by value name, axis 0 counts samples."""

    def prepare(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The user's samples as the integers that enter the hardware; raises TypeMismatch for samples that do not fit."""

    def integers(self, hardware_inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """What the integer graph gives for what enters the hardware."""

    def onnxruntime(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray] | None:
        """What ONNX Runtime's default session gives for the user's samples; None where it has no such values."""

    def dataflow(self) -> Dataflow:
        """The processes that the hardware is made of."""


def array_namespace(reference: str) -> Any:
    """The array namespace in which the integer graph is evaluated; raises BadOption where it is not there.

    ``cupy`` and ``torch`` mean a GPU: without one they are refused rather than silently run on the CPU.
    """
    if reference not in REFERENCES:
        raise BadOption(
            "--reference",
            f"expected one of {', '.join(REFERENCES)}; found {reference!r}",
            "Choose a reference of this list.",
        )
    if reference == "numpy":
        return np
    if importlib.util.find_spec(reference) is None:
        raise _no_gpu(reference, f"found no package {reference}")
    module = importlib.import_module(reference)
    if reference == "torch" and not module.cuda.is_available():
        raise _no_gpu(reference, "found none that PyTorch can use")
    if reference == "cupy":
        try:
            module.cuda.runtime.getDeviceCount()
        except module.cuda.runtime.CUDARuntimeError as error:
            raise _no_gpu(reference, f"found {error}") from None
    return module


def _no_gpu(reference: str, found: str) -> BadOption:
    return BadOption(
        f"--reference {reference}",
        f"expected a GPU and the package {reference}, {found}",
        "Use --reference numpy.",
    )
