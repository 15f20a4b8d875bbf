"""Running samples through a design's simulator."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import hlsgen
from hlsgen.artefact.manifest import Manifest
from hlsgen.artefact.parameter_port import PARAMETERS, has_parameter_port
from hlsgen.artefact.port import Port, ProcessPoint
from hlsgen.errors import ToolFailed
from hlsgen.processes import started
from hlsgen.progress import Progress, silent
from hlsgen.sim.job import Job, JobPort, JobResult, Probe
from hlsgen.verify.simulators import failure
from hlsgen.verify.words import pack, unpack

STALL_FACTOR = 8
"""How much longer than unstalled a transfer may keep away before the design counts as stopped."""


@dataclass(frozen=True)
class Recording:
    """Words that passed on an internal stream: raw bytes, and the cycles in which each was taken and in which it stood there first
    (the last may never have been taken)."""

    words: bytes
    cycles: np.ndarray
    offered: np.ndarray


@dataclass(frozen=True)
class Simulation:
    """What a run gave.

    ``outputs``: value name -> (samples, *tensor_shape) int64; elements of words that never came are in ``missing`` (bool, same
    shape). ``first_accepted``: per sample, the cycle in which its first input word was accepted;
    ``last_given``: the cycle in which its last output word was taken. Both end early where the design stopped. ``batch``: samples that are computed together.
    """

    samples: int
    cycles: int
    stopped: bool
    violations: tuple[str, ...]
    outputs: Mapping[str, np.ndarray]
    missing: Mapping[str, np.ndarray]
    first_accepted: np.ndarray
    last_given: np.ndarray
    recordings: Mapping[str, Recording]
    batch: int = 1


def simulate(
    executable: Path,
    engine: str,
    manifest: Manifest,
    inputs: Mapping[str, np.ndarray],
    samples: int,
    stall: str,
    seed: int,
    probes: Sequence[tuple[ProcessPoint, Probe]] = (),
    progress: Progress = silent,
    image: bytes = b"",
    waves: Path | None = None,
) -> Simulation:
    """Stream ``inputs`` (value name -> (samples, *tensor_shape) integers) through a simulator; raises ToolFailed.

    ``image``: of parameters, which are loaded before, where the design has a port for them; ``waves``: the file for those of all signals, of
    a simulator that was built to write them."""
    predicted = (manifest.interval_cycles or 0) + (manifest.latency_cycles or 0)
    job = Job(
        top=manifest.top,
        clock=manifest.clock,
        reset=manifest.reset,
        inputs=tuple(map(_job_port, manifest.inputs)),
        outputs=tuple(map(_job_port, manifest.outputs)),
        samples=samples,
        stall=stall,
        seed=seed,
        patience=STALL_FACTOR * predicted + 10_000,
        probes=tuple(probe for _, probe in probes),
        parameters=JobPort(PARAMETERS, len(image), 1) if has_parameter_port(manifest) else None,
    )
    with tempfile.TemporaryDirectory(prefix="hlsgen_simulation_") as name:
        folder = Path(name)
        job.write(folder)
        (folder / f"{PARAMETERS}.words").write_bytes(image)
        for port in manifest.inputs:
            (folder / f"{port.axis}.words").write_bytes(pack(port, inputs[port.value]))
        _run(executable, engine, job, folder, progress, waves)
        return _collect(folder, job, manifest, probes)


def _run(
    executable: Path,
    engine: str,
    job: Job,
    folder: Path,
    progress: Progress,
    waves: Path | None,
) -> None:
    if engine == "fast":
        arguments = [str(folder), str(job.samples), job.stall, str(job.seed), str(job.patience)]
        environment = dict(os.environ)
    else:
        arguments = [] if waves is None else ["--trace", "--trace-file", str(waves)]
        environment = cocotb_environment("hlsgen.sim.bench", job.top, folder)
    what = f"simulating {job.samples} samples, {engine}, stall {job.stall}"
    run_executable(executable, arguments, environment, folder, what, progress)


def run_executable(
    executable: Path,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    what: str,
    progress: Progress,
) -> None:
    """Run a simulator in a job's folder until it has written ``result.json``; raises ToolFailed."""
    command = [str(executable.resolve()), *arguments]  # the run has a working directory of its own
    log = folder / "simulation.log"
    progress(what, None)
    with (
        log.open("wb") as stream,
        started(command, cwd=folder, env=environment, stdout=stream, stderr=stream) as process,
    ):
        while process.poll() is None:
            try:
                process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                progress(what, _share(folder))
    if process.returncode or not (folder / "result.json").exists():
        raise _simulator_failed(executable, process.returncode, log)


def cocotb_environment(bench: str, top: str, folder: Path) -> dict[str, str]:
    """What cocotb_tools.runner sets for a Verilator run of a bench (a module's name), and the folder of the job."""
    import find_libpython
    from cocotb_tools import config

    library = find_libpython.find_libpython()
    if library is None:
        raise ToolFailed(
            "cocotb",
            "expected a shared Python library (libpython), found none",
            "Install the package libpython3 of your system, or use --engine fast.",
        )
    root = str(Path(hlsgen.__file__).resolve().parent.parent)
    return dict(os.environ) | {
        "GPI_USERS": f"{library};{config.pygpi_entry_point()}",
        "PATH": os.pathsep.join([os.environ.get("PATH", ""), str(config.libs_dir)]),
        "PYTHONPATH": os.pathsep.join([root, *(entry for entry in sys.path if entry)]),
        "PYGPI_PYTHON_BIN": sys.executable,
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": bench,
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_RESULTS_FILE": str(folder / "results.xml"),
        "TOPLEVEL_LANG": "verilog",
        "HLSGEN_JOB": str(folder),
    }


def _simulator_failed(executable: Path, code: int, log: Path) -> ToolFailed:
    # The log lies in a temporary folder, which goes: it is kept beside the program.
    kept = executable.parent / "simulation.log"
    kept.write_bytes(log.read_bytes())
    return failure(f"simulation {executable.parent.name}", str(executable), code, kept)


def _share(folder: Path) -> float | None:
    try:
        return float((folder / "progress").read_text())
    except (OSError, ValueError):
        return None


def _collect(
    folder: Path,
    job: Job,
    manifest: Manifest,
    probes: Sequence[tuple[ProcessPoint, Probe]],
) -> Simulation:
    result = JobResult.read(folder)
    outputs, missing, last_given = {}, {}, []
    for port in manifest.outputs:
        raw = (folder / f"{port.axis}.words").read_bytes()
        cycles = _cycles(folder, port.axis)
        outputs[port.value], missing[port.value] = _values(port, raw, len(cycles), job.samples)
        last_given.append(cycles[port.words - 1 :: port.words])
    accepted = [_cycles(folder, port.axis) for port in manifest.inputs]
    return Simulation(
        samples=job.samples,
        cycles=result.cycles,
        stopped=result.stopped,
        violations=result.violations,
        outputs=outputs,
        missing=missing,
        first_accepted=_combined(accepted, np.minimum) if accepted else np.zeros(0, np.int64),
        last_given=_combined(last_given, np.maximum),
        recordings={
            point.name: Recording(
                (folder / f"{probe.instance}.words").read_bytes(),
                _cycles(folder, probe.instance),
                _cycles(folder, f"{probe.instance}.offered"),
            )
            for point, probe in probes
        },
    )


def _values(port: Port, raw: bytes, count: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Output tensors, and which of their elements never came."""
    total = samples * port.words * port.word_bytes
    came = np.arange(samples * port.words).reshape(samples, port.words) < count
    height, width, channels = port.stream_shape
    words_per_pixel = port.words // (height * width)
    lanes = came.reshape(samples, height, width, words_per_pixel, 1).repeat(port.lanes, -1)
    stream = ~lanes.reshape(samples, height, width, -1)[..., :channels]
    return unpack(port, raw.ljust(total, b"\0"), samples), port.to_tensor(stream)


def _combined(cycles: Sequence[np.ndarray], choose: np.ufunc) -> np.ndarray:
    """One cycle per sample from those of several ports."""
    shortest = min(map(len, cycles))
    combined: np.ndarray = choose.reduce([port_cycles[:shortest] for port_cycles in cycles])
    return combined


def _cycles(folder: Path, name: str) -> np.ndarray:
    return np.fromfile(folder / f"{name}.cycles", dtype="<u8").astype(np.int64)


def _job_port(port: Port) -> JobPort:
    return JobPort(port.axis, port.words, port.word_bytes)
