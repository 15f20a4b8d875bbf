"""Compiling a float model with samples says what its quantisation costs on them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from support.stateful_models import FloatModel, Samples, gru_cell

from hlsgen.errors import TypeMismatch
from hlsgen.flow import Compiled, compile
from hlsgen.frontend.reference import run_session


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


def residual(path: Path) -> tuple[bytes, Samples]:
    """Two layers, the second with the first added to it, and a file of samples."""
    build = FloatModel("residual")
    first = build.node("Gemm", ["x", build.weights(5, 6), build.weights(6)], "raw")
    kept = build.node("Relu", [first], "kept")
    second = build.node("Gemm", [kept, build.weights(6, 6), build.weights(6)], "second")
    build.node("Add", [second, kept], "sum")
    samples = {"x": build.random.normal(size=(40, 5)).astype(np.float32)}
    np.savez(path, **samples)  # type: ignore[arg-type]
    return build.finish({"x": [1, 5]}, {"sum": [1, 6]}).SerializeToString(), samples


def values(content: bytes, samples: Samples, names: list[str]) -> dict[str, np.ndarray]:
    """Of a model, by ONNX Runtime without the saturation of some processors: (samples, elements)."""
    arrays = run_session(onnx.load_from_string(content), samples, names, "default")
    return {name: array[:, 0] for name, array in arrays.items()}


def test_the_report_says_how_far_each_tensor_is_from_the_float_model(tmp_path: Path) -> None:
    content, samples = residual(tmp_path / "samples.npz")
    (tmp_path / "net.onnx").write_bytes(content)
    calibrate, output = tmp_path / "samples.npz", tmp_path / "design"
    compile(tmp_path / "net.onnx", calibrate=calibrate, effort="small", output=output)
    rows = {
        row["tensor"]: row for row in json.loads((output / "report.json").read_text())["tensors"]
    }
    assert set(rows) == {"x", "kept", "second", "sum"}, "raw is fused with the Relu behind it"
    first = {"x": samples["x"][:32]}
    inner = ["kept", "second"]
    floats = values(content, first, [*inner, "sum"]) | first
    quantised = (output / "model.onnx").read_bytes()
    named = {name: f"{name}_DequantizeLinear_Output" for name in ("x", *inner)} | {"sum": "sum"}
    integers = values(quantised, first, list(named.values()))
    for name, row in rows.items():
        want = floats[name].astype(np.float64)
        difference = np.abs(integers[named[name]].astype(np.float64) - want)
        assert row["samples"] == 32 and row["bits"] == 8
        np.testing.assert_allclose(
            row["largest"], difference.max(), rtol=1e-5, atol=1e-6, err_msg=name
        )
        np.testing.assert_allclose(row["mean"], difference.mean(), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose((row["least"], row["greatest"]), (want.min(), want.max()))
        ratio = 10 * np.log10((want**2).sum() / (difference**2).sum())
        np.testing.assert_allclose(row["snr_db"], ratio, atol=0.01)
        assert difference.max() > 0.4 * row["scale"]
    noisiest = min(rows.values(), key=lambda row: row["snr_db"])["tensor"]
    text, page = ((output / name).read_text() for name in ("report.txt", "report.html"))
    assert "each tensor against the float model (measured over 32 samples)" in text
    assert re.search(rf"^  {noisiest} .* {rows[noisiest]['snr_db']:.1f}$", text, flags=re.M)
    assert re.search(rf'<tr class="marked">\s*<th scope="row">{noisiest} <em>most noise', page)


def test_a_tensor_of_zeros_has_no_ratio_and_a_quantised_network_no_rows(tmp_path: Path) -> None:
    content, samples = residual(tmp_path / "samples.npz")
    (tmp_path / "net.onnx").write_bytes(content)
    rows = {"x": np.zeros_like(samples["x"])}
    silent = compile(tmp_path / "net.onnx", calibrate=rows, effort="small")
    tensors = {row["tensor"]: row for row in silent.report["tensors"]}
    assert tensors["x"]["snr_db"] is None and tensors["x"]["largest"] == 0
    again = compile(silent.directory / "model.onnx", effort="small")
    assert "tensors" not in again.report


def test_infinities_of_a_mask_are_not_counted(tmp_path: Path) -> None:
    build = FloatModel("masked")
    scores = build.node("Gemm", ["x", build.weights(5, 6), build.weights(6)], "scores")
    mask = build.constant([[0, 0, -np.inf, 0, -np.inf, 0]])
    masked = build.node("Add", [scores, mask], "masked")
    build.node("Softmax", [masked], "shares", axis=-1)
    model = build.finish({"x": [1, 5]}, {"shares": [1, 6]})
    rows = build.random.normal(size=(16, 5)).astype(np.float32)
    design = compile(model, calibrate=rows, effort="small", output=tmp_path / "design")
    report = json.loads((tmp_path / "design" / "report.json").read_text())
    assert all(
        np.isfinite(row["largest"]) and np.isfinite(row["least"]) for row in report["tensors"]
    )
    assert design.report["tensors"][0]["tensor"] == "x"
