"""The networks that are measured, and where their samples and labels lie.

All but ``digits`` are published by others and are not part of this repository: ``--models DIR`` or the environment
variable ``HLSGEN_MODELS`` names a folder with one folder per network (``model.onnx``, ``inputs.npz``, ``labels.npy``).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hlsgen.errors import BadFile

ROOT = Path(__file__).resolve().parent.parent
DIGITS = ROOT / "examples" / "digits"


@dataclass(frozen=True)
class Network:
    """A network and how many of its samples row 1 simulates; ``origin`` says who made it."""

    name: str
    title: str
    origin: str
    samples: int


NETWORKS = (
    Network("digits", "Digits CNN", "this repository, examples/digits", 20),
    Network("tflm_sine_int8", "Sine MLP", "TensorFlow Lite Micro, hello_world", 20),
    Network("tm_mnist_arduino_int8", "MNIST CNN, Arduino", "TinyMaix", 20),
    Network("tm_mnist_valid_int8", "MNIST CNN", "TinyMaix", 20),
    Network("tm_cifar10_int8", "CIFAR-10 CNN", "TinyMaix", 20),
    Network("lenet300_mnist_int8", "LeNet-300-100", "MIT HAN Lab, TinyEngine", 20),
    Network("ad_fcae_int8", "Autoencoder", "MLPerf Tiny, anomaly detection", 20),
    Network("kws_dscnn_int8", "DS-CNN", "MLPerf Tiny, keyword spotting", 3),
    Network("ic_resnet8_int8", "ResNet-8", "MLPerf Tiny, image classification", 3),
    Network("vww_mbv1_int8", "MobileNetV1-0.25", "MLPerf Tiny, visual wake words", 3),
)
FEW_BITS = (
    Network("kws_mlp_w3a3_qonnx", "Keyword MLP, 3 bits", "QONNX model zoo, GSCV2", 20),
    Network("tfc_1w1a_qonnx", "MNIST MLP, bipolar", "QONNX model zoo, TFC_1W1A", 20),
)
"""QONNX networks of so few bits that LUTs multiply them."""


@dataclass(frozen=True)
class Sources:
    """Where the networks of others are: the folder of ``--models``, or None if none was given."""

    models: Path | None

    @classmethod
    def find(cls, option: Path | None) -> Sources:
        """The folder of the option, else of ``HLSGEN_MODELS``."""
        named = os.environ.get("HLSGEN_MODELS")
        return cls(option or (Path(named) if named else None))

    def folder(self, name: str) -> Path:
        """The folder of one network; raises BadFile where it is not there."""
        if name == "digits":
            return DIGITS
        if self.models is None or not (self.models / name / "model.onnx").is_file():
            raise BadFile(
                f"benchmark network {name}",
                f"expected {name}/model.onnx in the models folder, found "
                + ("no such folder named" if self.models is None else f"none in {self.models}"),
                "Name the folder with --models DIR or the environment variable HLSGEN_MODELS.",
            )
        return self.models / name

    def model(self, name: str) -> Path:
        """The ONNX file of a network."""
        return self.folder(name) / ("digits.onnx" if name == "digits" else "model.onnx")

    def inputs(self, name: str) -> dict[str, np.ndarray]:
        """The samples of a network by input name, axis 0 the sample."""
        file = self.folder(name) / ("samples.npz" if name == "digits" else "inputs.npz")
        with np.load(file) as archive:
            return dict(archive)

    def labels(self, name: str) -> np.ndarray:
        """The label of each sample of ``inputs``."""
        return np.load(self.folder(name) / "labels.npy")


def network(name: str) -> Network:
    """The network of this name; raises KeyError for any other."""
    return {known.name: known for known in (*NETWORKS, *FEW_BITS)}[name]
