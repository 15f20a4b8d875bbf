"""How each row is measured: compile, verify and build through the public interface, and keep what the tool says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hlsgen
from benchmarks.anchors import CYCLE_GOALS
from benchmarks.models import FEW_BITS, NETWORKS, Sources, network
from benchmarks.record import Record
from hlsgen.errors import BadOption
from hlsgen.flow import verify
from hlsgen.frontend.sessions import open_session

BOARD = "ulx3s_85f"
DSP_OF_85F = 156
BUILT_INTERVALS = {
    "digits@ulx3s_85f": 1250,
    "digits@icebreaker": 6000,
    "digits@tang_nano_9k": 2700,
    "digits@tang_nano_20k": 1350,
    "digits@tang_primer_20k": 1350,
    "digits@icesugar": 6000,
    "digits@icebreaker_bitsy": 6000,
    "digits@upduino_v3": 6000,
    "digits@ice40_hx8k_evn": 6000,
    "digits@ulx3s_12f": 1250,
    "digits@ulx3s_25f": 1250,
    "digits@colorlight_i5": 1250,
    "digits@colorlight_i9": 1250,
    "digits@colorlight_5a_75b": 1250,
    "digits@icesugar_pro": 1250,
    "digits@icepi_zero": 1250,
    "digits@orangecrab_25f": 1250,
    "digits@ecpix5_45f": 1250,
    "digits@ecpix5_85f": 1250,
    "ad_fcae_int8@ulx3s_85f": 833,
    "kws_dscnn_int8@ulx3s_85f": 8928,
    "ic_resnet8_int8@ulx3s_85f": 25000,
    "vww_mbv1_int8@ulx3s_85f": 41666,
    "kws_mlp_w3a3_qonnx@ulx3s_85f": 320,
    "tfc_1w1a_qonnx@ulx3s_85f": 64,
    "tfc_1w1a_qonnx@ulx3s_12f": 64,
    "tfc_1w1a_qonnx@icebreaker": 336,
}
"""Cycles a sample at most, for which the built designs are sized."""
SEEDS = {f"digits@{board}": 3 for board in ("ulx3s_85f", "icebreaker", "tang_nano_9k")}
"""Seeds of place and route of the boards that are watched from change to change; the others, and the large designs, of which each takes up
to half an hour, have one."""
EFFORT = "max"
"""Of the designs without a rate: as fast as the board allows."""
REPORT_KEYS = (
    "board",
    "macs",
    "multipliers",
    "utilisation",
)
PREDICTED = ("interval_cycles", "latency_cycles", "lut", "ff", "dsp", "bram")
"""Keys of the report's head that records call ``predicted_...``, beside what is measured."""
Measure = Callable[[str, Sources, Path], Record]


@dataclass(frozen=True)
class Row:
    """A row of the table: its designs and what measures one of them."""

    designs: tuple[str, ...]
    run: Measure


def _command(row: str, design: str) -> str:
    return f"python -m benchmarks.run {row} {design}"


def compiled_design(
    row: str, design: str, model: Path, work: Path, **options: Any
) -> tuple[hlsgen.Compiled, dict[str, Any]]:
    """The compiled design and the part of its report that records keep."""
    began = time.perf_counter()
    compiled = hlsgen.compile(model, output=work / design, **options)
    report = {key: compiled.report[key] for key in REPORT_KEYS if key in compiled.report}
    predicted = {key: compiled.report[key] for key in PREDICTED}
    report |= {f"predicted_{key}": n for key, n in predicted.items() if n is not None}
    layers = [dict(layer) for layer in compiled.report["layers"]]
    seconds = round(time.perf_counter() - began, 2)
    return compiled, report | {"layers": layers, "compile_seconds": seconds}


def verified_values(
    compiled: hlsgen.Compiled, inputs: Mapping[str, np.ndarray], **options: Any
) -> Any:
    """What ``verify.json`` holds after simulating the samples."""
    began = time.perf_counter()
    compiled.verify(inputs=inputs, **options)
    report = json.loads((compiled.directory / "verify.json").read_text())
    return report | {"verify_seconds": round(time.perf_counter() - began, 2)}


def _exact(design: str, sources: Sources, work: Path) -> Record:
    options = {"board": BOARD, "effort": EFFORT}
    compiled, report = compiled_design("exact", design, sources.model(design), work, **options)
    inputs = sources.inputs(design)
    samples = network(design).samples
    verified = verified_values(compiled, inputs, samples=samples, stall="random")
    itself = {
        "ort_default_against_unoptimised": _self_difference(sources.model(design), inputs, samples)
    }
    return Record(
        "exact",
        design,
        _command("exact", design),
        options | {"samples": samples, "stall": "random"},
        report | verified | _deviation(report, verified) | itself,
    )


def _self_difference(model: Path, inputs: Mapping[str, np.ndarray], samples: int) -> dict[str, int]:
    """How many output elements ONNX Runtime's default session gives otherwise than its unoptimised one."""
    import onnx

    read = onnx.load(model)
    sessions = [open_session(read, [], name) for name in ("default", "unoptimised")]
    elements = different = 0
    for k in range(samples):
        feed = {name: values[k : k + 1] for name, values in inputs.items()}
        for default, unoptimised in zip(*(s.run(None, feed) for s in sessions), strict=True):
            elements += default.size
            different += int(np.count_nonzero(default != unoptimised))
    return {"elements": elements, "different": different}


def _deviation(report: Mapping[str, Any], verified: Mapping[str, Any]) -> dict[str, float]:
    """How far the measured interval is from the predicted one, as a share of the latter."""
    predicted = report["predicted_interval_cycles"]
    return {"interval_deviation": round(verified["interval_cycles"] / predicted - 1, 4)}


def _cycles(design: str, sources: Sources, work: Path) -> Record:
    name, at, _ = design.partition("@")
    options: dict[str, Any] = {"board": BOARD, "dsp": DSP_OF_85F}
    if at:
        options["interval"] = CYCLE_GOALS[name]
    else:
        options["effort"] = EFFORT
    compiled, report = compiled_design("cycles", design, sources.model(name), work, **options)
    verified = verified_values(compiled, sources.inputs(name), samples=3, stall="none")
    per_multiplier = report["macs"] / verified["interval_cycles"] / report["multipliers"]
    return Record(
        "cycles",
        design,
        _command("cycles", design),
        options | {"samples": 3, "stall": "none"},
        report
        | verified
        | _deviation(report, verified)
        | {"macs_per_multiplier_cycle": round(per_multiplier, 3)},
    )


def _accuracy(design: str, sources: Sources, work: Path) -> Record:
    options = {"board": BOARD, "effort": EFFORT}
    compiled, report = compiled_design("accuracy", design, sources.model(design), work, **options)
    inputs, labels = _whole_test_set(design, sources)
    began = time.perf_counter()
    result = compiled.verify(inputs=inputs, stall="none", engine="fast")
    verified = json.loads((compiled.directory / "verify.json").read_text())
    answers = next(iter(result.outputs.values())).reshape(len(labels), -1).argmax(axis=1)
    return Record(
        "accuracy",
        design,
        _command("accuracy", design),
        options | {"engine": "fast"},
        report
        | verified
        | {
            "accuracy": float(np.mean(answers == labels)),
            "verify_seconds": round(time.perf_counter() - began, 2),
        },
    )


def _whole_test_set(design: str, sources: Sources) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Every test picture in the form of the network's input, and the labels."""
    if design == "digits":
        return sources.inputs(design), sources.labels(design)
    assert sources.models is not None  # the network was found in it
    with np.load(sources.models / "_datasets" / "mnist_t10k.npz") as archive:
        pictures, labels = archive["x"], archive["y"]
    ((name, few),) = sources.inputs(design).items()
    signed = (pictures.astype(np.int16) - 128).astype(np.int8)[:, None]
    assert np.array_equal(signed[: len(few)], few)  # the set's order and the network's input coding
    return {name: signed}, labels


def built_options(design: str) -> dict[str, Any]:
    """The options of ``compile`` for a design that is built, a network@board."""
    name, board = design.split("@")
    bound = {"dsp": 0} if network(name) in FEW_BITS else {}
    return {"board": board, "interval": BUILT_INTERVALS[design], **bound}


def _boards(design: str, sources: Sources, work: Path) -> Record:
    name, _ = design.split("@")
    options = built_options(design)
    compiled, report = compiled_design("boards", design, sources.model(name), work, **options)
    compiled.build(seeds=SEEDS.get(design, 1))
    built = json.loads((compiled.directory / "build.json").read_text())
    built["bitstream_bytes"] = _size(compiled.directory / built["bitstream"])
    built["bitstream"] = Path(built["bitstream"]).name
    verified = verified_values(compiled, sources.inputs(name), samples=5, stall="random")
    return Record("boards", design, _command("boards", design), options, report | verified | built)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _time(design: str, sources: Sources, work: Path) -> Record:
    """Wall time and peak memory of ``hlsgen compile`` as a process, then one inference once built."""
    folder = work / design
    command = [sys.executable, "-m", "hlsgen", "compile", str(sources.model(design))]
    command += ["--board", BOARD, "--effort", EFFORT, "-o", str(folder), "-q"]
    began = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BadOption(" ".join(command), f"exit code {process.returncode}", "Run it by hand.")
    values = {"compile_seconds": round(seconds, 1), "compile_peak_mb": usage.ru_maxrss // 1024}
    inputs = sources.inputs(design)
    for engine in ("cocotb", "fast"):
        verify(folder, inputs, samples=1, stall="none", engine=engine)
        began = time.perf_counter()
        verify(folder, inputs, samples=1, stall="none", engine=engine)
        values[f"one_inference_seconds_{engine}"] = round(time.perf_counter() - began, 1)
    return Record(
        "time", design, _command("time", design), {"board": BOARD, "effort": EFFORT}, values
    )


def short(record: Record) -> str:
    """The figures of a record that are worth a line while it runs."""
    keys = (
        "samples",
        "mismatches",
        "ort_mismatches",
        "predicted_interval_cycles",
        "interval_cycles",
        "busy_share",
        "macs_per_multiplier_cycle",
        "accuracy",
        "lut",
        "dsp",
        "bram",
        "fmax_mhz",
        "compile_seconds",
        "compile_peak_mb",
        "one_inference_seconds_cocotb",
        "one_inference_seconds_fast",
        "deviation",
        "at_mii",
        "intervals",
        "grid_mismatches",
        "grid_cycles",
        "stream_cycles",
        "cycles",
        "mac_use",
    )
    return ", ".join(f"{key} {record.values[key]}" for key in keys if key in record.values)


exact = Row(tuple(network.name for network in NETWORKS), _exact)
cycles = Row(tuple(name + kind for name in CYCLE_GOALS for kind in ("@goal", "")), _cycles)
accuracy = Row(("digits", "tm_mnist_valid_int8"), _accuracy)
boards = Row(tuple(BUILT_INTERVALS), _boards)
time_and_memory = Row(("ic_resnet8_int8",), _time)
