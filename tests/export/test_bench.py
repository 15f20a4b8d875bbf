"""The bench of an exported folder, and the one that ``hlsgen bench`` writes, pass in an environment of their own, outside of this repository; a wrong word is seen."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.environments import new_environment
from support.exported import compiled, exported
from support.source_tree import ROOT

from hlsgen.errors import BadFile, BadOption, TypeMismatch
from hlsgen.flow_export import bench

OUTSIDE = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
FILES = ("Makefile", "README.md", "bench.py", "requirements.txt", "run.py", "samples.json")


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=OUTSIDE, capture_output=True, text=True)


def spoil_the_last_word(samples: Path) -> None:
    words = json.loads(samples.read_text())
    last = next(iter(words["outputs"].values()))[-1]
    last[-1] = f"{int(last[-1], 16) ^ 1:0{len(last[-1])}x}"
    samples.write_text(json.dumps(words))


def example_of_a_test(page: Path) -> str:
    (text,) = re.findall(r"```python\n(import cocotb.*?)```", page.read_text(), flags=re.S)
    return text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "fir"])
def test_the_bench_passes_outside_the_repository_and_sees_a_wrong_word(
    name: str, tmp_path: Path
) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(exported(name, "verilog"), folder)
    python = new_environment(
        tmp_path / "environment", "-r", str(folder / "bench" / "requirements.txt")
    )
    assert python.resolve() != Path(sys.executable) or sys.prefix != str(python.parents[1])
    done = run(folder / "bench", str(python), "run.py")
    assert done.returncode == 0 and "5 tests, 0 failed" in done.stdout, done.stdout + done.stderr
    done = run(folder, str(python), "-m", "pytest", "-q", "bench")
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    spoil_the_last_word(folder / "bench" / "samples.json")
    done = run(folder / "bench", str(python), "run.py")
    assert done.returncode == 3, "the word of the last sample is compared for three patterns"
    done = run(folder, str(python), "-m", "pytest", "-q", "bench")
    assert done.returncode == 1 and "all_words_are_right" in done.stdout


@pytest.mark.slow
def test_make_runs_the_bench_with_a_test_of_the_users_in_it(tmp_path: Path) -> None:
    samples = dict(np.load(ROOT / "examples" / "digits" / "samples.npz"))
    folder = bench(compiled("digits"), tmp_path / "mine", samples, 3)
    (folder / "test_mine.py").write_text(example_of_a_test(folder / "README.md"))
    # where pip can install nothing this skips, so that a make that fails later is a fault of the folder
    new_environment(tmp_path / "environment", "-r", str(folder / "requirements.txt"))
    done = run(folder, "make", f"PYTHON={sys.executable}")
    assert done.returncode == 0 and "6 tests, 0 failed" in done.stdout, done.stdout + done.stderr
    spoil_the_last_word(folder / "samples.json")
    done = run(folder, "make")
    assert done.returncode == 2 and "6 tests, 3 failed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["digits", "fir"])
def test_a_bench_has_the_verilog_of_the_export_and_python_that_compiles(
    name: str, tmp_path: Path
) -> None:
    folder, export = bench(compiled(name), tmp_path / "bench"), exported(name, "verilog")
    files = {path.name for path in folder.iterdir()}
    assert files == {*FILES, f"test_{name}_axi.py", "rtl"}
    for path in (export / "rtl").iterdir():
        assert (folder / "rtl" / path.name).read_bytes() == path.read_bytes()
    for path in folder.glob("*.py"):
        compile(path.read_text(), path.name, "exec")
    assert example_of_a_test(folder / "README.md") == example_of_a_test(ROOT / "docs" / "export.md")


def test_the_bench_streams_so_many_of_the_users_samples(tmp_path: Path) -> None:
    samples = dict(np.load(ROOT / "examples" / "digits" / "samples.npz"))
    folder = bench(compiled("digits"), tmp_path / "bench", samples, samples=6)
    words = json.loads((folder / "samples.json").read_text())
    assert [
        len(words[way][axis]) for way, axis in (("inputs", "s_axis"), ("outputs", "m_axis"))
    ] == [6, 6]
    assert "words of 6 samples" in (folder / "README.md").read_text()


def test_a_bench_is_refused_where_it_cannot_be(tmp_path: Path) -> None:
    from hlsgen import flow

    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "test_mine.py").write_text("")
    with pytest.raises(BadFile, match="expected a new or empty folder, found 1 "):
        bench(compiled("digits"), tmp_path / "kept")
    with pytest.raises(BadOption, match="expected at least 1, found 0"):
        bench(compiled("digits"), tmp_path / "none", samples=0)
    with pytest.raises(TypeMismatch, match="image"):
        bench(compiled("digits"), tmp_path / "none", {"x": np.zeros((1, 8, 8))})
    with pytest.raises(BadFile, match="expected the manifest of a compiled design"):
        bench(tmp_path)
    fabric = flow.emit_fabric("icebreaker_2x2", tmp_path / "fabric").directory
    with pytest.raises(BadOption, match="--schedule stream, found fabric"):
        bench(fabric)
    assert not (tmp_path / "none").exists()
