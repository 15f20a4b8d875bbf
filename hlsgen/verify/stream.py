"""Designs with AXI4-Stream ports of their own: networks and kernels of schedule stream."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hlsgen.artefact.folder import Folder
from hlsgen.artefact.parameter_port import parameters_to_load
from hlsgen.progress import Progress
from hlsgen.verify.executables import build_executable
from hlsgen.verify.reference import Samples
from hlsgen.verify.run import Request, Runs, TraceRequest, both_runs
from hlsgen.verify.simulation import Simulation, simulate
from hlsgen.verify.simulators import find_simulator


def run_stream(
    folder: Folder, samples: Samples, request: Request, timed_samples: int, progress: Progress
) -> Runs:
    """A run under the stalls asked for, and one of ``timed_samples`` at full speed for timing. Raises BadFile, ToolFailed."""
    manifest, engine, seed = folder.manifest, request.engine, request.seed
    image = parameters_to_load(folder)
    progress(f"building the simulator ({engine})", None)
    executable = build_executable(folder.directory, manifest, find_simulator(), engine)

    def run(inputs: Mapping[str, np.ndarray], count: int, stalls: str) -> Simulation:
        return simulate(
            executable,
            engine,
            manifest,
            inputs,
            count,
            stalls,
            seed,
            progress=progress,
            image=image,
        )

    return both_runs(run, samples, request, timed_samples)


def trace_stream(folder: Folder, request: TraceRequest, progress: Progress) -> None:
    """See ``Runner.trace``."""
    executable = build_executable(
        folder.directory, folder.manifest, find_simulator(), "cocotb", waves=request.path.suffix
    )
    simulate(
        executable,
        "cocotb",
        folder.manifest,
        request.inputs,
        request.count,
        *request.stalls,
        progress=progress,
        image=parameters_to_load(folder),
        waves=request.path,
    )
