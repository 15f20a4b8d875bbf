"""A project for a shared chip: tools read it, its test passes over the pins, and what does not fit is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.quantised_models import conv_model

import hlsgen
from hlsgen.artefact.folder import open_folder
from hlsgen.bitstream import gates
from hlsgen.bitstream.gates import GateCount
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.errors import BadFile, BadOption, DoesNotFit
from hlsgen.export.chip_project import TILES, check_ports, tiles_for
from hlsgen.flow_asic import asic
from hlsgen.verify.simulators import find_simulator

TOP = "tt_um_made"


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chip")
    model = conv_model("u8", False, (1, 2, 3, 3), (2, 2, 2, 2))[0]
    return hlsgen.compile(model, effort="small", dsp=0, output=folder / "design").directory


@pytest.fixture
def project(design: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    counted = GateCount(9000, 30_000.0, 100, 500, {})
    monkeypatch.setattr(gates, "gate_count", lambda *arguments: counted)
    asic(design, project=tmp_path / "project")
    return tmp_path / "project"


def test_yosys_and_verilator_read_the_circuit_behind_the_pins(
    project: Path, tmp_path: Path
) -> None:
    files = sorted((project / "src").glob("*.v"))
    assert [path.stem for path in files] == ["made", TOP]
    reads = "".join(f"read_verilog {path}\n" for path in files)
    script = f"{reads}hierarchy -check -top {TOP}\nproc\nflatten\ncheck -assert\n"
    (tmp_path / "read.ys").write_text(script)
    run_tool(YOSYS, ("read.ys",), tmp_path, "yosys.log")
    simulator = find_simulator()
    command = [str(simulator.verilator), "--lint-only", "--top-module", TOP, *map(str, files)]
    done = subprocess.run(command, env=dict(simulator.environment), capture_output=True, text=True)
    assert done.returncode == 0 and "Warning" not in done.stderr, done.stderr


def test_the_flows_are_told_of_the_files_that_are_there(project: Path) -> None:
    config = json.loads((project / "config.json").read_text())
    assert (config["DESIGN_NAME"], config["CLOCK_PORT"]) == (TOP, "clk")
    for name in config["VERILOG_FILES"]:
        assert (project / name.removeprefix("dir::")).is_file()
    assert json.loads((project / "src" / "config.json").read_text())["CLOCK_PERIOD"] == 50
    lines = [line.strip() for line in (project / "info.yaml").read_text().splitlines()]
    assert f'top_module: "{TOP}"' in lines and 'tiles: "2x2"' in lines
    listed = [line.removeprefix('- "').removesuffix('"') for line in lines if line[:2] == "- "]
    assert sorted(listed) == sorted(path.name for path in (project / "src").glob("*.v"))
    pins = [line.partition(":")[0] for line in lines if line.startswith("u")]
    assert pins == [f"{port}[{k}]" for port in ("ui", "uo", "uio") for k in range(8)]
    for page in ("README.md", "docs/info.md"):
        assert "{{" not in (project / page).read_text()


@pytest.mark.slow
def test_samples_pass_over_the_pins_in_simulation_and_a_wrong_byte_is_seen(project: Path) -> None:
    command = [sys.executable, "run.py"]
    done = subprocess.run(command, cwd=project / "test", capture_output=True, text=True)
    assert done.returncode == 0 and "2 tests, 0 failed" in done.stdout, done.stdout + done.stderr
    samples = json.loads((project / "test" / "samples.json").read_text())
    (words,) = samples["outputs"].values()
    words[-1][-1] = f"{int(words[-1][-1], 16) ^ 1:0{len(words[-1][-1])}x}"
    (project / "test" / "samples.json").write_text(json.dumps(samples))
    done = subprocess.run(command, cwd=project / "test", capture_output=True, text=True)
    assert done.returncode == 2, "both paces see it"


def test_the_smallest_size_that_holds_the_cells_is_taken_and_more_is_refused() -> None:
    assert [tiles_for(area) for area in (1.0, 10_000, 11_000, 100_000, 173_000)] == [
        "1x1", "1x1", "1x2", "6x2", "8x2",
    ]  # fmt: skip
    assert TILES[-1] == "8x2"
    with pytest.raises(DoesNotFit, match="200,000") as caught:
        tiles_for(200_000)
    assert len(str(caught.value).splitlines()) == 3


def test_what_the_pins_do_not_serve_is_refused_before_gates_are_counted(
    design: Path, tmp_path: Path
) -> None:
    model = conv_model("u8", False, (1, 2, 3, 3), (2, 2, 2, 2))[0]
    loadable = hlsgen.compile(model, weights="loadable", output=tmp_path / "loadable").directory
    with pytest.raises(BadOption, match="found 1 and 1, and one for weights") as caught:
        asic(loadable, project=tmp_path / "project")
    assert len(str(caught.value).splitlines()) == 3
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(BadFile, match="new or empty"):
        asic(design, project=tmp_path / "full")
    folder = open_folder(design)
    wide = replace(folder, manifest=replace(folder.manifest, outputs=()))
    with pytest.raises(BadOption, match="found 1 and 0"):
        check_ports(wide)
