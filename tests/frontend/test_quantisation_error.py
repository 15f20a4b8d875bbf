"""Compiling a float model with samples says what its quantisation costs on them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from support.stateful_models import FloatModel, Samples, gru_cell

from hlsgen.errors import TypeMismatch
from hlsgen.flow import Compiled, compile


def classifier(path: Path, **arrays: np.ndarray) -> tuple[bytes, Samples]:
    """A float model of three classes, and a file of samples with ``arrays`` besides."""
    build = FloatModel("classifier")
    build.node("Gemm", ["x", build.weights(5, 3), build.weights(3)], "scores")
    model = build.finish({"x": [1, 5]}, {"scores": [1, 3]})
    samples = {"x": build.random.normal(size=(40, 5)).astype(np.float32)}
    np.savez(path, **samples, **arrays)  # type: ignore[arg-type]
    return model.SerializeToString(), samples


def compiled(folder: Path, **arrays: np.ndarray) -> tuple[Compiled, bytes, Samples]:
    content, samples = classifier(folder / "samples.npz", **arrays)
    (folder / "net.onnx").write_bytes(content)
    calibrate, output = folder / "samples.npz", folder / "design"
    return (
        compile(folder / "net.onnx", calibrate=calibrate, effort="small", output=output),
        content,
        samples,
    )


def results(content: bytes, samples: Samples) -> np.ndarray:
    session = onnxruntime.InferenceSession(content)
    return np.concatenate([session.run(None, {"x": row})[0] for row in samples["x"][:, None]])


def test_the_report_says_how_far_integers_are_from_the_float_model(tmp_path: Path) -> None:
    labels = np.arange(40) % 3
    design, content, samples = compiled(tmp_path, labels=labels)
    (error,) = json.loads((design.directory / "report.json").read_text())["errors"]
    floats, integers = (
        results(proto, samples)
        for proto in (content, (design.directory / "model.onnx").read_bytes())
    )
    np.testing.assert_allclose(error["largest"], np.abs(integers - floats).max(), rtol=1e-6)
    same = integers.argmax(axis=1) == floats.argmax(axis=1)
    assert error["samples"] == 40 and error["same"] == same.sum()
    assert error["right"] == (integers.argmax(axis=1) == labels).sum()
    assert error["float_right"] == (floats.argmax(axis=1) == labels).sum()
    text = (design.directory / "report.txt").read_text()
    assert f"the same element is the greatest in {error['same']} of 40; it is the labelled" in text


def test_without_labels_nothing_is_said_of_them(tmp_path: Path) -> None:
    design, _, _ = compiled(tmp_path)
    text = (design.directory / "report.txt").read_text()
    assert "the same element is the greatest in" in text and "labelled" not in text


def test_labels_of_other_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeMismatch, match="one class number for each of 40 samples"):
        compiled(tmp_path, labels=np.arange(7))


def test_models_with_states_are_compiled_without(tmp_path: Path) -> None:
    model, samples = gru_cell(hidden=2)
    path = tmp_path / "samples.npz"
    np.savez(path, **samples, labels=np.arange(24) % 3)  # type: ignore[arg-type]
    output = tmp_path / "design"
    design = compile(model, calibrate=path, state={"hn": "h0"}, effort="small", output=output)
    assert "measured" not in (design.directory / "report.txt").read_text()
