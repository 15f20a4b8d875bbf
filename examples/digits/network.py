"""The digits network as float ONNX, and its quantisation: what ``train.py`` and ``retrain.py`` have in common."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

INPUT, OUTPUT = "image", "scores"


def model_of(arrays: Mapping[str, np.ndarray], features: bool = False) -> onnx.ModelProto:
    """The float network with weights and biases by name; with ``features`` without its last layer."""
    nodes = [
        helper.make_node(
            "Conv", [INPUT, "conv1_weight", "conv1_bias"], ["c1"], "conv1", pads=[1, 1, 1, 1]
        ),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node(
            "Conv",
            ["r1", "conv2_weight", "conv2_bias"],
            ["c2"],
            "conv2",
            pads=[1, 1, 1, 1],
            strides=[2, 2],
        ),
        helper.make_node("Relu", ["c2"], ["r2"], "relu2"),
        helper.make_node("MaxPool", ["r2"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "dense_weight", "dense_bias"], [OUTPUT], "dense", transB=1),
    ]
    output, size = ("f", 64) if features else (OUTPUT, 10)
    graph = helper.make_graph(
        nodes[:-1] if features else nodes,
        "digits",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, size])],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Pictures(CalibrationDataReader):
    """Hands pictures to the quantiser one by one."""

    def __init__(self, pictures: np.ndarray) -> None:
        self.remaining: Iterator[np.ndarray] = iter(pictures)

    def get_next(self) -> dict[str, Any] | None:
        picture = next(self.remaining, None)
        return None if picture is None else {INPUT: picture[None]}


def quantise(model: onnx.ModelProto, target: Path, pictures: np.ndarray) -> None:
    """Static int8 quantisation into the file ``target``: ranges are the extremes seen on ``pictures``."""
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, Path(folder) / "float.onnx")
        quantize_static(
            Path(folder) / "float.onnx",
            target,
            Pictures(pictures),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
