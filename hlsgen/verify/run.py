"""What is asked of a verification, what a run of the design gives, and what a kind of design must be able to do for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from hlsgen.artefact.folder import Folder
from hlsgen.progress import Progress
from hlsgen.verify.reference import Reference, Samples
from hlsgen.verify.simulation import Simulation


@dataclass(frozen=True)
class Request:
    """How to verify: see ``flow.verify``; ``port``: the serial device of the engine "board" (None: the only one there is);
    ``waves``: the file for the waves of a few samples; ``timeline``: whether a sample is followed through the processes."""

    stall: str
    engine: str
    reference: str
    seed: int
    port: str | None = None
    waves: Path | None = None
    timeline: bool = False

    @property
    def stalls(self) -> str:
        """The stalls of the main run. A design keeps its state between samples, so that "mixed" ones meet it in every phase."""
        return "mixed" if self.stall == "random" else "none"


@dataclass(frozen=True)
class Runs:
    """``main`` carries the samples under the stall asked for; ``timed`` ran at full speed, on the first samples, repeated where there are
    fewer (the same run as ``main`` where nothing was to be stalled and the samples were enough)."""

    main: Simulation
    timed: Simulation


@dataclass(frozen=True, eq=False)
class Failure:
    """A run that went wrong: on these ``inputs``, under these stalls (drawn by ``seed``), at first in ``first_sample``; what came
    (``outputs``), and what did not."""

    inputs: Mapping[str, np.ndarray]
    stalls: str
    seed: int
    first_sample: int
    outputs: Mapping[str, np.ndarray]
    missing: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class TraceRequest:
    """Samples (value name -> (count, *tensor_shape)) of which all signals are written to the file ``path``; ``stalls`` and their seed."""

    inputs: Mapping[str, np.ndarray]
    count: int
    stalls: tuple[str, int]
    path: Path


class Runner(Protocol):
    """How a kind of design is run."""

    @property
    def has_waves(self) -> bool:
        """Whether waves of its samples can be written."""

    def run(self, folder: Folder, samples: Samples, request: Request, progress: Progress) -> Runs:
        """Simulate DIR/design.v on samples; raises BadFile, ToolFailed."""

    def trace(self, folder: Folder, request: TraceRequest, progress: Progress) -> None:
        """Simulate these samples and write all signals to their file; of designs that have waves. Raises BadFile, ToolFailed."""
        raise AssertionError("it has no waves")

    def first_wrong(
        self, folder: Folder, reference: Reference, failure: Failure, progress: Progress
    ) -> str | None:
        """The sentence that names the first part of the design that is wrong; None where this kind of design has none to tell apart."""
        return None


Simulate: TypeAlias = Callable[[Mapping[str, np.ndarray], int, str], Simulation]
"""Inputs (value name -> (samples, *tensor_shape)), their number and the stalls -> what came out."""


def both_runs(simulate: Simulate, samples: Samples, request: Request, timed_samples: int) -> Runs:
    """A run under the stalls asked for, and one of ``timed_samples`` at full speed for timing."""
    main = simulate(samples.hardware, samples.count, request.stalls)
    if request.stall == "none" and samples.count >= timed_samples:
        return Runs(main, main)
    return Runs(main, simulate(repeated(samples.hardware, timed_samples), timed_samples, "none"))


def repeated(tensors: Mapping[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """The first samples, repeated where there are fewer than ``count``."""
    return {name: array[np.arange(count) % len(array)] for name, array in tensors.items()}
