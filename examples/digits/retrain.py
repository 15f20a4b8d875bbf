"""Retrains the digits network with another seed, without PyTorch: ``python examples/digits/retrain.py --seed 1 -o retrained.onnx``.

The convolutions of ``digits.onnx`` are disturbed at random and the last layer is trained from nothing (softmax regression by gradient descent);
then the whole is quantised as ``train.py`` does it, with scales and zero points of its own. The result has the architecture of ``digits.onnx``,
and no weight in common: what a circuit compiled with ``--weights loadable`` is given in place of the first one's.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

HERE = Path(__file__).parent
INPUT, OUTPUT = "image", "scores"
DISTURBANCE = 0.2
"""Of the convolutions' weights, relative to their spread."""
STEPS, RATE = 400, 0.5
LAYERS = ("conv1", "conv2", "dense")


def float_weights() -> dict[str, np.ndarray]:
    """The weights of ``digits.onnx`` as reals; quantised ones times their scales."""
    model = onnx.load(HERE / "digits.onnx")
    arrays = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    reals = {}
    for layer in LAYERS:
        for kind in ("weight", "bias"):
            name = f"{layer}_{kind}"
            scale = arrays[f"{name}_quantized_scale" if kind == "bias" else f"{name}_scale"]
            integers = arrays[f"{name}_quantized"]
            shape = (-1, *(1,) * (integers.ndim - 1))
            reals[name] = (integers * scale.reshape(shape)).astype(np.float32)
    return reals


def model_of(arrays: dict[str, np.ndarray], features: bool = False) -> onnx.ModelProto:
    """The float network of ``train.py``; with ``features`` without its last layer."""
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


def retrained(seed: int) -> tuple[onnx.ModelProto, np.ndarray]:
    """The float network of a seed, and the pictures (samples, 1, 8, 8) on which its ranges are to be calibrated."""
    random = np.random.default_rng(seed)
    pictures = np.load(HERE / "samples.npz")[INPUT]
    labels = np.load(HERE / "labels.npy")
    arrays = float_weights()
    for name in ("conv1_weight", "conv2_weight", "conv1_bias", "conv2_bias"):
        values = arrays[name]
        arrays[name] = (
            values + DISTURBANCE * values.std() * random.standard_normal(values.shape)
        ).astype(np.float32)
    session = onnxruntime.InferenceSession(
        model_of(arrays, features=True).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    features = np.concatenate([session.run(None, {INPUT: p[None]})[0] for p in pictures])
    arrays["dense_weight"], arrays["dense_bias"] = regression(features, labels, random)
    return model_of(arrays), pictures


def regression(
    features: np.ndarray, labels: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (10, features) and biases (10,) by gradient descent on the cross entropy, from random ones."""
    spread = features.std() + 1e-6
    scaled = np.c_[features / spread, np.ones(len(features))]
    targets = np.eye(10)[labels]
    weights = 0.1 * random.standard_normal((scaled.shape[1], 10))
    for _ in range(STEPS):
        scores = scaled @ weights
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        weights -= RATE * scaled.T @ (chances - targets) / len(features)
    return (weights[:-1].T / spread).astype(np.float32), weights[-1].astype(np.float32)


class Pictures(CalibrationDataReader):  # type: ignore[misc]
    """Hands pictures to the quantiser one by one."""

    def __init__(self, pictures: np.ndarray) -> None:
        self.remaining: Iterator[np.ndarray] = iter(pictures)

    def get_next(self) -> dict[str, Any] | None:
        picture = next(self.remaining, None)
        return None if picture is None else {INPUT: picture[None]}


def quantise(model: onnx.ModelProto, target: Path, pictures: np.ndarray) -> None:
    """Static int8 quantisation, as ``train.py`` does it."""
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


def main() -> None:
    """Write the quantised network of a seed."""
    parser = argparse.ArgumentParser(description="Retrains the digits network with another seed.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=Path("retrained.onnx"))
    options = parser.parse_args()
    model, pictures = retrained(options.seed)
    quantise(model, options.output, pictures)


if __name__ == "__main__":
    main()
