"""One fabric on one simulated board, networks and kernels after one another on it without another bitstream.

``python -m benchmarks.run swapped``: digits, then the autoencoder, then digits again, on a preset that the board has room for; and networks and kernels by
turns on a fabric that does both, whatever its size; over the serial line of the top that is synthesised. The circuit's clock is the slowest that the board's PLL makes, since the simulator computes every cycle of it and the line is what takes the time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import hlsgen
from benchmarks.models import ROOT, Sources
from benchmarks.record import Record
from benchmarks.rows import Row
from hlsgen import flow_board
from hlsgen.artefact.folder import open_folder
from hlsgen.targets import target_of

SAMPLES = {"digits": 5, "ad_fcae_int8": 1}
KERNELS = {
    name: ROOT / "examples" / "kernels" / f"{name}.py" for name in ("fir", "matrix_multiply")
}
FABRICS = {
    "digits+ad_fcae_int8+digits@ulx3s_25f": "mac_2x2",
    "digits+fir+ad_fcae_int8+matrix_multiply+digits@ulx3s_85f": str(
        Path(__file__).with_name("networks_and_kernels_2x2.toml")
    ),
}
CLOCK = "10"


def _measure(design: str, sources: Sources, work: Path) -> Record:
    names, board = design.split("@")
    order, fabric = names.split("+"), FABRICS[design]
    options = {"schedule": "grid", "fabric": Path(fabric).stem, "board": board}
    compiled = {
        name: _compiled(name, fabric, board, sources, work) for name in dict.fromkeys(order)
    }
    began = time.perf_counter()
    emulator = flow_board.emulate(compiled[order[0]].directory, board, CLOCK)
    try:
        port = next(emulator)
        built = time.perf_counter()
        with compiled[order[0]].connect(port) as session:
            runs = [_run(session, compiled[name], name, sources) for name in order]
        ended = time.perf_counter()
    finally:
        emulator.close()  # type: ignore[attr-defined]
    values = {
        "board": board,
        "clock_mhz": float(CLOCK),
        "verilog_sha256": sorted({one.manifest.verilog_sha256 for one in compiled.values()}),
        "runs": runs,
        "mismatches": sum(run["mismatches"] for run in runs),
        "simulator_seconds": round(built - began, 1),
        "seconds": round(ended - built, 1),
    }
    return Record("swapped", design, f"python -m benchmarks.run swapped {design}", options, values)


def _compiled(name: str, fabric: str, board: str, sources: Sources, work: Path) -> hlsgen.Compiled:
    """A network or a kernel for the fabric."""
    output = work / f"{name}@{Path(fabric).stem}"
    if name in KERNELS:
        return hlsgen.map_kernel(f"{KERNELS[name]}:{name}", fabric=fabric, output=output)
    return hlsgen.compile(
        sources.model(name), output=output, schedule="grid", fabric=fabric, board=board
    )


def _run(session: Any, compiled: hlsgen.Compiled, name: str, sources: Sources) -> dict[str, Any]:
    """One program on the board, and how many elements of its outputs are not those of the integer graph, or of the loop graphs."""
    folder = open_folder(compiled.directory)
    target = target_of(folder)
    reference = target.reference(folder, "numpy")
    if name in KERNELS:
        samples = reference.samples(None, 1, 0)
        arrays = {key: values[0] for key, values in samples.hardware.items()}
        outputs = {key: array[None] for key, array in session.run(compiled, **arrays).items()}
    else:
        inputs = {key: values[: SAMPLES[name]] for key, values in sources.inputs(name).items()}
        samples = reference.samples(inputs, None, 0)
        outputs = session.run(compiled, **inputs)
    meant = reference.results(samples, reference.integers(samples))
    traffic = target.traffic(folder, samples.hardware, samples.count)
    wrong = sum(int(np.count_nonzero(outputs[key] != meant[key])) for key in meant)
    return {
        "network": name,
        "samples": samples.count,
        "elements": sum(values.size for values in meant.values()),
        "mismatches": wrong,
        "bytes_in": sum(map(len, traffic.inputs)),
        "bytes_out": sum(traffic.sizes),
    }


swapped = Row(tuple(FABRICS), _measure)
