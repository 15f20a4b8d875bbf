"""The bench of an exported folder passes in an environment of its own, outside of this repository; a wrong word is seen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.environments import new_environment
from support.exported import exported

pytestmark = pytest.mark.slow


def run_bench(python: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(python), "run.py"], cwd=folder / "bench", env=outside, capture_output=True, text=True
    )


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
    done = run_bench(python, folder)
    assert done.returncode == 0 and "5 tests, 0 failed" in done.stdout, done.stdout + done.stderr
    samples = folder / "bench" / "samples.json"
    words = json.loads(samples.read_text())
    last = next(iter(words["outputs"].values()))[-1]
    last[-1] = f"{int(last[-1], 16) ^ 1:0{len(last[-1])}x}"
    samples.write_text(json.dumps(words))
    done = run_bench(python, folder)
    assert done.returncode != 0, "the word of the last sample is compared for three patterns"
    assert "Failed 3 of 5 tests" in done.stderr, done.stdout + done.stderr
