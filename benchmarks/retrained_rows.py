"""Other weights in the same circuit: a retrained network, loaded through the parameter port of a simulated design.

``python -m benchmarks.run retrained digits``: the digits network compiled with ``--weights loadable``; ``examples/digits/retrain.py`` makes one of
another seed; its bytes go in, then its samples, with random idle and backpressure, and every element is compared with its own integer graph.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row, compiled_design
from examples.digits import retrain
from examples.digits.network import quantise
from hlsgen import flow
from hlsgen.artefact.folder import open_folder
from hlsgen.flow_weights import weights
from hlsgen.verify.executables import build_executable
from hlsgen.verify.simulation import simulate
from hlsgen.verify.simulators import find_simulator
from hlsgen.verify.stored import stored_reference

SEED, SAMPLES = 1, 100


def _measure(design: str, sources: Sources, work: Path) -> Record:
    options = {"weights": "loadable"}
    compiled, report = compiled_design("retrained", design, sources.model(design), work, **options)
    other = work / "retrained.onnx"
    model, pictures = retrain.retrained(SEED)
    quantise(model, other, pictures)
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


retrained = Row(("digits",), _measure)
