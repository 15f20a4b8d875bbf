"""A network whose buffers block RAM does not hold: ``python -m benchmarks.run spram pooled@icebreaker``.

A convolution of a picture of 48 x 48, whose four planes of results are each multiplied by their mean: all of them wait for it, twice. The board without its
SPRAM refuses it; with it the network is compiled, simulated with random stalls and placed and routed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row, compiled_design, verified_values
from hlsgen.board import load_board
from hlsgen.errors import DoesNotFit
from hlsgen.numbers import Numbers
from hlsgen.progress import silent
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.solver import schedule
from hlsgen.targets.network_source import read_network

SIDE, PLANES, SAMPLES = 48, 4, 3
EFFORT = "small"
SCALES = {"x": (0.02, 0), "features": (0.03, -128), "mean": (0.02, -128), "y": (0.05, -128)}
"""Scale and zero point of each int8 value."""


def network() -> onnx.ModelProto:
    """The quantised network, of a fixed seed."""
    random = np.random.default_rng(1)
    weights = random.integers(-127, 128, (PLANES, 1, 3, 3)).astype(np.int8)
    arrays: dict[str, Any] = {"weights": weights, "weights_scale": np.float32(0.005)}
    arrays |= {"weights_zero": np.int8(0)}
    for name, (scale, zero) in SCALES.items():
        arrays |= {f"{name}_scale": np.float32(scale), f"{name}_zero": np.int8(zero)}

    def dequantised(name: str) -> onnx.NodeProto:
        inputs = [name, f"{name}_scale", f"{name}_zero"]
        return helper.make_node("DequantizeLinear", inputs, [f"{name}_real"])

    def quantised(real: str, name: str) -> onnx.NodeProto:
        inputs = [real, f"{name}_scale", f"{name}_zero"]
        return helper.make_node("QuantizeLinear", inputs, [name])

    nodes = [
        dequantised("x"),
        dequantised("weights"),
        helper.make_node("Conv", ["x_real", "weights_real"], ["sums"], name="conv", pads=[1] * 4),
        helper.make_node("Relu", ["sums"], ["positive"]),
        quantised("positive", "features"),
        dequantised("features"),
        helper.make_node("GlobalAveragePool", ["features_real"], ["pooled"], name="pool"),
        quantised("pooled", "mean"),
        dequantised("mean"),
        helper.make_node("Mul", ["features_real", "mean_real"], ["product"], name="gate"),
        quantised("product", "y"),
    ]
    graph = helper.make_graph(
        nodes,
        "pooled",
        [helper.make_tensor_value_info("x", onnx.TensorProto.INT8, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.INT8, ["n", PLANES, SIDE, SIDE])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _measure(design: str, sources: Sources, work: Path) -> Record:
    name, board = design.split("@")
    options = {"board": board, "effort": EFFORT}
    path = work / f"{name}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(network(), path)
    try:
        dataflow = read_network(path, Numbers(), silent).lowered(True, silent).dataflow
        schedule(dataflow, replace(load_board(board), spram=0), StreamOptions(effort=EFFORT))
        refused = ""
    except DoesNotFit as error:
        refused = error.problem
    compiled, report = compiled_design("spram", design, path, work, **options)
    samples = np.random.default_rng(2).integers(-128, 128, (SAMPLES, 1, SIDE, SIDE))
    verified = verified_values(compiled, {"x": samples.astype(np.int8)}, engine="fast")
    compiled.build()
    built = json.loads((compiled.directory / "build.json").read_text())
    built["bitstream"] = Path(built["bitstream"]).name
    predicted = {"predicted_spram": compiled.report["spram"], "without_spram": refused}
    command = f"python -m benchmarks.run spram {design}"
    return Record("spram", design, command, options, report | predicted | verified | built)


spram = Row(("pooled@icebreaker",), _measure)
