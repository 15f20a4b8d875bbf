"""Other weights in the same circuit: a retrained network, loaded through the parameter port of a simulated design.

``python -m benchmarks.run retrained digits``: the digits network compiled with ``--weights loadable``; ``examples/digits/retrain.py`` makes one of
another seed; its bytes go in, then its samples, with random idle and backpressure, and every element is compared with its own integer graph.
``digits@ulx3s_85f``: the same built for the board, whose emulated line carries the bytes and the samples at the clock that place and route reached; then
the first network's again.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import BUILT_INTERVALS, Row, compiled_design, verified_values
from examples.digits import retrain
from examples.digits.network import quantise
from hlsgen import flow, flow_board
from hlsgen.artefact.folder import open_folder
from hlsgen.artefact.parameter_port import PARAMETER_FILE
from hlsgen.flow_weights import retrained as with_weights
from hlsgen.flow_weights import weights
from hlsgen.verify.executables import build_executable
from hlsgen.verify.simulation import simulate
from hlsgen.verify.simulators import find_simulator
from hlsgen.verify.stored import stored_reference

SEED, SAMPLES = 1, 100


def _measure(design: str, sources: Sources, work: Path) -> Record:
    if "@" in design:
        return _on_board(design, sources, work)
    options = {"weights": "loadable"}
    compiled, report = compiled_design("retrained", design, sources.model(design), work, **options)
    other = _other(work)
    image = weights(compiled.directory, other)
    folder = open_folder(compiled.directory)
    reference = stored_reference(
        open_folder(flow.compile(other, output=work / "reference").directory), "numpy"
    )
    samples = reference.samples(sources.inputs(design), SAMPLES, 0)
    (inputs,), (expected,) = samples.hardware.values(), reference.integers(samples).values()
    program = build_executable(folder.directory, folder.manifest, find_simulator(), "cocotb")
    (given,), (answer,) = folder.manifest.inputs, folder.manifest.outputs
    run = simulate(
        program, "cocotb", folder.manifest, {given.value: inputs}, SAMPLES, "random", 0, image=image
    )
    assert not run.stopped and not run.violations, run.violations
    values = {
        "bytes": len(image),
        "seed": SEED,
        "samples": SAMPLES,
        "elements": int(expected.size),
        "mismatches": int(np.count_nonzero(run.outputs[answer.value] != expected)),
    }
    command = f"python -m benchmarks.run retrained {design}"
    return Record("retrained", design, command, options, report | values)


def _on_board(design: str, sources: Sources, work: Path) -> Record:
    name, board = design.split("@")
    options = {"weights": "loadable", "board": board, "interval": BUILT_INTERVALS[design]}
    compiled, report = compiled_design("retrained", design, sources.model(name), work, **options)
    compiled.build()
    built = json.loads((compiled.directory / "build.json").read_text())
    other = with_weights(compiled.directory, _other(work), work / f"{design}_retrained")
    inputs, verified = sources.inputs(name), {}
    emulator = flow_board.emulate(compiled.directory)
    try:
        port = next(emulator)
        for key, each in (("", other), ("first_", compiled)):
            values = verified_values(each, inputs, samples=SAMPLES, engine="board", port=port)
            verified |= {f"{key}{part}": values[part] for part in ("elements", "mismatches")}
    finally:
        emulator.close()  # type: ignore[attr-defined]
    loaded = {"bytes": (other.directory / PARAMETER_FILE).stat().st_size, "seed": SEED}
    command = f"python -m benchmarks.run retrained {design}"
    figures = {
        key: built[key]
        for key in ("lut", "dsp", "bram", "fmax_mhz", "clock_mhz", "inferences_per_second")
    }
    values = report | loaded | {"samples": SAMPLES} | verified | figures
    return Record("retrained", design, command, options, values)


def _other(work: Path) -> Path:
    """The network trained again, quantised."""
    other = work / "retrained.onnx"
    model, pictures = retrain.retrained(SEED)
    quantise(model, other, pictures)
    return other


retrained = Row(("digits", "digits@ulx3s_85f"), _measure)
