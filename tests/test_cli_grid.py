"""The command line of fabrics and kernels: map, fabric, verify, build, compile on a grid; three-line errors, whole results only."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from test_cli import DIGITS, refused, run

ROOT = Path(__file__).parents[1]
AXPY = f"{ROOT / 'examples' / 'kernels' / 'axpy.py'}:axpy"
SUM = """digraph sum {
a[opcode=input]; b[opcode=input]; s[opcode=add]; o[opcode=output];
a->s[operand=0]; b->s[operand=1]; s->o[operand=0];
}
"""
SMALL = "icebreaker_2x2"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("graph") / "sum.dot"
    path.write_text(SUM)
    return str(path)


@pytest.fixture(scope="module")
def mapped(graph: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a mapped graph."""
    from hlsgen.flow import map_kernel

    return map_kernel(graph, fabric=SMALL, output=tmp_path_factory.mktemp("mapped")).directory


@pytest.fixture
def copy(mapped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mapped, tmp_path / "copy"))


def test_a_mapping_is_written_whole(mapped: Path) -> None:
    report = json.loads((mapped / "report.json").read_text())
    assert (report["ops"], report["ii"], report["proved_optimal"]) == (4, report["mii"], True)
    assert "proved optimal" in (mapped / "report.txt").read_text()
    names = ("mapping.svg", "design.v", f"{SMALL}.toml", "configurations.bin", "manifest.json")
    assert all((mapped / name).stat().st_size for name in names)


def test_without_a_folder_the_mapping_is_shown_and_nothing_left_behind(
    graph: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(
        "hlsgen.rtl.verilog.to_verilog", lambda design, origin: ""
    )  # it takes seconds
    code, output, _ = run(capsys, "map", graph, "--fabric", SMALL)
    assert code == 0
    assert output.startswith(f"sum on {SMALL}: interval ") and "Routes:" in output
    assert list(tmp_path.iterdir()) == []


BAD_MAPS = {
    "no such file": (("none.dot",), ("none.dot", "No such file")),
    "no such kernel": (("none.py:f",), ("none.py",)),
    "no name": ((AXPY.partition(":")[0],), ("name of a kernel",)),
    "another name": ((AXPY + "z",), ("axpyz", "axpy")),
    "another kind of file": (("kernel.txt",), ("FILE.dot", ".txt")),
    "a model": ((str(DIGITS),), ("FILE.dot", ".onnx")),
    "unknown fabric": ((AXPY, "--fabric", "cgra_5x5"), ("cgra_5x5", "cgra_4x4")),
    "missing fabric": ((AXPY, "--fabric", "none.toml"), ("none.toml", "No such file")),
    "missing operators": ((AXPY, "--fabric", "mac_8x8"), ("mac_8x8",)),
    "negative seed": ((AXPY, "--seed", "-1"), ("--seed", "-1")),
    "large seed": ((AXPY, "--seed", str(1 << 40)), ("--seed", "9999")),
    "negative time": ((AXPY, "--time-limit", "-5"), ("--time-limit", "-5")),
    "no time": ((AXPY, "--time-limit", "nan"), ("--time-limit", "nan")),
    "endless time": ((AXPY, "--time-limit", "inf"), ("--time-limit", "inf")),
    "no number": ((AXPY, "--seed", "one"), ("hlsgen map", "--seed", "--help")),
    "no kernel": ((), ("hlsgen map", "kernel", "--help")),
    "two kernels": ((AXPY, AXPY), ("hlsgen map", "unexpected")),
    "unknown option": ((AXPY, "--sede", "1"), ("--sede",)),
}


@pytest.mark.parametrize("case", BAD_MAPS)
def test_a_mapping_that_cannot_be_is_refused(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, words = BAD_MAPS[case]
    out = tmp_path / "out"
    refused(run(capsys, "map", *arguments, "-q", "-o", str(out)), *words)
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize("command", [("map",), ("map", "--as-given"), ("compile",)])
def test_an_operator_that_no_fabric_has_is_refused(
    command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ratio.dot"
    path.write_text(SUM.replace("opcode=add", "opcode=div"))
    out = str(tmp_path / "out")
    refused(run(capsys, *command, str(path), "-q", "-o", out), "operation s", "'divide'")


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    refused(run(capsys, "mapp"), "mapp", "hlsgen --help")


def test_without_arguments_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, output, _ = run(capsys)
    assert code == 0
    assert all(name in output for name in ("compile", "map", "fabrics", "verify", "build"))


@pytest.mark.parametrize(
    ("fabric", "word"),
    [("cgra_9x9", "cgra_4x4"), ("none.toml", "No such file"), ("fir.dot", "hlsgen fabrics")],
)
def test_a_fabric_that_is_not_there_is_refused(
    fabric: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(run(capsys, "fabric", fabric, "-q", "-o", str(tmp_path / "out")), word)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_an_illegal_fabric_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "fabrics" / f"{SMALL}.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace("rows = 2", "rows = 0"))
    for command in (("fabric", "mine.toml"), ("map", AXPY, "--fabric", "mine.toml")):
        arguments = [
            str(tmp_path / argument) if argument == "mine.toml" else argument
            for argument in command
        ]
        refused(run(capsys, *arguments, "-q", "-o", str(tmp_path / "out")), "mine", "0 x 2")


def test_a_bare_fabric_has_nothing_to_verify_and_needs_a_board(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    code, output, _ = run(capsys, "fabric", SMALL, "-o", out)
    assert code == 0 and "2 PEs multiplying" in output
    refused(run(capsys, "verify", out, "-q"), f"only the fabric {SMALL}", "hlsgen map")
    refused(run(capsys, "build", out, "-q"), "--board")
    refused(run(capsys, "build", out, "-q", "--board", "none"), "none")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--engine", "magic"), "cocotb"),
        (("--stall", "often"), "random"),
        (("--samples", "0"), "--samples"),
        (("--inputs", "none.npz"), "none.npz"),
        (("--reference", "paper"), "numpy"),
    ],
)
def test_verifying_a_mapping_with_wrong_options_is_refused(
    options: tuple[str, ...], word: str, mapped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(run(capsys, "verify", str(mapped), "-q", *options), word)
    assert not (mapped / "verify.json").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("configurations.bin", b"\0" * 64),
        ("configurations.bin", None),
        ("graph_0.txt", b"loop_graph nothing"),
        ("graph_0.txt", None),
        ("design.v", b"module hlsgen_top; endmodule"),
        (f"{SMALL}.toml", b"rows = 0"),
        (f"{SMALL}.toml", None),
        ("manifest.json", b"{"),
        ("manifest.json", b"[]"),
        ("manifest.json", None),
    ],
)
def test_a_changed_folder_is_refused(
    name: str, content: bytes | None, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(content)
    refused(run(capsys, "verify", str(copy), "-q"))
    assert not (copy / "verify.json").exists()


BAD_COMPILES = {
    "fabric without grid": ((AXPY, "--fabric", "cgra_4x4"), ("--fabric", "grid")),
    "unknown fabric": ((AXPY, "--schedule", "grid", "--fabric", "nope"), ("nope",)),
    "multipliers of a grid": ((AXPY, "--schedule", "grid", "--multipliers", "3"), ("stream",)),
    "a board for a kernel": ((AXPY, "--schedule", "grid", "--board", "ulx3s_85f"), ("--board",)),
    "samples for a kernel": ((AXPY, "--calibrate", "x.npz"), ("--calibrate",)),
    "dump of a kernel": ((AXPY, "--dump", "d"), ("--dump",)),
    "network on a plain fabric": (
        (str(DIGITS), "--schedule", "grid", "--fabric", "cgra_4x4"),
        ("cgra_4x4", "mac_8x8"),
    ),
}


@pytest.mark.parametrize("case", BAD_COMPILES)
def test_a_compilation_to_a_grid_that_cannot_be_is_refused(
    case: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, words = BAD_COMPILES[case]
    refused(run(capsys, "compile", *arguments, "-q", "-o", "out"), *words)
    assert not (tmp_path / "out" / "manifest.json").exists()
