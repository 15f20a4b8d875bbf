"""An exported folder: plain Verilog that tools read with their defaults, a driver that a compiler takes, and refusals."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.exported import compiled, exported
from support.source_tree import ROOT

from hlsgen.algebra.registers import CONTROL, field_name
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.errors import BadFile, BadOption, TypeMismatch
from hlsgen.export.export import FORMATS
from hlsgen.flow_export import export
from hlsgen.verify.simulators import find_simulator

DESIGNS = ("digits", "fir")


def verilog(folder: Path) -> list[Path]:
    return sorted((folder / "rtl").glob("*.v"))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", DESIGNS)
def test_yosys_and_verilator_read_it_with_default_options(
    name: str, format: str, tmp_path: Path
) -> None:
    files = verilog(exported(name, format))
    reads = "".join(f"read_verilog {path}\n" for path in files)
    (tmp_path / "read.ys").write_text(f"{reads}hierarchy -check -auto-top\ncheck -assert\n")
    run_tool(YOSYS, ("read.ys",), tmp_path, "yosys.log")
    simulator = find_simulator()
    tops = [path.stem for path in files if path.stem != name]
    for top in tops:
        command = [str(simulator.verilator), "--lint-only", "--top-module", top]
        done = subprocess.run(
            [*command, *map(str, files)],
            env=dict(simulator.environment),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr


@pytest.mark.parametrize("name", DESIGNS)
def test_icarus_reads_it_with_default_options(name: str, tmp_path: Path) -> None:
    compiler = shutil.which("iverilog")
    if compiler is None:
        pytest.skip("Icarus Verilog is not installed (package iverilog)")
    files = [str(path) for path in verilog(exported(name, "verilog"))]
    done = subprocess.run(
        [compiler, "-o", str(tmp_path / "out"), *files], capture_output=True, text=True
    )
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_layers_are_instances_of_their_names() -> None:
    text = (exported("digits", "verilog") / "rtl" / "digits.v").read_text()
    top = text.split("\nmodule digits(")[1].split("endmodule")[0]
    for layer in ("conv1", "conv2", "pool", "dense"):
        assert re.search(rf"^ +\\digits\.{layer} +{layer} \(", top, flags=re.M), layer


@pytest.mark.parametrize("name", DESIGNS)
def test_the_driver_compiles_without_a_warning(name: str, tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    (source,) = (exported(name, "verilog") / "software").glob("*.c")
    flags = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-c")
    command = [compiler, *flags, str(source), "-o", str(tmp_path / "driver.o")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_header_and_readme_name_every_register_and_field() -> None:
    folder = exported("digits", "verilog")
    header = (folder / "software" / "digits_axi.h").read_text()
    page = (folder / "README.md").read_text()
    for register in CONTROL:
        assert f"#define DIGITS_AXI_{register.name.upper()} 0x{register.offset:02X}u" in header
        for field in register.fields:
            mask = f"DIGITS_AXI_{field_name(register, field).upper()}_MASK 0x{field.mask:08X}u"
            assert mask in header
            assert field.meaning in page


def test_the_page_has_the_registers_of_an_exported_readme() -> None:
    rows = (exported("digits", "verilog") / "README.md").read_text().split("| Offset")[1]
    assert rows.split("\n\n")[0] in (ROOT / "docs" / "export.md").read_text()


def test_the_page_names_every_format() -> None:
    page = (ROOT / "docs" / "export.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page.split("## ")[0], flags=re.M) == list(FORMATS)


def test_an_export_is_the_same_each_time_and_names_no_path(tmp_path: Path) -> None:
    again = export(compiled("digits"), "verilog", tmp_path / "again")
    first = exported("digits", "verilog")
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    for name in names:
        content = (first / name).read_bytes()
        assert content == (again / name).read_bytes(), name
        assert str(ROOT).encode() not in content and str(first.parent).encode() not in content


def test_samples_of_the_bench_can_be_the_users(tmp_path: Path) -> None:
    samples = dict(np.load(ROOT / "examples" / "digits" / "samples.npz"))
    folder = export(compiled("digits"), "verilog", tmp_path / "out", samples)
    words = json.loads((folder / "bench" / "samples.json").read_text())
    assert [len(sample) for sample in words["inputs"]["s_axis"]] == [64] * 4
    with pytest.raises(TypeMismatch, match="image"):
        export(compiled("digits"), "verilog", tmp_path / "none", {"x": np.zeros((1, 8, 8))})
    assert not (tmp_path / "none").exists()


def test_a_format_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=r"--as\nexpected one of .*; found 'vhdl'"):
        export(compiled("digits"), "vhdl", tmp_path / "out")


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    with pytest.raises(BadFile, match="expected a new or empty folder, found 1 "):
        export(compiled("digits"), "verilog", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_an_empty_folder_is_filled_and_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert (export(compiled("fir"), "verilog", tmp_path / "out") / "README.md").is_file()
    (tmp_path / "file").write_text("")
    with pytest.raises(BadFile, match="expected a folder that can be written"):
        export(compiled("fir"), "verilog", tmp_path / "file")


def test_a_folder_without_a_design_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="expected the manifest of a compiled design"):
        export(tmp_path)


def test_a_fabric_is_refused(tmp_path: Path) -> None:
    from hlsgen import flow

    folder = flow.emit_fabric("icebreaker_2x2", tmp_path / "fabric").directory
    with pytest.raises(BadOption, match="--schedule stream, found fabric"):
        export(folder)
