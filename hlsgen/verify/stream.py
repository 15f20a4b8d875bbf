"""Designs with AXI4-Stream ports of their own: networks and kernels of schedule stream."""

from __future__ import annotations

from hlsgen.artefact.folder import Folder
from hlsgen.progress import Progress
from hlsgen.verify.executables import build_executable
from hlsgen.verify.reference import Samples
from hlsgen.verify.run import Request, Runs, repeated
from hlsgen.verify.simulation import simulate
from hlsgen.verify.simulators import find_simulator


def run_stream(
    folder: Folder, samples: Samples, request: Request, timed_samples: int, progress: Progress
) -> Runs:
    """A run under the stalls asked for, and one of ``timed_samples`` at full speed for timing. Raises BadFile, ToolFailed."""
    manifest, engine, seed = folder.manifest, request.engine, request.seed
    progress(f"building the simulator ({engine})", None)
    executable = build_executable(folder.directory, manifest, find_simulator(), engine)
    inputs, count = samples.hardware, samples.count
    main = simulate(
        executable, engine, manifest, inputs, count, request.stalls, seed, progress=progress
    )
    if request.stall == "none" and count >= timed_samples:
        return Runs(main, main)
    few = repeated(inputs, timed_samples)
    timed = simulate(
        executable, engine, manifest, few, timed_samples, "none", seed, progress=progress
    )
    return Runs(main, timed)
