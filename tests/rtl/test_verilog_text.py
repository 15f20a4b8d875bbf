"""The text of the Verilog: plain Verilog-2005, and the same whatever the Python that wrote it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from amaranth import tracer
from support.icarus import icarus_executable

from hlsgen import flow
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.fabric.file import load_fabric
from hlsgen.rtl.fabric import emit_fabric
from hlsgen.rtl.verilog import to_verilog
from hlsgen.verify import executables

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"
KERNELS = ROOT / "examples" / "kernels"
SMALL = {"board": "icebreaker", "target_fps": 100.0}


def digits(folder: Path) -> str:
    """A small design of the digits network."""
    return flow.compile(DIGITS / "digits.onnx", **SMALL, output=folder).verilog  # type: ignore[arg-type]


def kernel(folder: Path) -> str:
    """A kernel as a pipeline."""
    return flow.compile(f"{KERNELS / 'fir.py'}:fir", output=folder).verilog


def fabric(folder: Path) -> str:
    """A small fabric."""
    return to_verilog(emit_fabric(load_fabric("icebreaker_2x2")))


DESIGNS: dict[str, Callable[[Path], str]] = {"network": digits, "kernel": kernel, "fabric": fabric}


@pytest.mark.parametrize("name", DESIGNS)
def test_yosys_reads_it_as_plain_verilog(name: str, tmp_path: Path) -> None:
    text = DESIGNS[name](tmp_path / "out")
    (tmp_path / "design.v").write_text(text)
    (tmp_path / "read.ys").write_text("read_verilog design.v\nhierarchy -check -auto-top\n")
    run_tool(YOSYS, ("read.ys",), tmp_path, "yosys.log")
    # A block that waits for signals to change misses what stands from the start in some simulators.
    assert {block[1] for block in re.finditer(r"always\w* *@ *\((.*?)\)", text)} == {"posedge clk"}
    assert "always_" not in text and "always @*" not in text


@pytest.mark.parametrize("name", [*DESIGNS, "fabric for networks"])
def test_no_unit_asks_whether_all_of_no_bits_are_set(name: str, tmp_path: Path) -> None:
    """Whether all of no bits are set is 1 for Amaranth's simulator, which tests of units use, and 0 in the text."""
    if name in DESIGNS:
        text = DESIGNS[name](tmp_path / "out")
    else:
        text = to_verilog(emit_fabric(load_fabric("mac_8x8")))
    assert not re.findall(r"= &\s*1'h0;", text)


@pytest.mark.parametrize("name", DESIGNS)
def test_no_name_is_read_off_bytecode(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Amaranth names what has no name by the variable it is assigned to, where it understands the Python version's bytecode."""
    text = DESIGNS[name](tmp_path / "out")
    monkeypatch.setattr(tracer, "get_var_name", lambda *_, **__: "not_named")
    assert DESIGNS[name](tmp_path / "again") == text


def test_the_order_of_sets_does_not_reach_the_verilog(tmp_path: Path) -> None:
    texts = set()
    for seed in ("1", "2"):
        program = "import sys; from hlsgen import flow; flow.compile(sys.argv[1], board='icebreaker', target_fps=100, output=sys.argv[2])"
        command = [sys.executable, "-c", program, str(DIGITS / "digits.onnx"), seed]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        texts.add((tmp_path / seed / "design.v").read_text())
    assert len(texts) == 1


@pytest.fixture
def icarus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Benches run in Icarus instead of Verilator."""

    def build(directory: Path, bench: executables.Bench, _: object) -> Path:
        return icarus_executable(directory / "design.v", bench.top, tmp_path)

    monkeypatch.setattr(executables, "build_bench", build)


@pytest.mark.usefixtures("icarus")
def test_a_kernel_is_right_in_icarus(tmp_path: Path) -> None:
    compiled = flow.compile(f"{KERNELS / 'fir.py'}:fir", output=tmp_path / "out")
    result = compiled.verify(samples=2)
    assert result.mismatches == result.function_mismatches == 0


@pytest.mark.slow
@pytest.mark.usefixtures("icarus")
def test_a_network_is_right_in_icarus(tmp_path: Path) -> None:
    compiled = flow.compile(DIGITS / "digits.onnx", **SMALL, output=tmp_path / "out")  # type: ignore[arg-type]
    result = compiled.verify(dict(np.load(DIGITS / "samples.npz")), samples=2)
    assert result.mismatches == 0 and result.ort_mismatches == 0 and not result.violations
