"""How kernels are measured: mapped by the public interface, replayed, and simulated in the circuit of a fabric."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import hlsgen
from benchmarks.kernels import EXAMPLES, NAMES, SMALL, KernelFiles
from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.ir import Fabric
from hlsgen.flow import map_kernel as map_file
from hlsgen.loops.ir import Kernel, LoopGraph
from hlsgen.schedule.grid_kernel.map import map_graph
from hlsgen.schedule.grid_kernel.map_report import map_report
from hlsgen.schedule.grid_kernel.run_kernel import configured, replay
from hlsgen.verify.kernel_inputs import input_arrays

FABRIC = "cgra_4x4"
SIZES = (3, 4, 5, 6, 8)
SCALED = ("conv3", "cap", "mults1", "2mm", "polybench/atax_unroll4.xml", "pedometer", "dct")


def _mapped(name: str, graph: LoopGraph, fabric: Fabric, time_limit: float) -> dict[str, Any]:
    """The figures of one mapping, replayed in the cycle model on random arrays."""
    began = time.perf_counter()
    mapping = map_graph(graph, fabric, time_limit=time_limit)
    seconds = time.perf_counter() - began
    kernel = Kernel(name, (graph,), name)
    random = np.random.default_rng(0)
    arrays = {
        key: random.integers(
            array.element.minimum, array.element.maximum, array.shape, endpoint=True
        )
        for key, array in input_arrays(kernel).items()
    }
    replay(configured(kernel, [mapping]), arrays)
    stopped = {"stopped": mapping.stopped}
    return {"name": name, **map_report(mapping), **stopped, "seconds": round(seconds, 2)}


def _kernels(design: str, sources: Sources, work: Path) -> Record:
    files, fabric = KernelFiles.find(), load_fabric(design)
    mapped = [_mapped(name, files.graph(place), fabric, 9.0) for name, place in SMALL.items()]
    at_bound = sum(kernel["ii"] == kernel["mii"] for kernel in mapped)
    return _record("kernels", design, {"kernels": mapped, "at_mii": at_bound})


def _large(design: str, sources: Sources, work: Path) -> Record:
    files, fabric = KernelFiles.find(), load_fabric(design)
    mapped = []
    for place in files.large():
        mapped.append(_mapped(place, files.graph(place), fabric, 100.0))
        print(f"  {place}: {mapped[-1]['ii']} / {mapped[-1]['mii']}", flush=True)
    worst = max(kernel["ii"] / kernel["mii"] for kernel in mapped)
    return _record("large_kernels", design, {"kernels": mapped, "worst": round(worst, 3)})


def scaled(size: int) -> Fabric:
    """``cgra_4x4`` with other numbers of rows and columns."""
    fabric = load_fabric(FABRIC)
    tiles = tuple(
        replace(fabric.tiles[0], name=f"west_{row}", cell=(row, 0)) for row in range(size)
    )
    return replace(
        fabric, name=f"cgra_{size}x{size}", kinds=(("full",) * size,) * size, tiles=tiles
    )


def _grids(design: str, sources: Sources, work: Path) -> Record:
    files = KernelFiles.find()
    graph = files.graph(SMALL.get(design, design))
    intervals = {}
    for size in SIZES:
        began = time.perf_counter()
        mapping = map_graph(graph, scaled(size), time_limit=60.0)
        seconds = round(time.perf_counter() - began, 1)
        intervals[f"{size}x{size}"] = [mapping.ii, mapping.bounds.mii, seconds]
    record = _record("grids", design, {"ops": len(graph.operations), "intervals": intervals})
    return replace(record, design=design.replace("/", "_").removesuffix(".xml"))


def _examples(design: str, sources: Sources, work: Path) -> Record:
    """One example on the fabric and as a fixed pipeline, both in cocotb under stalls and at full speed."""
    source = f"{EXAMPLES / design}.py:{design}"
    # One circuit for all examples, so that its simulator is built once.
    grid = map_file(source, fabric=FABRIC, output=work / "examples")
    values: dict[str, Any] = {"grid": _graphs(grid.report)}
    values |= _verified("grid", grid)
    stream = hlsgen.compile(source, schedule="stream", output=work / f"{design}_stream")
    values["stream"] = stream.report["graphs"]
    values |= _verified("stream", stream, engine="fast")
    return _record("examples", design, values)


def _graphs(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(report["graphs"]) if "graphs" in report else [report]


def _verified(kind: str, compiled: hlsgen.Compiled, engine: str = "cocotb") -> dict[str, Any]:
    result = compiled.verify(None, samples=3, engine=engine)
    return {
        f"{kind}_mismatches": result.mismatches + (result.function_mismatches or 0),
        f"{kind}_elements": result.elements,
        f"{kind}_cycles": [result.latency_cycles],
        f"{kind}_predicted_cycles": [result.predicted.latency_cycles],
    }


def _record(row: str, design: str, values: Mapping[str, Any]) -> Record:
    command = f"python -m benchmarks.run {row} {design}"
    return Record(row, design, command, {"fabric": FABRIC}, values)


kernels = Row((FABRIC,), _kernels)
large_kernels = Row((FABRIC,), _large)
grids = Row(SCALED, _grids)
examples = Row(NAMES, _examples)
