"""One fabric on one simulated board, networks after one another on it without another bitstream.

``python -m benchmarks.run swapped``: digits, then the autoencoder, then digits again, over the serial line of the top that is synthesised. The circuit's
clock is the slowest that the board's PLL makes, since the simulator computes every cycle of it and the line is what takes the time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import hlsgen
from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row
from hlsgen import flow_board
from hlsgen.artefact.folder import open_folder
from hlsgen.targets import target_of

SAMPLES = {"digits": 5, "ad_fcae_int8": 1}
FABRIC, CLOCK = "mac_2x2", "10"


def _measure(design: str, sources: Sources, work: Path) -> Record:
    names, board = design.split("@")
    order = names.split("+")
    options = {"schedule": "grid", "fabric": FABRIC, "board": board}
    compiled = {
        name: hlsgen.compile(sources.model(name), output=work / f"{name}@{FABRIC}", **options)
        for name in dict.fromkeys(order)
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


def _run(session: Any, compiled: hlsgen.Compiled, name: str, sources: Sources) -> dict[str, Any]:
    """One program on the board, and how many elements of its outputs are not the integer graph's."""
    inputs = {key: values[: SAMPLES[name]] for key, values in sources.inputs(name).items()}
    outputs = session.run(compiled, **inputs)
    folder = open_folder(compiled.directory)
    target = target_of(folder)
    reference = target.reference(folder, "numpy")
    samples = reference.samples(inputs, None, 0)
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


DESIGNS = ("digits+ad_fcae_int8+digits@ulx3s_25f",)
swapped = Row(DESIGNS, _measure)
