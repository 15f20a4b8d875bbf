"""A mapped kernel's folder runs by its own files alone; a configuration or fabric of another folder is refused in three lines."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.folders import rehash

from hlsgen import cli, flow
from hlsgen.artefact.folder import open_folder
from hlsgen.cycle_model.program import ProgramResult, run_program
from hlsgen.errors import BadOption, TypeMismatch
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.ir import Fabric
from hlsgen.flow import map_kernel
from hlsgen.verify import fabric_simulation
from hlsgen.verify.kernel import kernel_reference

ROOT = Path(__file__).parents[2]
AXPY = f"{ROOT / 'examples' / 'kernels' / 'axpy.py'}:axpy"


def fabric_text(registers: int) -> str:
    """2 x 2 cells of cgra_4x4."""
    text = (ROOT / "fabrics" / "cgra_4x4.toml").read_text()
    for old, new in (
        ("\nrows = 4", "\nrows = 2"),
        ("\ncolumns = 4", "\ncolumns = 2"),
        ("\nregisters = 8", f"\nregisters = {registers}"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A mapped kernel, and files as of another one, on a fabric that differs in one number."""
    folder = tmp_path_factory.mktemp("kernel")
    (folder / "mine.toml").write_text(fabric_text(8))
    mine, other = folder / "axpy", folder / "other"
    map_kernel(AXPY, folder / "mine.toml", mine, exact=False)
    other.mkdir()
    (other / "mine.toml").write_text(fabric_text(4))
    (other / "configurations.bin").write_bytes((mine / "configurations.bin").read_bytes()[:-4])
    (other / "design.v").write_text((mine / "design.v").read_text() + "// another\n")
    return mine, other


def run_in_model(directory: Path, fabric: Fabric, words: np.ndarray, **_: Any) -> ProgramResult:
    """The cycle model instead of the circuit."""
    return run_program(fabric, words)


def verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and standard error of ``hlsgen verify``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["hlsgen", "verify", str(folder), "-q", "--stall", "none"])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
    return code, capsys.readouterr().err


def exchanged(name: str) -> Callable[[Path, Path], None]:
    return lambda mine, other: shutil.copy(other / name, mine / name) and None


def exchanged_design(mine: Path, other: Path) -> None:
    """The circuit of another fabric, with its checksum in the manifest."""
    shutil.copy(other / "design.v", mine / "design.v")
    rehash(mine, "design.v")


def without(name: str) -> Callable[[Path, Path], None]:
    return lambda mine, other: (mine / name).unlink()


EXCHANGES: dict[str, tuple[Callable[[Path, Path], None], int, str]] = {
    "configurations": (exchanged("configurations.bin"), 2, "configurations.bin"),
    "fabric": (exchanged("mine.toml"), 2, "mine.toml"),
    "circuit": (exchanged("design.v"), 2, "design.v"),
    "circuit and its checksum": (exchanged_design, 1, "found it refused"),
    "no graph": (without("graph_0.txt"), 2, "graph_0.txt"),
}


@pytest.mark.parametrize("name", EXCHANGES)
def test_what_belongs_to_another_fabric_is_refused(
    name: str,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mine, other = tmp_path / "axpy", folders[1]
    circuit = load_fabric(str(other / "mine.toml"))

    def run(directory: Path, fabric: Fabric, words: np.ndarray, **_: Any) -> ProgramResult:
        assert name == "circuit and its checksum"
        return run_program(circuit, words)

    monkeypatch.setattr(fabric_simulation, "simulate_program", run)
    shutil.copytree(folders[0], mine)
    exchange, expected, word = EXCHANGES[name]
    exchange(mine, other)
    code, error = verify(mine, capsys)
    assert code == expected, error
    assert word in error
    assert len(error.strip().splitlines()) == 3
    assert "Traceback" not in error


def test_the_folder_alone_gives_the_kernels_results(
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(fabric_simulation, "simulate_program", run_in_model)
    moved = tmp_path / "moved"
    shutil.copytree(folders[0], moved)
    assert verify(moved, capsys) == (0, "")

    def wrong(directory: Path, fabric: Fabric, words: np.ndarray, **_: Any) -> ProgramResult:
        outcome = run_program(fabric, words)
        return replace(outcome, unload=outcome.unload ^ np.uint32(1))

    monkeypatch.setattr(fabric_simulation, "simulate_program", wrong)
    assert verify(moved, capsys)[0] == 1
    finding = json.loads((moved / "verify.json").read_text())["finding"]
    assert "first wrong store: y_store (line 12) of axpy in iteration (n 0), y[0]: got" in finding
    assert finding.endswith(
        "Another result in the cycle model: the circuit does not do what the program says"
    )


def test_a_program_that_is_wrong_is_told_from_a_circuit_that_is(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph that was changed after mapping: the model and the circuit agree, and the graph does not."""
    monkeypatch.setattr(fabric_simulation, "simulate_program", run_in_model)
    changed = tmp_path / "changed"
    shutil.copytree(folders[0], changed)
    text = (changed / "graph_0.txt").read_text()
    assert text.count(" = add ") == 1
    (changed / "graph_0.txt").write_text(text.replace(" = add ", " = subtract "))
    rehash(changed, "graph_0.txt")
    result = flow.verify(changed, None, stall="none")
    assert result.mismatches and result.finding is not None
    assert result.finding.endswith("The same in the cycle model: the program is wrong")


ARRAY_FAULTS: dict[str, tuple[dict[str, np.ndarray], str]] = {
    "no executions": ({"a": np.zeros((0, 128), np.int32)}, "found {'a': 0}"),
    "a number": ({"a": np.array(3)}, "found {'a': 0}"),
    "unequal": ({"a": np.zeros((2, 128)), "x": np.zeros((3, 128))}, "'a': 2, 'x': 3"),
    "of other shape": ({"a": np.zeros((2, 7), np.int32)}, "sample 0"),
}


@pytest.mark.parametrize("name", ARRAY_FAULTS)
def test_arrays_that_are_not_of_as_many_executions_are_refused(
    name: str, folders: tuple[Path, Path]
) -> None:
    arrays, match = ARRAY_FAULTS[name]
    reference = kernel_reference(open_folder(folders[0]), "numpy")
    with pytest.raises(TypeMismatch) as caught:
        reference.samples(arrays, None, 0)
    assert match in str(caught.value) and len(str(caught.value).splitlines()) == 3


def test_more_executions_than_there_are_arrays_for_are_refused(folders: tuple[Path, Path]) -> None:
    reference = kernel_reference(open_folder(folders[0]), "numpy")
    own = reference.samples(None, 2, 0)
    assert reference.samples(own.given, 1, 0).count == 1
    with pytest.raises(BadOption, match="at most the 2"):
        reference.samples(own.given, 3, 0)
