"""Verification of a compiled network, from its folder alone."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.folders import rehash

import hlsgen
from hlsgen import cli
from hlsgen.errors import BadFile, BadOption, TypeMismatch
from hlsgen.flow import Compiled, verify
from hlsgen.frontend import reference
from hlsgen.frontend.samples import load_samples

DIGITS = Path(hlsgen.__file__).parent.parent / "examples" / "digits"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The digits network, folded so far that its simulator builds quickly."""
    directory = tmp_path_factory.mktemp("digits")
    return hlsgen.compile(DIGITS / "digits.onnx", interval=12_500, output=directory)


@pytest.fixture(scope="module")
def samples() -> dict[str, np.ndarray]:
    return load_samples(DIGITS / "samples.npz")


def test_digits_are_bit_exact_and_as_fast_as_predicted(
    compiled: Compiled, samples: dict[str, np.ndarray]
) -> None:
    result = compiled.verify(samples, samples=40, engine="fast")
    assert result.good and result.ort_mismatches == 0
    assert (result.samples, result.elements) == (40, 400)
    assert result.interval_cycles is not None and result.busy_share is not None
    assert abs(result.interval_cycles / result.predicted.interval_cycles - 1) < 0.05
    assert result.busy_share >= 0.95


@pytest.mark.slow
def test_cocotb_and_the_fast_engine_measure_the_same_cycles(
    compiled: Compiled, samples: dict[str, np.ndarray]
) -> None:
    slow = compiled.verify(samples, samples=6, engine="cocotb", seed=5)
    fast = compiled.verify(samples, samples=6, engine="fast", seed=5)
    assert slow.good and fast.good and slow.timing == fast.timing


@pytest.mark.slow
def test_a_wrong_weight_is_traced_to_its_process(
    compiled: Compiled, samples: dict[str, np.ndarray], tmp_path: Path
) -> None:
    directory = tmp_path / "changed"
    shutil.copytree(compiled.directory, directory, ignore=shutil.ignore_patterns("build"))
    constants = load_samples(directory / "constants.npz")
    (name,) = (key for key in constants if constants[key].shape == (16, 8, 3, 3))
    constants[name][3, 2, 1, 1] += 9
    np.savez(directory / "constants.npz", **constants)
    rehash(directory, "constants.npz")
    result = verify(directory, samples, samples=8, engine="fast")
    assert result.mismatches > 0 and result.ort_mismatches == 0
    assert result.finding is not None and "first wrong process: conv2" in result.finding
    assert json.loads((directory / "verify.json").read_text())["finding"] == result.finding


@pytest.mark.parametrize("name", ["integer.txt", "constants.npz", "model.onnx", "design.v"])
def test_a_missing_file_of_the_folder_is_named(
    compiled: Compiled, samples: dict[str, np.ndarray], tmp_path: Path, name: str
) -> None:
    directory = tmp_path / "partial"
    shutil.copytree(compiled.directory, directory, ignore=shutil.ignore_patterns("build", name))
    with pytest.raises(BadFile, match=name) as caught:
        verify(directory, samples)
    assert len(str(caught.value).splitlines()) == 3


def test_constants_of_another_design_are_refused(
    compiled: Compiled, samples: dict[str, np.ndarray], tmp_path: Path
) -> None:
    directory = tmp_path / "mixed"
    shutil.copytree(compiled.directory, directory, ignore=shutil.ignore_patterns("build"))
    np.savez(directory / "constants.npz", other=np.zeros(3))
    with pytest.raises(BadFile, match="sha256"):
        verify(directory, samples)
    rehash(directory, "constants.npz")
    with pytest.raises(BadFile, match=r"integer\.txt"):
        verify(directory, samples)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: {"picture": x},
        lambda x: {"image": x[:, :, :7]},
        lambda x: {"image": np.where(x == x.max(), np.nan, x)},
        lambda x: {"image": x.astype(np.int8)},
        lambda x: {"image": x[:0]},
    ],
)
def test_samples_that_do_not_fit_the_model_are_refused(
    compiled: Compiled, samples: dict[str, np.ndarray], change: object
) -> None:
    assert callable(change)
    with pytest.raises(TypeMismatch, match="samples: input") as caught:
        verify(compiled.directory, change(samples["image"]))
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.gpu
@pytest.mark.parametrize("reference", ["torch", "cupy"])
def test_a_gpu_gives_the_same_integers(
    compiled: Compiled, samples: dict[str, np.ndarray], reference: str
) -> None:
    if importlib.util.find_spec(reference) is None:
        pytest.skip(f"no package {reference}")
    try:
        result = compiled.verify(samples, samples=20, engine="fast", reference=reference)
    except BadOption as error:
        pytest.skip(str(error).replace("\n", "; "))
    assert result.good and result.reference == reference


def test_a_difference_from_onnx_runtime_that_is_not_declared_is_an_exit_code(
    compiled: Compiled, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = reference.run_session

    def off(*arguments: Any) -> dict[str, np.ndarray]:
        return {name: values + 1 for name, values in computed(*arguments).items()}

    command = ["verify", str(compiled.directory), "--inputs", str(DIGITS / "samples.npz")]
    command += ["--samples", "3", "--engine", "fast", "-q"]
    for session, code in ((computed, 0), (off, 1)):
        monkeypatch.setattr(reference, "run_session", session)
        result = cli.app(command, standalone_mode=False)
        assert result == code
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("WRONG: 30 elements differ from ONNX Runtime (")
    assert json.loads((compiled.directory / "verify.json").read_text())["undeclared"] == 30
