"""The command line: exit codes, three-line errors without traceback, whole results only."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hlsgen import cli, flow
from hlsgen.artefact import folder

DIGITS = Path(__file__).parents[1] / "examples" / "digits" / "digits.onnx"
SAMPLES = DIGITS.with_name("samples.npz")
PROGRESS = re.compile(r"hlsgen: .* \(\d+ s\)$")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of ``hlsgen arguments``, without the lines of progress that a slow machine writes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["hlsgen", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
    captured = capsys.readouterr()
    lines = captured.err.splitlines(keepends=True)
    return code, captured.out, "".join(line for line in lines if not PROGRESS.match(line))


def refused(result: tuple[int, str, str], *words: str) -> None:
    """Assert a three-line error of exit code 2 that names ``words``."""
    code, _, error = result
    assert code == 2, error
    assert len(error.strip().splitlines()) == 3, error
    assert "Traceback" not in error
    for word in words:
        assert word in error, error


def test_the_command_line_starts_without_the_heavy_imports() -> None:
    program = "import sys, hlsgen.cli; print([m for m in ('amaranth','onnx','scipy','numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--board", "ulx3s"), ("ulx3s_85f",)),
        (("--schedule", "magic"), ("stream", "magic")),
        (("--target-fps", "0"), ("--target-fps",)),
        (("--target-fps", "nan"), ("--target-fps",)),
        (("--multipliers", "-1"), ("--multipliers",)),
        (("--unroll", "conv:q=3"), ("--unroll", "q=3")),
        (("--unroll", "nothing:o=2"), ("nothing",)),
        (("--calibrate", "none.npz"), ("none.npz",)),
    ],
)
def test_a_bad_option_is_explained(
    arguments: tuple[str, ...],
    words: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = run(capsys, "compile", str(DIGITS), "-q", "-o", str(tmp_path / "out"), *arguments)
    refused(result, *words)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_rate_beyond_the_board_says_which_would_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--board", "icebreaker", "--target-fps", "2000000")
    result = run(capsys, "compile", str(DIGITS), "-q", "-o", str(tmp_path), *options)
    refused(result, "icebreaker", "samples a second")


def test_an_unrolling_too_large_for_the_board_is_named_as_the_cause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--board", "icebreaker", "--unroll", "conv2:o=16,i=8,ky=3,kx=3")
    result = run(capsys, "compile", str(DIGITS), "-q", "-o", str(tmp_path), *options)
    refused(result, "more than the budget", "Without --unroll")


def test_without_multipliers_in_dsp_blocks_all_are_made_of_luts(tmp_path: Path) -> None:
    compiled = flow.compile(DIGITS, board="ulx3s_85f", dsp=0, target_fps=500, output=tmp_path)
    assert compiled.report["dsp"] == 0
    assert compiled.report["multipliers"] > 0


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    result = run(capsys, "compile", str(DIGITS), "-q", "-o", str(tmp_path / "file" / "out"))
    refused(result, str(tmp_path / "file" / "out"))


def test_an_interrupted_compile_leaves_nothing_that_passes_for_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("compile", str(DIGITS), "-q", "-o", str(tmp_path), "--target-fps")
    assert run(capsys, *arguments, "50000")[0] == 0
    assert json.loads((tmp_path / "manifest.json").read_text())["top"] == "digits"
    replace = folder.os.replace

    def interrupt(source: Path, target: Path) -> None:
        if target.name == "manifest.json":  # the last of all
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(folder.os, "replace", interrupt)
    refused(run(capsys, *arguments, "20000"), "interrupt")
    refused(run(capsys, "verify", str(tmp_path), "--inputs", str(SAMPLES), "-q"), "design.v")
    refused(run(capsys, "build", str(tmp_path), "-q"), "design.v")


@pytest.mark.parametrize(
    ("command", "word"), [("boards", "icebreaker"), ("fabrics", "cgra_4x4"), ("ops", "Conv")]
)
def test_lists_are_printed(command: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, output, _ = run(capsys, command)
    assert code == 0
    assert word in output


def test_check_names_every_node_of_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    code, output, _ = run(capsys, "check", str(DIGITS))
    assert code == 0
    assert "hardware" in output and "unsupported" not in output


def test_dumped_texts_parse_back(tmp_path: Path) -> None:
    import numpy as np

    from hlsgen.dataflow import text as dataflow_text
    from hlsgen.graph import text as graph_text
    from hlsgen.schedule.stream_network import text as schedule_text

    flow.compile(DIGITS, output=tmp_path / "out", dump=tmp_path / "dump")
    dump = tmp_path / "dump"
    with np.load(dump / "integer.npz") as constants:
        text = (dump / "integer.txt").read_text()
        assert graph_text.to_text(*graph_text.parse(text, constants)) == text
    with np.load(dump / "dataflow.npz") as stores:
        text = (dump / "dataflow.txt").read_text()
        dataflow = dataflow_text.parse(text, stores)
        assert dataflow_text.to_text(dataflow) == text
    text = (dump / "schedule.txt").read_text()
    assert schedule_text.to_text(schedule_text.parse(text, dataflow)) == text
