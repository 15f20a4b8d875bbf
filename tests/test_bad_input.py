"""Bad input on the command line: exit code 2, three lines on standard error, no traceback."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_cli import DIGITS, SAMPLES, refused, run

from hlsgen import flow
from hlsgen.errors import HlsgenError


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compiled."""
    return flow.compile(
        DIGITS, target_fps=20000, output=tmp_path_factory.mktemp("design")
    ).directory


def float_model(path: Path) -> Path:
    """A file with one Gemm on float numbers."""
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w"], ["y"], name="dense")],
        "float",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(np.ones((4, 2), np.float32), "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def images(**arrays: np.ndarray) -> dict[str, np.ndarray]:
    with np.load(SAMPLES) as archive:
        image = archive["image"][:3]
    return arrays or {"image": image}


def with_nan() -> dict[str, np.ndarray]:
    image = images()["image"].copy()
    image.flat[70] = np.nan
    return {"image": image}


SAMPLE_FILES: dict[str, tuple[Callable[[], dict[str, np.ndarray]], str]] = {
    "wrong name": (lambda: {"picture": images()["image"]}, "found picture"),
    "one too many": (lambda: {**images(), "more": np.zeros(3)}, "'more' besides"),
    "wrong shape": (lambda: {"image": images()["image"][:, :, :5]}, "(3, 1, 5, 8)"),
    "wrong type": (lambda: {"image": images()["image"].astype(np.int32)}, "found int32"),
    "NaN": (with_nan, "nan in sample 1"),
    "no samples": (lambda: {"image": images()["image"][:0]}, "at least 1 sample"),
}


@pytest.mark.parametrize("case", SAMPLE_FILES)
def test_samples_that_do_not_fit_are_refused(
    case: str, design: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, word = SAMPLE_FILES[case]
    np.savez(tmp_path / "x.npz", **make())
    refused(run(capsys, "verify", str(design), "--inputs", str(tmp_path / "x.npz")), word)
    assert not (design / "verify.json").exists()


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04 truncated"])
@pytest.mark.parametrize("command", ["verify", "compile"])
def test_a_file_of_samples_that_is_missing_or_another_kind_is_refused(
    command: str,
    content: bytes | None,
    design: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    samples = tmp_path / "x.npz"
    if content is not None:
        samples.write_bytes(content)
    model = str(float_model(tmp_path / "float.onnx"))
    arguments = {
        "verify": ("verify", str(design), "--inputs", str(samples)),
        "compile": ("compile", model, "-o", str(tmp_path / "out"), "--calibrate", str(samples)),
    }
    refused(run(capsys, *arguments[command], "-q"), "x.npz", "expected")


@pytest.mark.parametrize(
    ("array", "name", "word"),
    [
        (np.zeros((3, 4), np.float32), "z", "z"),
        (np.zeros((3, 5), np.float32), "x", "5"),
        (np.zeros((3, 4), np.int8), "x", "int8"),
        (np.full((3, 4), np.nan, np.float32), "x", "NaN"),
        (np.zeros((0, 4), np.float32), "x", "at least 1"),
        (np.float32(3), "x", "[]"),
    ],
)
def test_calibration_samples_that_do_not_fit_are_refused(
    array: np.ndarray,
    name: str,
    word: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.savez(tmp_path / "x.npz", **{name: array})
    model, samples = float_model(tmp_path / "float.onnx"), str(tmp_path / "x.npz")
    out = str(tmp_path / "out")
    refused(run(capsys, "compile", str(model), "-q", "-o", out, "--calibrate", samples), word)


def test_a_single_array_is_not_a_file_of_calibration_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 4), np.float32))
    model, samples = float_model(tmp_path / "float.onnx"), str(tmp_path / "x.npy")
    out = str(tmp_path / "out")
    result = run(capsys, "compile", str(model), "-q", "-o", out, "--calibrate", samples)
    refused(result, "x.npy", "single array")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_a_name_too_long_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(capsys, "compile", str(DIGITS), "-q", "-o", str(tmp_path / ("x" * 300)))
    refused(result, "xxx", "File name too long")
    assert not list(tmp_path.iterdir())


def test_a_stored_graph_that_is_not_utf_8_is_refused(
    design: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the hash of these bytes in its manifest, so that nothing but the encoding is wrong."""
    folder = shutil.copytree(design, tmp_path / "design")
    content = (folder / "integer.txt").read_bytes() + b"\xff\xfe"
    (folder / "integer.txt").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["integer.txt"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    refused(run(capsys, "verify", str(folder), "--inputs", str(SAMPLES)), "integer.txt", "UTF-8")


def test_a_float_model_without_samples_is_told_of_calibrate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(float_model(tmp_path / "float.onnx"))
    refused(run(capsys, "compile", model, "-q", "-o", str(tmp_path / "out")), "--calibrate")
    code, output, _ = run(capsys, "check", model)
    assert code == 0 and "hardware after quantisation" in output


def external(path: Path) -> None:
    model = onnx.load(DIGITS)
    tensor = max(model.graph.initializer, key=lambda initializer: len(initializer.raw_data))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    path.write_bytes(model.SerializeToString())


def loop(path: Path) -> None:
    model = onnx.load(DIGITS)
    first, last = model.graph.node[0], model.graph.node[-1]
    first.input[0] = last.output[0]
    path.write_bytes(model.SerializeToString())


MODEL_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "found none"),
    "folder": (lambda path: path.mkdir(), "directory"),
    "empty": (lambda path: path.write_bytes(b""), "ONNX"),
    "text": (lambda path: path.write_text("hello\n"), "ONNX"),
    "truncated": (lambda path: path.write_bytes(DIGITS.read_bytes()[:-100]), "expected"),
    "external data outside": (external, "inside the model's folder"),
    "cycle": (loop, "cycle"),
}


@pytest.mark.parametrize("case", MODEL_FILES)
@pytest.mark.parametrize("command", ["compile", "check"])
def test_a_file_that_is_no_model_is_refused(
    case: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, word = MODEL_FILES[case]
    make(tmp_path / "net.onnx")
    options = ("-q", "-o", str(tmp_path / "out")) if command == "compile" else ()
    refused(run(capsys, command, str(tmp_path / "net.onnx"), *options), "net.onnx", word)


@pytest.mark.parametrize("there", [True, False])
def test_a_refused_model_leaves_folders_as_they_were(tmp_path: Path, there: bool) -> None:
    output, dump = tmp_path / "new" / "design", tmp_path / "dump"
    if there:
        output.mkdir(parents=True)
        (output / "notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    model = float_model(tmp_path.parent / f"float_{there}.onnx")
    with pytest.raises(HlsgenError):
        flow.compile(model, output=output, dump=dump)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write in folders without permission")
def test_a_folder_without_permission_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o500)
    refused(run(capsys, "compile", str(DIGITS), "-q", "-o", str(tmp_path / "out")), "out")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--board", "icebreaker", "--unroll", "conv2:o=16,i=8,ky=3,kx=3"), "icebreaker"),
        (("--board", "nothing"), "'nothing'"),
        (("--target-fps", "inf"), "--target-fps"),
    ],
)
def test_a_budget_too_small_or_unknown_is_refused(
    options: tuple[str, ...], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(capsys, "compile", str(DIGITS), "-q", "-o", str(tmp_path / "out"), *options)
    refused(result, word)


@pytest.mark.parametrize(
    ("options", "word"),
    [(("--board", "nothing"), "'nothing'"), (("--board", "icebreaker"), "manifest.json")],
)
def test_a_build_of_nothing_or_for_nothing_is_refused(
    options: tuple[str, ...],
    word: str,
    design: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = design if "nothing" in options else tmp_path
    refused(run(capsys, "build", str(folder), "-q", *options), word)
