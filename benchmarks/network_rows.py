"""How networks on a fabric are measured: compiled, verified in the circuit, and timed in it at full speed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.grid_layers import convolution_of_resnet8, matrix_product
from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row, compiled_design, verified_values
from hlsgen.artefact.folder import open_folder
from hlsgen.bitstream.build import synthesise
from hlsgen.cycle_model.program import ProgramResult
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import Mismatch
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.packets import to_words
from hlsgen.flow import build, emit_fabric
from hlsgen.schedule.grid_network.plan import plan_network
from hlsgen.schedule.grid_network.ports import (
    input_bands,
    input_packets,
    output_bands,
    outputs_of,
    result_words,
)
from hlsgen.schedule.grid_network.program import sample_packets, setup_packets
from hlsgen.targets.grid_network import load_program, program_words
from hlsgen.verify.fabric_simulation import Stalls, simulate_program
from hlsgen.verify.stored import stored_reference

FABRIC = "mac_8x8"
NETWORKS = ("digits", "ad_fcae_int8", "kws_dscnn_int8", "ic_resnet8_int8")
BATCHES = (
    "digits_by_8",
    "ad_fcae_int8_by_8",
    "kws_dscnn_int8_by_8",
    "ic_resnet8_int8_by_2",
    "vww_mbv1_int8_by_2",
)
"""Networks of which so many samples share the rows of the fabric."""
PAIR = "digits+ad_fcae_int8"
LAYERS: dict[str, Callable[[], Dataflow]] = {
    "gemm_128": matrix_product,
    "resnet8_conv_3x3": convolution_of_resnet8,
}
PLACED = ("cgra_4x4@ulx3s_85f", "mac_2x2@ulx3s_25f")
FAMILIES = {"icebreaker_2x2": "ice40"}
FABRICS = (
    *PLACED,
    "icebreaker_2x2",
    "mac_8x8",
    f"{FABRIC}@ulx3s_85f",
    "mac_8x16",
    "cgra_8x8",
)
SAMPLES = 3


def _network(design: str, sources: Sources, work: Path) -> Record:
    if design == PAIR:
        return _pair(design, sources, work)
    name, _, together = design.partition("_by_")
    batch = int(together or 1)
    options: dict[str, Any] = {"schedule": "grid", "fabric": FABRIC}
    options |= {"batch": batch} if together else {}
    compiled, report = compiled_design("networks", design, sources.model(name), work, **options)
    inputs = sources.inputs(name)
    verified = verified_values(compiled, inputs, samples=SAMPLES * batch, stall="random")
    done = _full_speed(compiled.directory, inputs, batch)
    assert done.busy_cycles is not None
    full = compiled.report
    pes = full["processing_elements"]
    measured = {
        "macs": full["macs"],
        "batch": batch,
        "cycles": done.busy_cycles,
        "predicted_cycles": full["cycles"],
        "run_cycles": sum(done.run_cycles),
        "mac_use": round(batch * full["macs"] / (pes * done.busy_cycles), 4),
    }
    options |= {"samples": str(SAMPLES * batch), "stall": "random"}
    return _record("networks", design, report | verified | measured, options)


def _full_speed(directory: Path, inputs: dict[str, np.ndarray], batch: int) -> ProgramResult:
    """One batch without stalls."""
    folder = open_folder(directory)
    program = load_program(folder)
    samples = stored_reference(folder, "numpy").samples(inputs, batch, 0)
    words = program_words(folder, program, samples.hardware, batch)
    return simulate_program(directory, program.fabric, words, top=folder.manifest.top)


def _pair(design: str, sources: Sources, work: Path) -> Record:
    """Two networks one after the other in one simulated circuit, only the program changed."""
    parts, expected = [], []
    for name in design.split("+"):
        compiled, _ = compiled_design(
            "networks", name, sources.model(name), work, schedule="grid", fabric=FABRIC
        )
        folder = open_folder(compiled.directory)
        program = load_program(folder)
        reference = stored_reference(folder, "numpy")
        samples = reference.samples(sources.inputs(name), 1, 0)
        parts.append(program_words(folder, program, samples.hardware, 1))
        expected.append((program, reference.integers(samples), folder.manifest))
    words = np.concatenate([*parts, parts[0]])
    done = simulate_program(
        work / design.split("+")[0],
        program.fabric,
        words,
        stalls=Stalls("random", "random", 1),
        top=folder.manifest.top,
    )
    differing = elements = place = 0
    for program, integers, manifest in (*expected, expected[0]):
        count = result_words(program.fabric, program.outputs)
        outputs = outputs_of(program.fabric, program.outputs, done.unload[place : place + count], 1)
        place += count
        for port in manifest.outputs:
            got, want = outputs[port.channel].reshape(-1), integers[port.value].reshape(-1)
            differing += int(np.count_nonzero(got != want))
            elements += want.size
    values = {"elements": elements, "mismatches": differing, "cycles": done.cycles}
    return _record("networks", design, values, {"fabric": FABRIC, "stall": "random"})


def _layer(design: str, sources: Sources, work: Path) -> Record:
    dataflow, fabric = LAYERS[design](), load_fabric(FABRIC)
    plan = plan_network(fabric, dataflow)
    random = np.random.default_rng(1)
    inputs = {"x": random.integers(-128, 128, (1, *dataflow.channels["x"].shape))}
    emitted = emit_fabric(FABRIC, output=work / FABRIC)
    given = input_packets(fabric, input_bands(plan), inputs)
    words = to_words((*setup_packets(plan), *given, *sample_packets(plan)))
    done = simulate_program(emitted.directory, fabric, words, top=emitted.manifest.top)
    name = dataflow.outputs[0]
    want = interpret(dataflow, inputs)[name]
    got = outputs_of(fabric, output_bands(plan), np.asarray(done.unload), 1)[name]
    if not np.array_equal(got, want):
        raise Mismatch(design, "expected the layer's meaning, found another result", "Report it.")
    macs, pes = sum(phase.macs for phase in plan.phases), fabric.rows * fabric.columns
    values = {
        "macs": macs,
        "predicted_cycles": sum(phase.cycles for phase in plan.phases),
        "run_cycles": sum(done.run_cycles),
        "cycles": done.busy_cycles,
        "mac_use": round(macs / (pes * sum(done.run_cycles)), 4),
        "mismatches": 0,
    }
    return _record("layers", design, values, {"fabric": FABRIC})


def _fabric(design: str, sources: Sources, work: Path) -> Record:
    """Synthesised for a family, or built to a bitstream for a board."""
    name, _, board = design.partition("@")
    emitted = emit_fabric(name, output=work / f"fabric_{name}")
    values: dict[str, Any]
    if board:
        build(emitted.directory, board)
        values = json.loads((emitted.directory / "build.json").read_text())
        values["bitstream"] = Path(str(values["bitstream"])).name
    else:
        family = FAMILIES.get(name, "ecp5")
        usage = synthesise(emitted.directory, family, large=True, top=emitted.manifest.top)
        values = {"family": family, "lut": usage.lut, "ff": usage.ff}
        values |= {"dsp": usage.dsp, "bram": usage.bram}
    return _record("fabrics", design, values, {"fabric": name, "board": board or "none"})


def _record(row: str, design: str, values: dict[str, Any], options: dict[str, Any]) -> Record:
    return Record(row, design, f"python -m benchmarks.run {row} {design}", options, values)


networks = Row((*NETWORKS, *BATCHES, PAIR), _network)
layers = Row(tuple(LAYERS), _layer)
fabrics = Row(FABRICS, _fabric)
