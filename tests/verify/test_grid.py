"""A compiled grid folder runs by its own files alone, and files of another compilation are refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.cycle_model.program import ProgramResult, run_program
from hlsgen.errors import BadFile, BadOption, Mismatch
from hlsgen.fabric.ir import Fabric
from hlsgen.flow import Compiled, compile
from hlsgen.verify import fabric_simulation

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    folder = tmp_path_factory.mktemp("grid") / "digits"
    return compile(DIGITS / "digits.onnx", schedule="grid", fabric="mac_8x8", output=folder)


@pytest.fixture
def in_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cycle model instead of the RTL."""

    def run(directory: Path, fabric: Fabric, words: np.ndarray, **options: Any) -> ProgramResult:
        return run_program(fabric, words)

    monkeypatch.setattr(fabric_simulation, "simulate_program", run)


@pytest.fixture(scope="module")
def samples() -> Mapping[str, np.ndarray]:
    with np.load(DIGITS / "samples.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def copied(compiled: Compiled, folder: Path) -> Compiled:
    shutil.copytree(compiled.directory, folder)
    return replace(compiled, directory=folder)


@pytest.mark.usefixtures("in_model")
def test_the_folder_gives_the_answers_of_the_model(
    compiled: Compiled, samples: Mapping[str, np.ndarray]
) -> None:
    result = compiled.verify(samples, samples=4, stall="none")
    assert result.good
    assert result.elements == 40
    assert result.busy_share is None  # layers take turns
    assert result.ort_mismatches == 0


@pytest.mark.slow
def test_the_circuit_gives_the_answers_of_the_model(
    compiled: Compiled, samples: Mapping[str, np.ndarray]
) -> None:
    result = compiled.verify(samples, samples=2)
    assert result.good
    assert result.ort_mismatches == 0
    assert result.interval_cycles is not None


def test_wrong_words_are_mismatches(
    compiled: Compiled, samples: Mapping[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(directory: Path, fabric: Fabric, words: np.ndarray, **options: Any) -> ProgramResult:
        right = run_program(fabric, words)
        unload = np.array(right.unload, dtype=np.uint32)
        unload[1] ^= 0x100
        return replace(right, unload=unload)

    monkeypatch.setattr(fabric_simulation, "simulate_program", run)
    result = compiled.verify(samples, samples=2, stall="none")
    assert result.mismatches == 1
    assert result.shown[0].sample == 0


def test_runs_of_other_lengths_than_predicted_are_found(
    compiled: Compiled, samples: Mapping[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(directory: Path, fabric: Fabric, words: np.ndarray, **options: Any) -> ProgramResult:
        right = run_program(fabric, words)
        return replace(right, run_cycles=(right.run_cycles[0] + 1, *right.run_cycles[1:]))

    monkeypatch.setattr(fabric_simulation, "simulate_program", run)
    with pytest.raises(Mismatch, match="1 of 13 runs"):
        compiled.verify(samples, samples=1, stall="none")


@pytest.mark.usefixtures("in_model")
def test_files_of_another_compilation_are_refused(
    compiled: Compiled, samples: Mapping[str, np.ndarray], tmp_path: Path
) -> None:
    other = copied(compiled, tmp_path / "program")
    program = other.directory / "sample.bin"
    program.write_bytes(program.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(BadFile, match=r"sample\.bin"):
        other.verify(samples, samples=1)
    other = copied(compiled, tmp_path / "fabric")
    text = (other.directory / "mac_8x8.toml").read_text()
    (other.directory / "mac_8x8.toml").write_text(text.replace("columns = 8", "columns = 9"))
    with pytest.raises(BadFile, match=r"mac_8x8\.toml"):
        other.verify(samples, samples=1)
    other = copied(compiled, tmp_path / "manifest")
    fields = json.loads((other.directory / "manifest.json").read_text())
    del fields["details"]["run_cycles"]
    (other.directory / "manifest.json").write_text(json.dumps(fields))
    with pytest.raises(BadFile, match="expected the manifest of a program"):
        other.verify(samples, samples=1)


def test_options_of_the_other_schedule_are_refused(
    compiled: Compiled, samples: Mapping[str, np.ndarray], tmp_path: Path
) -> None:
    with pytest.raises(BadOption, match="--engine"):
        compiled.verify(samples, samples=1, engine="fast")
    model = DIGITS / "digits.onnx"
    with pytest.raises(BadOption, match="--multipliers"):
        compile(model, schedule="grid", multipliers=4, output=tmp_path)
    with pytest.raises(BadOption, match="--fabric"):
        compile(model, fabric="mac_8x8", output=tmp_path)
    with pytest.raises(BadOption, match="expected one of stream, grid"):
        compile(model, schedule="gird", output=tmp_path)
    with pytest.raises(BadOption, match="mac_8x8"):
        compile(model, schedule="grid", fabric="mac_9x9", output=tmp_path)


@pytest.mark.parametrize(("place", "layer"), [(0.5, "conv2"), (0.95, "dense")])
def test_the_first_layer_that_is_wrong_is_named(
    compiled: Compiled,
    samples: Mapping[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    place: float,
    layer: str,
) -> None:
    setup = (compiled.directory / "setup.bin").stat().st_size // 4

    def run(directory: Path, fabric: Fabric, words: np.ndarray, **options: Any) -> ProgramResult:
        faulty = np.array(words, dtype=np.uint32)
        faulty[int(place * setup)] ^= 0x40
        return run_program(fabric, faulty)

    monkeypatch.setattr(fabric_simulation, "simulate_program", run)
    result = compiled.verify(samples, samples=2, stall="none")
    assert result.finding is not None
    assert f"layer: {layer};" in result.finding
