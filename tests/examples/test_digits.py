"""The committed example: the network is what its training script says, and its samples belong to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from hlsgen.frontend.sessions import open_session

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"


def test_the_network_reads_at_least_97_percent_of_the_test_digits() -> None:
    session = open_session(onnx.load(DIGITS / "digits.onnx"), [], "default")
    with np.load(DIGITS / "samples.npz") as archive:
        ((name, pictures),) = archive.items()
    labels = np.load(DIGITS / "labels.npy")
    assert [tensor.name for tensor in session.get_inputs()] == [name]
    assert len(pictures) == len(labels) >= 300
    answers = [session.run(None, {name: picture[None]})[0].argmax() for picture in pictures]
    assert np.mean(np.array(answers) == labels) >= 0.97


def test_weights_fit_the_smallest_board() -> None:
    model = onnx.load(DIGITS / "digits.onnx")
    weights = [w for w in model.graph.initializer if w.name.endswith("weight_quantized")]
    assert sum(int(np.prod(w.dims)) for w in weights) < 4096
    assert all(w.data_type == onnx.TensorProto.INT8 for w in weights)
