"""How networks that take a sample every cycle are measured: LUTs after synthesis beside those of da4ml, and place and route.

``python -m benchmarks.run constant jet``: compiled, simulated, synthesised for ECP5; where ``da4ml`` is installed (pip install da4ml) the same weights
go through it and the same synthesis. ``jet@ulx3s_85f``: placed and routed.
"""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import jet
from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row, compiled_design, verified_values
from hlsgen.bitstream.build import TOOLCHAINS, synthesise, synthesised
from hlsgen.bitstream.steps import Workplace
from hlsgen.bitstream.synthesis import SynthesisJob
from hlsgen.dataflow.constant_layer import ConstantLayer, constant_layer
from hlsgen.numbers import Numbers
from hlsgen.processes import Running
from hlsgen.progress import silent
from hlsgen.targets.network_source import read_network

FAMILY = "ecp5"
OPTIONS: dict[str, Any] = {"board": "ulx3s_85f", "interval": 1}
DA4ML_STAGE = 2
"""Adders between two registers of da4ml's pipeline: at 2 it has 12 stages."""


def _measure(design: str, sources: Sources, work: Path) -> Record:
    folder = work / "constant"
    compiled, report = compiled_design("constant", "jet", jet.model(), folder, **OPTIONS)
    verified = verified_values(compiled, jet.samples(), samples=50, stall="random")
    command = f"python -m benchmarks.run constant {design}"
    if "@" in design:
        compiled.build()
        built = json.loads((compiled.directory / "build.json").read_text())
        built["bitstream"] = Path(built["bitstream"]).name
        return Record("constant", design, command, OPTIONS, report | verified | built)
    used = synthesise(compiled.directory, FAMILY, top=compiled.manifest.top)
    values = {"carry_bits": _carry_bits(), "lut": used.lut, "ff": used.ff, "dsp": used.dsp}
    theirs = _da4ml(folder / "da4ml") if find_spec("da4ml") else {}
    return Record("constant", design, command, OPTIONS, report | verified | values | theirs)


def _carry_bits() -> int:
    """Bits of the carry chains of all layers."""
    lowered = read_network(jet.model(), Numbers(), silent).lowered(nudged=True, progress=silent)
    layers = [constant_layer(lowered.dataflow, p) for p in lowered.dataflow.processes]
    return sum(layer.graph().carry_bits for layer in layers if isinstance(layer, ConstantLayer))


def _da4ml(folder: Path) -> dict[str, Any]:
    """The same network by da4ml, equal to the integers on the samples, and LUTs of its Verilog by the same synthesis."""
    from da4ml.codegen import RTLModel
    from da4ml.trace import FixedVariableArray, HWConfig, comb_trace

    ones = np.ones(jet.SIZES[0], int)
    inputs = FixedVariableArray.from_kif(ones, 5 * ones, 0 * ones, HWConfig(1, -1, -1))
    value, dropped = inputs, 0
    for k, layer in enumerate(jet.layers()):
        value = value @ layer.weights.T.astype(float) + layer.bias * 2.0**dropped
        if k < len(jet.DROPPED):
            dropped += jet.DROPPED[k]
            value = value.quantize(
                k=0, i=6 + dropped, f=-dropped, overflow_mode="SAT", round_mode="TRN"
            )
    logic = comb_trace(inputs, value)
    vectors = np.rint(jet.samples()["x"] / jet.STEP)
    differ = np.count_nonzero(
        logic.predict(vectors.astype(np.float64)) / 2.0**dropped != jet.results(vectors)
    )
    shutil.rmtree(folder, ignore_errors=True)
    RTLModel(logic, "jet", folder, latency_cutoff=DA4ML_STAGE, print_latency=False).write()
    source = folder / "src"
    files = sorted((*source.glob("*.v"), *(source / "static").glob("*.v")))
    unused = ("jet_wrapper.v", "lookup_table.v")
    text = "\n".join(file.read_text() for file in files if file.name not in unused)
    (folder / "design.v").write_text(text)
    toolchain = TOOLCHAINS[FAMILY]
    used = synthesised(
        toolchain, Workplace(folder, silent, Running()), SynthesisJob(("design.v",), "jet")
    )
    return {
        "da4ml": version("da4ml"),
        "da4ml_lut": used.lut,
        "da4ml_ff": used.ff,
        "da4ml_mismatches": int(differ),
    }


constant = Row(("jet", "jet@ulx3s_85f"), _measure)
