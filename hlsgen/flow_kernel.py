"""The steps from a loop kernel to a folder: on a fabric (grid), or as a fixed pipeline (stream)."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsgen.errors import BadOption
from hlsgen.flow_parts import CompiledParts, fabric_file, report_files
from hlsgen.progress import Progress

if TYPE_CHECKING:
    from hlsgen.fabric.ir import Fabric
    from hlsgen.loops.ir import Kernel
    from hlsgen.schedule.grid_kernel.run_kernel import MappedKernel

DEFAULT_FABRIC = "cgra_4x4"
KINDS = (".py", ".dot", ".xml")
LARGEST_SEED = 9999


@dataclass(frozen=True)
class KernelSource:
    """``kernel`` as it was read; of one in Python also the file's ``text`` and the name of the ``function``."""

    kernel: Kernel
    text: bytes | None
    function: str | None


def is_kernel(source: object) -> bool:
    """Whether a source names a kernel: FILE.py:name, FILE.dot or FILE.xml."""
    if not isinstance(source, str | os.PathLike):
        return False
    return Path(os.fspath(source).partition(":")[0]).suffix in KINDS


def read_kernel(source: str | os.PathLike[str]) -> KernelSource:
    """Read FILE.py:name, FILE.dot (CGRA-ME and others) or FILE.xml (Morpher). Raises HlsgenError."""
    text, _, name = os.fspath(source).partition(":")
    path = Path(text)
    if path.suffix == ".py":
        from hlsgen.loops.python.kernel import load_python_kernel

        if not name:
            raise BadOption(
                str(source),
                "expected the name of a kernel after the file, found none",
                f"Write {path}:name.",
            )
        function = load_python_kernel(path, name)
        return KernelSource(function.lower(), path.read_bytes(), name)
    if path.suffix == ".dot":
        from hlsgen.loops.read_dot import read_dot

        return KernelSource(read_dot(path), None, None)
    if path.suffix == ".xml":
        from hlsgen.loops.read_morpher import read_morpher

        return KernelSource(read_morpher(path), None, None)
    raise BadOption(
        str(source),
        f"expected FILE.py:name, FILE.dot or FILE.xml, found {path.suffix or 'no suffix'}",
        "Give a kernel in one of these forms.",
    )


def check_search(seed: int, time_limit: float) -> None:
    """Raise BadOption for a seed or a time that no search takes."""
    if not 0 <= seed <= LARGEST_SEED:
        raise BadOption(
            "--seed",
            f"expected a whole number of 0 to {LARGEST_SEED}, found {seed}",
            "Choose a seed of this range.",
        )
    if not 0 <= time_limit < math.inf:
        raise BadOption(
            "--time-limit",
            f"expected seconds, 0 or more, found {time_limit:g}",
            "Leave it out for 100 seconds.",
        )


def map_to_grid(
    source: KernelSource,
    fabric_name: str | os.PathLike[str] | None,
    seed: int,
    time_limit: float,
    exact: bool,
    as_given: bool,
    progress: Progress,
) -> CompiledParts:
    """Map a kernel to a fabric, replay it in the cycle model, and emit the fabric's Verilog. Raises HlsgenError."""
    from hlsgen.fabric.file import load_fabric
    from hlsgen.loops.check import check
    from hlsgen.loops.clean import clean
    from hlsgen.rtl.fabric import emit_fabric
    from hlsgen.rtl.verilog import to_verilog
    from hlsgen.schedule.grid_kernel.drawing import to_svg
    from hlsgen.schedule.grid_kernel.map_report import kernel_report
    from hlsgen.schedule.grid_kernel.picture import to_text
    from hlsgen.schedule.grid_kernel.run_kernel import map_kernel, replay
    from hlsgen.verify.kernel_inputs import random_arrays

    name = os.fspath(fabric_name or DEFAULT_FABRIC)
    fabric = load_fabric(name)
    kernel = source.kernel if source.function else _with_word(source.kernel, fabric)
    operators = {operator for kind in fabric.pe_kinds for operator in kind.operators}
    for graph in kernel.graphs:
        check(graph)
    graphs = tuple(clean(graph, as_given, operators) for graph in kernel.graphs)
    mapped = map_kernel(replace(kernel, graphs=graphs), fabric, seed, time_limit, exact, progress)
    progress("replaying in the cycle model", None)
    replay(mapped, random_arrays(mapped.kernel, source.text, source.function, seed))
    progress("emitting Verilog", None)
    verilog = to_verilog(emit_fabric(fabric))
    report = kernel_report(mapped.mappings)
    text = "\n".join(to_text(mapping) for mapping in mapped.mappings)
    files = {
        "design.v": verilog.encode(),
        f"{fabric.name}.toml": fabric_file(name),
        "configurations.bin": mapped.image.configurations.astype("<u4").tobytes(),
        "map.json": json.dumps(report, indent=1).encode(),
        "mapping.txt": text.encode(),
        **_kernel_files(mapped.kernel, source),
    }
    for number, mapping in enumerate(mapped.mappings):
        suffix = f"_{number}" if len(mapped.mappings) > 1 else ""
        files[f"mapping{suffix}.svg"] = to_svg(mapping).encode()
    manifest = _grid_manifest(mapped, source, files)
    return CompiledParts(files | report_files(report, text), report, manifest, text)


def compile_to_pipeline(source: KernelSource, progress: Progress) -> CompiledParts:
    """A kernel as a fixed pipeline, schedule stream. Raises HlsgenError."""
    from hlsgen.loops.check import check
    from hlsgen.loops.clean import clean
    from hlsgen.rtl.pipeline import emit_pipeline
    from hlsgen.rtl.verilog import to_verilog
    from hlsgen.schedule.stream_kernel.pipeline import schedule_pipeline
    from hlsgen.schedule.stream_kernel.report import pipeline_report, pipeline_text

    for graph in source.kernel.graphs:
        check(graph)
    kernel = replace(source.kernel, graphs=tuple(clean(graph) for graph in source.kernel.graphs))
    progress("scheduling the pipeline", None)
    plans = [schedule_pipeline(graph) for graph in kernel.graphs]
    design = emit_pipeline(kernel, plans)
    progress("emitting Verilog", None)
    verilog = to_verilog(design)
    report, text = pipeline_report(plans), "\n".join(pipeline_text(plan) for plan in plans)
    files = {"design.v": verilog.encode(), **_kernel_files(kernel, source)}
    manifest = design.manifest_for(verilog) | _identity(kernel, source)
    return CompiledParts(files | report_files(report, text), report, manifest, text)


def _kernel_files(kernel: Kernel, source: KernelSource) -> dict[str, bytes]:
    """What a folder is verified against: the graphs, and the Python file."""
    from hlsgen.loops.text import to_text

    files = {f"graph_{k}.txt": to_text(graph).encode() for k, graph in enumerate(kernel.graphs)}
    return files | ({} if source.text is None else {"kernel.py": source.text})


def _identity(kernel: Kernel, source: KernelSource) -> dict[str, Any]:
    return {
        "kernel": {
            "name": kernel.name,
            "source": kernel.source,
            "graphs": len(kernel.graphs),
            "function": source.function,
        }
    }


def _grid_manifest(
    mapped: MappedKernel, source: KernelSource, files: Mapping[str, bytes]
) -> dict[str, Any]:
    from hlsgen.rtl.fabric import manifest

    image = mapped.image
    return {
        **manifest(mapped.fabric),
        **_identity(mapped.kernel, source),
        "verilog_sha256": hashlib.sha256(files["design.v"]).hexdigest(),
        "configurations_sha256": hashlib.sha256(files["configurations.bin"]).hexdigest(),
        "copies": {placed.array.name: list(placed.copies) for placed in image.arrays},
        "run_cycles": list(image.run_cycles),
        "inputs": [],
        "outputs": [],
        "processes": [],
        "predicted_interval_cycles": sum(image.run_cycles),
        "predicted_latency_cycles": sum(image.run_cycles),
    }


def _with_word(kernel: Kernel, fabric: Fabric) -> Kernel:
    """A graph from another project with the fabric's words: such graphs have no word type of their own."""
    from hlsgen.algebra.types import ElementType

    word = ElementType(fabric.word_bits, True)
    graphs = []
    for graph in kernel.graphs:
        arrays = tuple(
            replace(array, element=word) if array.element == graph.word else array
            for array in graph.arrays
        )
        graphs.append(replace(graph, word=word, arrays=arrays))
    return replace(kernel, graphs=tuple(graphs))
