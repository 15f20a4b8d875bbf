"""What a compiled design is compared with: its integer graph's meaning, and ONNX Runtime, both from its own folder."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadOption

REFERENCES = ("numpy", "cupy", "torch")
FUNCTION = "function"
"""The other reference of a kernel in Python: its function itself."""


@dataclass(frozen=True, eq=False)
class Samples:
    """``given``: what the user gave, by input of the model; ``hardware``: the integers that enter the circuit, value name ->
    (count, *tensor_shape)."""

    count: int
    given: Mapping[str, np.ndarray]
    hardware: Mapping[str, np.ndarray]


class Reference(Protocol):
    """The answers a verification needs. Tensors are keyed by value name, axis 0 counts samples."""

    @property
    def title(self) -> str:
        """What the meaning is, for people: "integer graph (numpy)"."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what the user gives."""

    def samples(
        self, inputs: Mapping[str, np.ndarray] | None, limit: int | None, seed: int
    ) -> Samples:
        """The user's samples, at most ``limit``; raises BadOption, TypeMismatch for samples that are missing or do not fit."""

    def random_samples(self, count: int, seed: int) -> Samples:
        """So many samples of random integers."""

    def integers(self, samples: Samples) -> Mapping[str, np.ndarray]:
        """The meaning: what the circuit has to give, int64."""

    def results(
        self, samples: Samples, outputs: Mapping[str, np.ndarray]
    ) -> Mapping[str, np.ndarray]:
        """What the user's model gives, where its circuit gave ``outputs`` for the samples: (samples, ...) in the types of the model."""

    @property
    def others(self) -> tuple[str, ...]:
        """Names of other references that can be asked: sessions of ONNX Runtime (``artefact.declared.Session``), FUNCTION."""

    def answers(self, other: str, samples: Samples) -> Mapping[str, np.ndarray]:
        """What another reference gives; values that it does not have are absent."""

    def dataflow(self, nudged: bool) -> Dataflow | None:
        """The processes that the hardware is made of, where it is; ``nudged`` as of ``lowering``."""


@dataclass(frozen=True)
class Backend:
    """Where the integer graph is evaluated: an array-API namespace and one of its devices (None: the only one)."""

    namespace: Any
    device: Any

    def to_numpy(self, array: Any) -> np.ndarray:
        """An array of the namespace in the host's memory."""
        if isinstance(array, np.ndarray):
            return array
        return np.asarray(array.get() if hasattr(array, "get") else array.cpu().numpy())


def find_backend(reference: str) -> Backend:
    """The backend that ``--reference`` names; raises BadOption where it is not there.

    ``cupy`` and ``torch`` mean a GPU: without one they are refused rather than silently run on the CPU.
    """
    if reference not in REFERENCES:
        raise BadOption(
            "--reference",
            f"expected one of {', '.join(REFERENCES)}; found {reference!r}",
            "Choose a reference of this list.",
        )
    if reference == "numpy":
        return Backend(np, None)
    for package in (reference, "array_api_compat"):
        if importlib.util.find_spec(package) is None:
            raise _no_gpu(reference, f"found no package {package}")
    module = importlib.import_module(reference)
    if reference == "torch":
        if not module.cuda.is_available():
            raise _no_gpu(reference, "found none that PyTorch can use")
        return Backend(importlib.import_module("array_api_compat.torch"), module.device("cuda"))
    try:
        if module.cuda.runtime.getDeviceCount() < 1:
            raise _no_gpu(reference, "found none")
    except module.cuda.runtime.CUDARuntimeError as error:
        raise _no_gpu(reference, f"found {error}") from None
    return Backend(importlib.import_module("array_api_compat.cupy"), None)


def _no_gpu(reference: str, problem: str) -> BadOption:
    return BadOption(
        f"--reference {reference}",
        f"expected a GPU and the packages {reference} and array_api_compat, {problem}",
        "Use --reference numpy, or: pip install array-api-compat torch.",
    )
