"""Verification of compiled kernels: the circuit against the loop graphs' meaning and, for kernels in Python, the function itself."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.errors import HlsgenError, IllegalGraph, Mismatch
from hlsgen.fabric.file import fabric_hash, load_fabric
from hlsgen.loops.evaluate import dtype, evaluate_kernel
from hlsgen.loops.ir import Array, Kernel
from hlsgen.loops.python.kernel import PythonKernel
from hlsgen.loops.text import parse
from hlsgen.progress import Progress, silent
from hlsgen.schedule.grid_kernel.kernel_image import (
    KernelImage,
    PlacedArray,
    program,
    results,
    words_of_results,
)
from hlsgen.verify import fabric_simulation
from hlsgen.verify.executables import build_executable
from hlsgen.verify.kernel_inputs import checked, input_arrays, python_kernel, random_arrays
from hlsgen.verify.manifest import Manifest, load_manifest, stale
from hlsgen.verify.simulation import simulate
from hlsgen.verify.simulators import find_simulator

Arrays = Mapping[str, np.ndarray]
SAMPLES = 4
"""Executions where the user gives no arrays."""


@dataclass(frozen=True)
class KernelVerifyResult:
    """``mismatches``: output elements that differ from the loop graphs' meaning; ``function_mismatches``: from the Python function (None
    for kernels from elsewhere). ``cycles`` of the runs of one execution, as measured, and ``predicted_cycles``."""

    samples: int
    elements: int
    mismatches: int
    function_mismatches: int | None
    cycles: tuple[int, ...]
    predicted_cycles: tuple[int, ...]
    stall: str
    seed: int

    @property
    def good(self) -> bool:
        """Nothing differs."""
        return not (self.mismatches or self.function_mismatches)

    def text(self) -> str:
        """What a person wants to read."""
        function = (
            ""
            if self.function_mismatches is None
            else f", {self.function_mismatches} from the Python function"
        )
        return (
            f"{self.samples} executions, {self.elements} output elements, stall {self.stall}, seed {self.seed}\n"
            f"{self.mismatches} different from the loop graphs{function}\n"
            f"cycles {', '.join(map(str, self.cycles))} (predicted {', '.join(map(str, self.predicted_cycles))})"
        )


@dataclass(frozen=True, eq=False)
class KernelFolder:
    """What a compiled kernel's folder holds. ``fields``: of the manifest."""

    directory: Path
    manifest: Manifest
    fields: Mapping[str, Any]
    kernel: Kernel
    text: bytes | None

    @property
    def function(self) -> str | None:
        """The name of the Python function."""
        name = self.fields["kernel"]["function"]
        return None if name is None else str(name)


def is_kernel_folder(directory: Path) -> bool:
    """Whether a compiled folder holds a kernel."""
    try:
        return "kernel" in json.loads((directory / "manifest.json").read_text())
    except (OSError, ValueError, TypeError):
        return False


def load_kernel_folder(directory: Path) -> KernelFolder:
    """Read DIR; raises BadFile where files are missing or of another compilation."""
    manifest = load_manifest(directory)
    path = directory / "manifest.json"
    try:
        fields = json.loads(path.read_text())
        named = fields["kernel"]
        graphs = tuple(
            parse((directory / f"graph_{k}.txt").read_text()) for k in range(int(named["graphs"]))
        )
        text = (directory / "kernel.py").read_bytes() if named["function"] is not None else None
    except OSError as error:
        missing = Path(str(error.filename)).name
        raise stale(path, f"expected {missing} beside it, found: {error.strerror}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise stale(path, f"expected a compiled kernel, found {error!r}") from None
    return KernelFolder(
        directory, manifest, fields, Kernel(named["name"], graphs, named["source"]), text
    )


def verify_kernel(
    directory: Path,
    inputs: Arrays | None,
    samples: int | None,
    stall: str,
    engine: str,
    seed: int,
    progress: Progress = silent,
) -> KernelVerifyResult:
    """Simulate DIR/design.v on arrays (name -> (samples, *shape); None: some of the kernel's own), and write DIR/verify.json.

    Raises BadFile, TypeMismatch, ToolFailed; Mismatch where the circuit stops or takes other cycles than predicted.
    """
    folder = load_kernel_folder(directory)
    kernel = folder.kernel
    python = python_kernel(folder.text, folder.function)
    given = _samples(folder, inputs, samples, seed)
    run = _run_grid if folder.manifest.schedule == "grid" else _run_pipeline
    found, cycles, predicted = run(folder, given, stall, engine, seed, progress)
    progress("evaluating the loop graphs", None)
    wanted = [evaluate_kernel(kernel, arrays) for arrays in given]
    result = KernelVerifyResult(
        samples=len(given),
        elements=sum(values.size for sample in wanted for values in sample.values()),
        mismatches=_different(found, wanted),
        function_mismatches=None
        if python is None
        else _different(found, [_called(python, arrays) for arrays in given]),
        cycles=cycles,
        predicted_cycles=predicted,
        stall=stall,
        seed=seed,
    )
    partial = directory / "verify.json.partial"
    partial.write_text(json.dumps(asdict(result), indent=1) + "\n")
    os.replace(partial, directory / "verify.json")
    if result.good and cycles != predicted:
        raise Mismatch(
            f"{directory}: kernel {kernel.name}",
            f"expected {predicted} cycles, found {cycles}",
            "All elements are right. This is a fault of hlsgen: please report it.",
        )
    return result


def _samples(
    folder: KernelFolder, inputs: Arrays | None, samples: int | None, seed: int
) -> list[dict[str, np.ndarray]]:
    """One dictionary of arrays per execution."""
    kernel = folder.kernel
    if inputs is None:
        count = SAMPLES if samples is None else samples
        return [random_arrays(kernel, folder.text, folder.function, seed + k) for k in range(count)]
    wanted = input_arrays(kernel)
    count = min((len(values) for values in inputs.values()), default=1)
    count = count if samples is None else min(count, samples)
    return [
        checked(
            {name: values[k] for name, values in inputs.items()},
            wanted,
            f"{folder.directory}, sample {k}",
        )
        for k in range(count)
    ]


Outcome = tuple[list[dict[str, np.ndarray]], tuple[int, ...], tuple[int, ...]]


def _run_grid(
    folder: KernelFolder,
    given: list[dict[str, np.ndarray]],
    stall: str,
    engine: str,
    seed: int,
    progress: Progress,
) -> Outcome:
    """(results per execution, cycles of the runs, predicted) in the fabric's circuit."""
    image = kernel_image(folder)
    kind = "none" if stall == "none" else "mixed"
    outcome = fabric_simulation.simulate_program(
        folder.directory,
        image.fabric,
        program(image, given),
        stalls=fabric_simulation.Stalls(kind, kind, seed),
        progress=progress,
    )
    if outcome.refused:
        raise Mismatch(
            f"{folder.directory}",
            "expected the program to be taken, found it refused",
            "Map again.",
        )
    step = words_of_results(image)
    found = [results(image, outcome.unload[k * step : (k + 1) * step]) for k in range(len(given))]
    runs = len(image.run_cycles)
    every = [outcome.run_cycles[k * runs : (k + 1) * runs] for k in range(len(given))]
    odd = next((cycles for cycles in every if cycles != image.run_cycles), image.run_cycles)
    return found, odd, image.run_cycles


def kernel_image(folder: KernelFolder) -> KernelImage:
    """The program parts of a mapped kernel; raises BadFile where they are not those that were compiled."""
    directory, fields = folder.directory, folder.fields
    path = directory / "manifest.json"
    try:
        fabric = load_fabric(str(directory / f"{fields['fabric']}.toml"))
        if (found := fabric_hash(fabric)) != int(fields["fabric_hash"]):
            expected = int(fields["fabric_hash"])
            raise stale(path, f"expected a fabric of hash {expected:08x}, found {found:08x}")
        words = (directory / "configurations.bin").read_bytes()
        digest = hashlib.sha256(words).hexdigest()
        if digest != fields["configurations_sha256"]:
            raise stale(
                directory / "configurations.bin",
                f"expected sha256 {fields['configurations_sha256'][:16]}..., found {digest[:16]}...",
            )
        arrays: dict[str, Array] = {}
        for graph in folder.kernel.graphs:
            for array in graph.arrays:
                arrays.setdefault(array.name, array)
        placed = tuple(
            PlacedArray(arrays[name], tuple((str(tile), int(base)) for tile, base in copies))
            for name, copies in fields["copies"].items()
        )
        cycles = tuple(int(item) for item in fields["run_cycles"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise stale(path, f"expected a mapped kernel, found {error!r}") from None
    configurations = np.frombuffer(words, dtype="<u4").astype(np.uint32)
    return KernelImage(folder.kernel.name, fabric, placed, configurations, cycles)


def _run_pipeline(
    folder: KernelFolder,
    given: list[dict[str, np.ndarray]],
    stall: str,
    engine: str,
    seed: int,
    progress: Progress,
) -> Outcome:
    """(results per execution, cycles from the first input to the last result of one execution at full speed, predicted)."""
    manifest = folder.manifest
    progress(f"building the simulator ({engine})", None)
    executable = build_executable(folder.directory, manifest, find_simulator(), engine)
    stacked = {name: np.stack([arrays[name] for arrays in given]) for name in given[0]}
    kind = "none" if stall == "none" else "mixed"
    main = simulate(
        executable,
        engine,
        manifest,
        stacked,
        kind,
        seed,
        samples=len(given),
        progress=progress,
    )
    first = {name: values[:1] for name, values in stacked.items()}
    timed = simulate(
        executable, engine, manifest, first, "none", seed, samples=1, progress=progress
    )
    problems = [*main.violations, *timed.violations]
    problems += ["the circuit stopped"] if main.stopped or timed.stopped else []
    if problems:
        raise Mismatch(
            f"{folder.directory}: kernel {folder.kernel.name}",
            f"expected the rules of AXI4-Stream to hold, found: {problems[0]}",
            "This is a fault of hlsgen: please report it.",
        )
    names = [port.value for port in manifest.outputs]
    types = {array.name: array for graph in folder.kernel.graphs for array in graph.arrays}
    found = [
        {name: main.outputs[name][k].astype(dtype(types[name].element)) for name in names}
        for k in range(len(given))
    ]
    begin = int(timed.first_accepted[0]) if len(timed.first_accepted) else 0
    cycles = int(timed.last_given[0]) + 1 - begin
    return found, (cycles,), (manifest.predicted_latency_cycles,)


def _called(python: PythonKernel, arrays: Arrays) -> dict[str, np.ndarray]:
    """What the function itself writes; raises IllegalGraph where it raises anything."""
    every = {
        name: arrays[name].copy() if name in arrays else np.zeros(type_.shape, dtype(type_.element))
        for name, type_ in python.parameters.items()
    }
    try:
        python(**every)
    except HlsgenError:
        raise
    except Exception as error:
        raise IllegalGraph(
            f"{python.signature.source}, kernel {python.name}",
            f"expected a function that runs on these arrays, found {type(error).__name__}: {error}",
            "Correct the function, or give other arrays.",
        ) from None
    return {name: every[name] for name, type_ in python.parameters.items() if type_.role != "input"}


def _different(found: list[dict[str, np.ndarray]], wanted: list[dict[str, np.ndarray]]) -> int:
    """Elements that differ, over all executions and the arrays of both."""
    return sum(
        int(np.count_nonzero(got[name] != values))
        for got, sample in zip(found, wanted, strict=True)
        for name, values in sample.items()
    )
