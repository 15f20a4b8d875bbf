"""Every network of the models folder: what ``check`` and ``compile`` say of it, and how its integer meaning compares with ONNX Runtime."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import hlsgen
from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import BOARD, Row
from hlsgen.artefact.folder import open_folder
from hlsgen.errors import HlsgenError
from hlsgen.flow_check import check
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.support import is_float
from hlsgen.verify.agreement import agree
from hlsgen.verify.stored import stored_reference

EVERY = (
    "ad_fcae_fp32",
    "ad_fcae_int8",
    "blazeface_front_fp32",
    "espcn_subpixel_qonnx",
    "hls4ml_conv1d_small_keras",
    "hls4ml_conv2d_small_mp_keras",
    "hls4ml_dense_big_keras",
    "hls4ml_three_layer_keras",
    "ic_resnet8_fp32",
    "ic_resnet8_int8",
    "jet_qkeras_6b_qonnx",
    "kws_dscnn_int8",
    "kws_dscnn_w8_fp32",
    "kws_mlp_w3a3_qonnx",
    "lenet300_mnist_int8",
    "magika_fp32",
    "mcunet_vww_int8",
    "mnist8_cntk_fp32",
    "mww_alexa_int8",
    "ppocr_cls_fp32",
    "qonnx_fp8_gemm",
    "tfc_1w1a_qonnx",
    "tfc_2w2a_qonnx",
    "tflm_micro_speech_int8",
    "tflm_mnist_lstm_fp32",
    "tflm_sine_fp32",
    "tflm_sine_int8",
    "tm_cifar10_fp32",
    "tm_cifar10_int8",
    "tm_mbnet96_int8",
    "tm_mnist_arduino_int8",
    "tm_mnist_valid_fp32",
    "tm_mnist_valid_int8",
    "tm_vww96_int8",
    "ultraface_rfb320_fp32",
    "vww_mbv1_fp32",
    "vww_mbv1_int8",
)
CALIBRATED = 8
"""Samples with which a float network is quantised."""
COMPARED = 3
SMALL = 300
"""Products a sample up to which one sample is simulated in the circuit."""
REFUSED = re.compile(r"node (\S*) \((\w+)\)")


def _measure(design: str, sources: Sources, work: Path) -> Record:
    model, inputs = sources.model(design), sources.inputs(design)
    options: dict[str, Any] = {"board": BOARD}
    try:
        values = _compiled(design, model, inputs, work, options)
    except HlsgenError as error:
        node = REFUSED.search(error.where)
        values = {
            "outcome": "refused",
            "node": " ".join(node.groups()) if node else error.where,
            "reason": error.problem,
        }
    return Record("models", design, f"python -m benchmarks.run models {design}", options, values)


def _compiled(
    design: str,
    model: Path,
    inputs: dict[str, np.ndarray],
    work: Path,
    options: dict[str, Any],
) -> dict[str, Any]:
    """What is found of a network that compiles; ``options`` gets the samples with which a float one is quantised."""
    samples: Path | None = None
    if is_float(read_model(model)):
        work.mkdir(parents=True, exist_ok=True)
        samples = work / f"{design}_samples.npz"
        np.savez(samples, **{name: array[:CALIBRATED] for name, array in inputs.items()})
        options["calibrate"] = f"{CALIBRATED} samples"
    places = Counter(row.where for row in check(model, samples))
    began = time.perf_counter()
    compiled = hlsgen.compile(model, board=BOARD, calibrate=samples, output=work / f"m_{design}")
    values = {
        "nodes": sum(places.values()),
        "host_nodes": places["host"],
        "macs": compiled.report["macs"],
        "predicted_interval_cycles": compiled.report["interval_cycles"],
        "compile_seconds": round(time.perf_counter() - began, 1),
    }
    values |= _agreement(compiled, inputs)
    if values["macs"] <= SMALL:
        options |= {"samples": 1, "stall": "random"}
        values["rtl_mismatches"] = compiled.verify(inputs=inputs, samples=1).mismatches
    return values


def _agreement(compiled: hlsgen.Compiled, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
    """The integer meaning of the first samples against the session that is matched."""
    folder = open_folder(compiled.directory)
    reference = stored_reference(folder, "numpy")
    samples = reference.samples(inputs, min(COMPARED, *map(len, inputs.values())), 0)
    integers = reference.integers(samples)
    declared = folder.manifest.declared
    session = declared[0].session if declared else "default"
    promised = {entry.value: entry for entry in declared if entry.session == session}
    agreement = agree(session, reference.answers(session, samples), integers, promised)
    exact = agreement.promised and not agreement.mismatches
    outcome = "differs" if agreement.undeclared else "exact" if exact else "declared"
    return {
        "outcome": outcome,
        "samples": samples.count,
        "session": session,
        "elements": agreement.elements,
        "ort_mismatches": agreement.mismatches,
        "undeclared": agreement.undeclared,
    }


models = Row(EVERY, _measure)
