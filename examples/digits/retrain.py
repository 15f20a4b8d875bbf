"""Retrains the digits network with another seed, without PyTorch: ``python -m examples.digits.retrain --seed 1 -o retrained.onnx``.

The convolutions of ``digits.onnx`` are disturbed at random and the last layer is trained from nothing (softmax regression by gradient descent);
then the whole is quantised as ``train.py`` does it, with scales and zero points of its own. The result has the architecture of ``digits.onnx``,
and no weight in common: what a circuit compiled with ``--weights loadable`` is given in place of the first one's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from examples.digits.network import INPUT, model_of, quantise

HERE = Path(__file__).parent
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
