"""A float network is explored in several numbers: errors against floats and right answers on samples beside speed and size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from hlsgen.cli import app
from hlsgen.errors import BadFile, BadOption, HlsgenError, TypeMismatch
from hlsgen.exploration.study import Study
from hlsgen.exploration.study_point import StudyPoint
from hlsgen.flow_explore import explore, pick

COUNT = 24


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a float classifier, samples and the labels that it gives them itself."""
    folder, random = tmp_path_factory.mktemp("float"), np.random.default_rng(5)
    weights = random.normal(size=(8, 6)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"]),
            helper.make_node("Relu", ["h"], ["y"]),
        ],
        "classifier",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 6))],
        [numpy_helper.from_array(weights, "w")],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), folder / "float.onnx")
    x = random.normal(size=(COUNT, 8)).astype(np.float32)
    np.savez(folder / "samples.npz", x=x)
    np.save(folder / "labels.npy", (x @ weights).argmax(axis=1))
    return folder


def explored(folder: Path, **options: object) -> Study:
    given: dict[str, object] = {
        "precisions": ["int8", "fixed16"],
        "samples": folder / "samples.npz",
    }
    given |= {"points": 8, "checks": 0}
    return explore(folder / "float.onnx", **{**given, **options})  # type: ignore[arg-type]


def test_more_bits_are_nearer_to_the_floats_and_both_stay_on_the_front(classifier: Path) -> None:
    study = explored(classifier, labels=classifier / "labels.npy")
    errors = {p.precision: p.error for p in study.points}
    assert errors.keys() == {"int8", "fixed16"}
    assert errors["int8"] is not None and errors["fixed16"] is not None
    assert 0 < errors["fixed16"] < 1e-3 < errors["int8"] < 0.1
    right = {p.precision: p.accuracy for p in study.points}
    assert right["fixed16"] == 1.0 and right["int8"] is not None and right["int8"] >= 0.9
    assert {p.precision for p in study.front} == {"int8", "fixed16"}
    assert "accuracy" in study.text() and "100.0%" in study.page()


def test_accuracy_is_the_share_of_labels_that_are_met(classifier: Path, tmp_path: Path) -> None:
    labels = np.load(classifier / "labels.npy")
    labels[: COUNT // 4] = (labels[: COUNT // 4] + 1) % 6
    np.save(tmp_path / "half.npy", labels)
    study = explored(classifier, precisions=["fixed16"], labels=tmp_path / "half.npy")
    assert {p.accuracy for p in study.points} == {0.75}
    assert {p.accuracy for p in explored(classifier, precisions=["fixed16"]).points} == {None}


def test_a_picked_point_is_computed_in_its_numbers(classifier: Path, tmp_path: Path) -> None:
    samples = classifier / "samples.npz"
    study = explored(classifier, points=4, checks=99)
    for precision in ("int8", "fixed16"):
        point = next(p for p in study.points if p.precision == precision and p.is_planned)
        design = pick(
            classifier / "float.onnx",
            study,
            point.number,
            output=tmp_path / precision,
            samples=samples,
        )
        assert design.report["lut"] == point.lut
        assert design.report["interval_cycles"] == point.interval_cycles
        expected = "--calibrate" if precision == "int8" else "--precision fixed16 --samples"
        assert expected in point.command("float.onnx")


def test_only_the_intervals_that_are_asked_for_are_sketched(classifier: Path) -> None:
    study = explored(classifier, precisions=["int8"], intervals=[8, 48, 8])
    assert {p.asked_interval for p in study.points} == {8, 48}
    assert all(p.interval_cycles <= p.asked_interval for p in study.points)


def test_the_command_line_takes_lists(classifier: Path, tmp_path: Path) -> None:
    arguments = ["explore", str(classifier / "float.onnx"), "--precision", "int8, fixed16"]
    arguments += ["--samples", str(classifier / "samples.npz"), "--interval", "8,48"]
    done = CliRunner().invoke(app, [*arguments, "--check", "0", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0 and "fixed16" in done.stdout and "int8" in done.stdout
    with pytest.raises(BadOption, match="--interval 1,2,4"):
        CliRunner().invoke(app, [*arguments, "--interval", "8,x"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"precisions": ["int4"]}, BadOption, "int8, fixed16, fixed24"),
        ({"samples": None}, BadOption, "expected samples, found none"),
        ({"calibrate": "c.npz"}, BadOption, "found both"),
        ({"precisions": []}, BadOption, "--precision with it"),
        ({"precisions": 3}, BadOption, "names of precisions"),
        ({"intervals": [1]}, BadOption, "expected at least 2"),
        ({"intervals": ["8"]}, BadOption, "whole numbers"),
        ({"labels": "none.npy"}, BadFile, "24 whole numbers"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    classifier: Path, options: dict[str, object], error: type[HlsgenError], words: str
) -> None:
    with pytest.raises(error) as caught:
        explored(classifier, **options)
    assert len(str(caught.value).splitlines()) == 3 and words in str(caught.value)


def test_labels_of_other_samples_are_refused(classifier: Path, tmp_path: Path) -> None:
    for labels in (np.zeros(COUNT - 1, int), np.zeros(COUNT), np.zeros((COUNT, 1), int)):
        np.save(tmp_path / "bad.npy", labels)
        with pytest.raises(BadFile, match="one for each sample"):
            explored(classifier, labels=tmp_path / "bad.npy")


def test_a_quantised_network_has_its_numbers_already(classifier: Path) -> None:
    digits = Path(__file__).parents[2] / "examples" / "digits"
    with pytest.raises(TypeMismatch):
        explore(digits / "digits.onnx", precisions=["fixed16"], samples=digits / "samples.npz")


def test_a_point_that_is_slower_and_larger_stays_on_the_front_where_it_is_nearer() -> None:
    def point(number: int, fps: float, lut: int, error: float) -> StudyPoint:
        sizes = {"lut": lut, "sketched_lut": lut, "dsp": 0, "bram": 0, "dsp_budget": None}
        rates = {"fps": fps, "sketched_fps": fps, "clock_mhz": 1.0, "interval_cycles": 9}
        named = {"number": number, "key": f"{number}", "board": "b", "asked_interval": 9}
        return StudyPoint.from_json({**named, **sizes, **rates, "input_lanes": [1], "error": error})

    points = (point(1, 9, 100, 0.1), point(2, 5, 200, 0.01), point(3, 4, 300, 0.01))
    assert [p.number for p in Study("m", "fps", points, {}).front] == [1, 2]
