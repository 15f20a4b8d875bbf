"""``hlsgen compile``: how much of a board a design may take is what the options say, and what does not fit is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from support.quantised_models import QuantisedModel, conv_model
from test_cli import DIGITS, refused, run

from hlsgen.board import load_board

BOARD = "icebreaker"


@pytest.fixture(scope="module")
def reports() -> dict[tuple[str, ...], dict[str, Any]]:
    """The reports that were asked for already, by their options."""
    return {}


@pytest.fixture
def report(
    reports: dict[tuple[str, ...], dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    """The report of a small network compiled with options."""
    model = conv_model("u8", True, (1, 4, 10, 10), (8, 4, 3, 3))[0]
    onnx.save(model, tmp_path / "small.onnx")

    def of(*options: str) -> dict[str, Any]:
        options = options if "--board" in options else ("--board", BOARD, *options)
        if options not in reports:
            folder = tmp_path / "_".join(("out", *options))
            code, _, error = run(
                capsys,
                "compile",
                str(tmp_path / "small.onnx"),
                "-q",
                "-o",
                str(folder),
                "--board",
                BOARD,
                *options,
            )
            assert code == 0, error
            reports[options] = json.loads((folder / "report.json").read_text())
        return reports[options]

    return of


def test_efforts_go_from_the_fewest_luts_to_the_fewest_cycles(report: Any) -> None:
    small, balanced, most = (report("--effort", e) for e in ("small", "balanced", "max"))
    assert small["lut"] < balanced["lut"] < most["lut"]
    assert small["interval_cycles"] > balanced["interval_cycles"] > most["interval_cycles"]
    assert most["lut"] <= load_board(BOARD).lut


def test_without_options_a_design_is_balanced(report: Any) -> None:
    assert report() == report("--effort", "balanced")


def test_an_unknown_effort_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, "compile", str(DIGITS), "-o", str(tmp_path / "out"), "--effort", "huge")
    refused(result, "--effort", "small", "balanced", "max", "huge")


@pytest.mark.parametrize("limit", [2, 5])
@pytest.mark.parametrize("effort", ["balanced", "max"])
def test_multipliers_bound_all_multipliers(limit: int, effort: str, report: Any) -> None:
    bounded = report("--effort", effort, "--multipliers", str(limit))
    assert 0 < bounded["multipliers"] <= limit < report("--effort", effort)["multipliers"]
    assert bounded["interval_cycles"] > report("--effort", effort)["interval_cycles"]


@pytest.mark.parametrize("limit", [0, 3])
def test_dsp_bounds_the_blocks_and_not_the_multipliers(limit: int, report: Any) -> None:
    options = ("--board", "ulx3s_85f", "--multipliers", "12", "--effort", "max")
    bounded = report(*options, "--dsp", str(limit))
    assert bounded["dsp"] <= limit < report(*options)["dsp"]
    assert bounded["multipliers"] > limit


@pytest.mark.parametrize("limit", [1400, 2500])
def test_lut_bounds_the_luts(limit: int, report: Any) -> None:
    bounded = report("--effort", "max", "--lut", str(limit))
    assert bounded["lut"] <= limit < report("--effort", "max")["lut"]
    assert bounded["interval_cycles"] > report("--effort", "max")["interval_cycles"]


@pytest.mark.parametrize("option", ["--multipliers", "--lut"])
def test_a_bound_that_nothing_meets_is_named_as_the_cause(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(capsys, "compile", str(DIGITS), "-q", "-o", str(tmp_path / "out"), option, "1")
    refused(result, "more than the budget of 1", f"Without {option} it would fit")


def wide_network(path: Path, inputs: int, widths: tuple[int, ...]) -> Path:
    """Matrix products one after the other."""
    model = QuantisedModel((1, inputs), "u8", seed=2)
    value, scale, zero = "x", float(model.scale), model.zero
    for width in widths:
        real = model.dequantize(value, scale, zero, "u8")
        weights = model.weights((width, inputs), width, False)
        value = model.quantize(model.node("Gemm", real, weights, transB=1), 0.5, 128, "u8")
        scale, zero, inputs = 0.5, 128, width
    onnx.save(model.finish(value), path)
    return path


@pytest.mark.parametrize(
    ("board", "widths", "kbit"),
    [
        ("icebreaker", (256, 64, 10), "1,004"),
        pytest.param("ulx3s_85f", (2048, 1024, 10), "16,406", marks=pytest.mark.slow),
    ],
)
def test_weights_that_do_not_fit_are_said_to_be_memory_of_these_layers(
    board: str,
    widths: tuple[int, ...],
    kbit: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = wide_network(tmp_path / "wide.onnx", 500, widths)
    result = run(capsys, "compile", str(path), "-o", str(tmp_path / "out"), "--board", board)
    refused(
        result,
        "wide on board",
        board,
        "RAM blocks (",
        "kbit of memory)",
        f"(constants {kbit} kbit)",
    )
    problem = result[2].splitlines()[1]
    assert "Gemm_2" in problem and "Gemm_6" in problem and "LUT" not in problem
