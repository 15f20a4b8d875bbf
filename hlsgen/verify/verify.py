"""``verify``: simulate a compiled design and compare every output element with its references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hlsgen.errors import BadOption, Mismatch
from hlsgen.progress import Progress, silent
from hlsgen.verify.bisect import first_wrong_process
from hlsgen.verify.compare import Comparison, compare, count_differences
from hlsgen.verify.executables import ENGINES, build_executable
from hlsgen.verify.kernel import KernelVerifyResult, is_kernel_folder, verify_kernel
from hlsgen.verify.manifest import Manifest, load_manifest
from hlsgen.verify.reference import Kernels, Reference
from hlsgen.verify.result import VerifyResult, write_result
from hlsgen.verify.samples import first_samples
from hlsgen.verify.simulation import Simulation, simulate
from hlsgen.verify.simulators import Simulator, find_simulator
from hlsgen.verify.stored import stored_reference
from hlsgen.verify.timing import TIMED_SAMPLES, measure, slowest_cycles

STALLS = ("random", "none")
GRID_TIMED_SAMPLES = 3
"""A grid computes one sample after the other, so that few tell the interval."""

__all__ = ["Request", "Runs", "verify", "verify_against"]


@dataclass(frozen=True)
class Request:
    """How to verify: see :func:`verify`."""

    stall: str
    engine: str
    reference: str
    seed: int


@dataclass(frozen=True)
class Runs:
    """``main`` carries the user's samples under the stall asked for; ``timed`` ran at full speed (the same run where
    nothing was to be stalled and the samples were enough)."""

    main: Simulation
    timed: Simulation


def verify(
    directory: Path,
    inputs: Mapping[str, np.ndarray] | None,
    samples: int | None = None,
    stall: str = "random",
    engine: str = "cocotb",
    reference: str = "numpy",
    seed: int = 0,
    progress: Progress = silent,
) -> VerifyResult | KernelVerifyResult:
    """Simulate DIR/design.v on the samples (name -> (samples, ...)), compare, and write DIR/verify.json.

    Kernels have arrays of their own where none are given (``inputs`` None); see ``verify/kernel.py``.

    ``samples`` takes only the first so many; ``stall`` is ``random`` (idle on inputs, backpressure on outputs, seeded; besides a
    full-speed run for timing) or ``none``; ``engine`` is ``cocotb`` or ``fast``; ``reference`` says where the integer graph is
    evaluated: ``numpy``, ``cupy`` or ``torch``. On a mismatch the first process with a wrong output is searched for.
    Raises BadOption, BadFile, TypeMismatch, ToolFailed; Mismatch where all elements are right but a stream rule is broken.
    """
    directory = Path(directory)
    request = _checked(stall, engine, reference, seed, samples)
    if is_kernel_folder(directory):
        if reference != "numpy":
            raise BadOption(
                "--reference",
                f"expected numpy for a kernel, found {reference!r}",
                "Leave --reference out.",
            )
        return verify_kernel(directory, inputs, samples, stall, engine, seed, progress)
    manifest = load_manifest(directory)
    if inputs is None:
        raise BadOption(
            "--inputs",
            "expected samples for a network, found none",
            "Give a file: --inputs SAMPLES.npz.",
        )
    if manifest.schedule == "grid" and engine != "cocotb":
        raise BadOption(
            "--engine",
            f"expected cocotb for a design of schedule grid, found {engine}",
            "Leave --engine out.",
        )
    stored = stored_reference(directory, manifest, reference)
    return verify_against(
        directory, manifest, stored, first_samples(inputs, samples), request, progress
    )


def verify_against(
    directory: Path,
    manifest: Manifest,
    reference: Reference,
    inputs: Mapping[str, np.ndarray],
    request: Request,
    progress: Progress = silent,
) -> VerifyResult:
    """:func:`verify` with the reference given rather than read from the folder."""
    hardware_inputs = reference.prepare(inputs)
    grid = manifest.schedule == "grid"
    run = _run_grid if grid else _run
    runs = run(directory, manifest, hardware_inputs, request, progress)
    progress(f"evaluating the integer graph ({request.reference})", None)
    want = reference.integers(hardware_inputs)
    comparison, timed = _compare(runs, want)
    progress("running ONNX Runtime", None)
    default = _ort_mismatches(reference, inputs, runs.main, "default")
    integer = default if default == 0 else _ort_mismatches(reference, inputs, runs.main, "integer")
    finding = None
    if (comparison.mismatches or timed.mismatches) and not grid:
        finding = _search(
            directory,
            manifest,
            find_simulator(),
            reference,
            hardware_inputs,
            request,
            (comparison, timed),
            progress,
        )
    result = VerifyResult(
        samples=runs.main.samples,
        elements=comparison.elements,
        mismatches=comparison.mismatches or timed.mismatches,
        ort_mismatches=default,
        ort_integer_mismatches=integer,
        timing=measure(runs.timed),
        predicted_latency_cycles=manifest.predicted_latency_cycles,
        predicted_interval_cycles=manifest.predicted_interval_cycles,
        slowest_cycles=None if grid else slowest_cycles(directory, manifest),
        engine=request.engine,
        stall=request.stall,
        reference=request.reference,
        seed=request.seed,
        verilog_sha256=manifest.verilog_sha256,
        shown=comparison.shown or timed.shown,
        violations=_violations(runs),
        finding=finding,
        outputs=runs.main.outputs,
    )
    path = write_result(directory, result)
    if result.violations and not result.mismatches:
        raise Mismatch(
            f"{directory}: {manifest.top}",
            f"expected the rules of AXI4-Stream{' and predicted cycles' if grid else ''} to hold, "
            f"found: {'; '.join(result.violations)}",
            f"All elements are right; {path} holds the whole result. This is a fault of hlsgen: please report it.",
        )
    return result


def _checked(stall: str, engine: str, reference: str, seed: int, samples: int | None) -> Request:
    for option, value, known in (("--stall", stall, STALLS), ("--engine", engine, ENGINES)):
        if value not in known:
            raise BadOption(
                option,
                f"expected one of {', '.join(known)}; found {value!r}",
                "Choose one of these.",
            )
    if samples is not None and samples < 1:
        raise BadOption("--samples", f"expected at least 1, found {samples}", "Ask for 1 or more.")
    if not 0 <= seed < 1 << 32:
        raise BadOption(
            "--seed", f"expected 0 to {2**32 - 1}, found {seed}", "Choose a seed in this range."
        )
    return Request(stall, engine, reference, seed)


def _run_grid(
    directory: Path,
    manifest: Manifest,
    inputs: Mapping[str, np.ndarray],
    request: Request,
    progress: Progress,
) -> Runs:
    """The program on the samples, under stalls and (on few samples) at full speed."""
    from hlsgen.verify.grid import simulate_grid

    main = simulate_grid(directory, manifest, inputs, request.stall, request.seed, progress)
    if request.stall == "none":
        return Runs(main, main)
    few = _timed_samples(inputs, GRID_TIMED_SAMPLES)
    return Runs(main, simulate_grid(directory, manifest, few, "none", request.seed, progress))


def _run(
    directory: Path,
    manifest: Manifest,
    inputs: Mapping[str, np.ndarray],
    request: Request,
    progress: Progress,
) -> Runs:
    """The run under stalls, and one at full speed for timing."""
    simulator = find_simulator()
    progress(f"building the simulator ({request.engine})", None)
    executable = build_executable(directory, manifest, simulator, request.engine)
    enough = len(next(iter(inputs.values()))) >= TIMED_SAMPLES
    if request.stall == "none" and enough:
        both = simulate(
            executable, request.engine, manifest, inputs, "none", request.seed, progress=progress
        )
        return Runs(both, both)
    timed = simulate(
        executable,
        request.engine,
        manifest,
        _timed_samples(inputs, TIMED_SAMPLES),
        "none",
        request.seed,
        progress=progress,
    )
    # A design keeps its state between samples, so that "mixed" stalls meet it in every phase.
    stall = "mixed" if request.stall == "random" else "none"
    main = simulate(
        executable, request.engine, manifest, inputs, stall, request.seed, progress=progress
    )
    return Runs(main, timed)


def _compare(runs: Runs, want: Mapping[str, np.ndarray]) -> tuple[Comparison, Comparison]:
    """The comparisons of the main and of the timed run."""
    main = compare(runs.main, want)
    if runs.timed is runs.main:
        return main, main
    return main, compare(runs.timed, _timed_samples(want, runs.timed.samples))


def _timed_samples(tensors: Mapping[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """The first samples, repeated where there are fewer than a timing run needs."""
    return {name: array[np.arange(count) % len(array)] for name, array in tensors.items()}


def _search(
    directory: Path,
    manifest: Manifest,
    simulator: Simulator,
    reference: Reference,
    inputs: Mapping[str, np.ndarray],
    request: Request,
    comparisons: tuple[Comparison, Comparison],
    progress: Progress,
) -> str:
    """The sentence that names the first wrong process; searched in the run that went wrong."""
    main, timed = comparisons
    failing, stall, samples = main, "mixed" if request.stall == "random" else "none", inputs
    if not main.mismatches:
        failing, stall, samples = timed, "none", _timed_samples(inputs, TIMED_SAMPLES)
    first = failing.first_sample
    assert first is not None, "a comparison with mismatches shows the first of them"
    if not manifest.processes:
        return "the manifest names no process that could be searched"
    return str(
        first_wrong_process(
            directory,
            manifest,
            simulator,
            reference.dataflow(),
            samples,
            first,
            stall,
            request.seed,
            progress,
        )
    )


def _ort_mismatches(
    reference: Reference, inputs: Mapping[str, np.ndarray], run: Simulation, kernels: Kernels
) -> int | None:
    """Output elements that differ from ONNX Runtime's; None where it has no such values."""
    answers = reference.onnxruntime(inputs, kernels)
    return None if answers is None else count_differences(run.outputs, answers)


def _violations(runs: Runs) -> tuple[str, ...]:
    """Broken rules of both runs, and a stop."""
    found: list[str] = []
    for run, what in ((runs.timed, "full speed"), (runs.main, "stalled")):
        found += [f"{text} ({what})" for text in run.violations]
        if run.stopped:
            found.append(
                f"the design stopped: no transfer for a long time after cycle {run.cycles}; "
                f"{len(run.last_given)} of {run.samples} samples came out ({what})"
            )
        if runs.main is runs.timed:
            break
    return tuple(found)
