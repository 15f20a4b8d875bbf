"""Names of modules and instances in the Verilog, and the comment at its head."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from hlsgen import __version__, flow
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.errors import BadOption
from hlsgen.rtl.names import KEYWORDS, design_name, identifier, instance_names

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
FIR = ROOT / "examples" / "kernels" / "fir.py"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("digits", "digits"),
        ("my-model.v2", "my_model_v2"),
        ("a__b", "a_b"),
        ("_x_", "x"),
        ("8bit", "circuit_8bit"),
        ("netz für é", "netz_f_r"),
        ("", "circuit"),
        ("模型", "circuit"),
        ("case", "circuit_case"),
        ("Wire", "circuit_Wire"),
        ("board_top", "circuit_board_top"),
    ],
)
def test_a_name_is_made_an_identifier(text: str, name: str) -> None:
    assert identifier(text) == name
    assert identifier(name) == name


@pytest.mark.parametrize("name", sorted(KEYWORDS))
def test_no_design_is_called_by_a_word_of_verilog(name: str) -> None:
    assert identifier(name) not in KEYWORDS


@pytest.mark.parametrize("name", ["8bit", "a b", "module", "a__b", "", "é", "a.b", "a;b"])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(BadOption, match="--name"):
        design_name(name, "model")


def test_layers_of_one_name_and_names_that_are_taken_become_others() -> None:
    names = instance_names(["conv/1", "conv_1", "conv.1", "s_axis", "and"], {"s_axis"})
    assert list(names.values()) == ["conv_1", "conv_1_2", "conv_1_3", "s_axis_2", "circuit_and"]


def modules(verilog: str) -> list[str]:
    """The names of all modules."""
    heads = re.findall(r"^module (\\\S+ |\w+)\(", verilog, flags=re.MULTILINE)
    return [name.strip().removeprefix("\\") for name in heads]


def compiled(folder: Path, kind: str, name: str | None) -> flow.Compiled:
    """A small design."""
    if kind == "network":
        return flow.compile(DIGITS, board="icebreaker", target_fps=100, name=name, output=folder)
    if kind == "kernel":
        return flow.compile(f"{FIR}:fir", name=name, output=folder)
    return flow.emit_fabric("icebreaker_2x2", name=name, output=folder)


@pytest.mark.parametrize(
    ("kind", "default"), [("network", "digits"), ("kernel", "fir"), ("fabric", "icebreaker_2x2")]
)
def test_every_module_is_named_after_the_design(kind: str, default: str, tmp_path: Path) -> None:
    for number, name in enumerate((None, "mine")):
        design = compiled(tmp_path / str(number), kind, name)
        expected = name or default
        names = modules(design.verilog)
        assert design.manifest.top == expected and expected in names
        assert all(one == expected or one.startswith(f"{expected}.") for one in names)


def test_two_designs_share_a_project(tmp_path: Path) -> None:
    for name in ("first", "second"):
        shutil.copy(
            compiled(tmp_path / name, "network", name).directory / "design.v",
            tmp_path / f"{name}.v",
        )
    (tmp_path / "both.ys").write_text("read_verilog first.v second.v\nhierarchy -check\n")
    run_tool(YOSYS, ("both.ys",), tmp_path, "yosys.log")


def test_instances_are_called_as_the_layers(tmp_path: Path) -> None:
    design = compiled(tmp_path, "network", None)
    points = design.manifest.processes
    assert points and all(point.instance == point.name for point in points)
    for point in points:
        assert re.search(
            rf"^  \\digits\.{point.instance}  {point.instance} \(", design.verilog, re.M
        )


def head(verilog: str) -> str:
    """The comment at the head."""
    lines = []
    for line in verilog.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line)
    return "\n".join(lines)


@pytest.mark.parametrize("kind", ["network", "kernel", "fabric"])
def test_the_head_says_what_it_is_of_which_source_with_which_ports(
    kind: str, tmp_path: Path
) -> None:
    design = compiled(tmp_path, kind, "mine")
    source = {
        "network": DIGITS,
        "kernel": FIR,
        "fabric": ROOT / "fabrics" / "icebreaker_2x2.toml",
    }[kind]
    text = head(design.verilog)
    words = " ".join(text.replace("//", " ").split())
    assert words.startswith(f"mine: {kind} ") and f"hlsgen {__version__}" in words
    assert hashlib.sha256(source.read_bytes()).hexdigest() in words
    assert str(tmp_path) not in text and str(ROOT) not in text
    rows = re.findall(r"^//   (\w+) +(input|output) +(\d+)  (\S.*)$", text, flags=re.MULTILINE)
    body = re.search(r"^module mine\(.*?^endmodule", design.verilog, re.MULTILINE | re.DOTALL)
    assert body is not None
    declared = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", body[0], flags=re.MULTILINE)
    ports = {(name, way, int(high or 0) + 1) for way, high, name in declared}
    assert {(name, way, int(bits)) for name, way, bits, _ in rows} == ports
    assert len(ports) > 6


def test_programs_of_one_fabric_have_its_verilog(tmp_path: Path) -> None:
    kernels = [ROOT / "examples" / "kernels" / f"{name}.py" for name in ("fir", "axpy")]
    texts = {
        flow.map_kernel(f"{path}:{path.stem}", exact=False, output=tmp_path / path.stem).verilog
        for path in kernels
    }
    texts.add(flow.emit_fabric("cgra_4x4", output=tmp_path / "fabric").verilog)
    assert len(texts) == 1
