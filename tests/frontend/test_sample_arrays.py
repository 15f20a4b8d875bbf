"""Samples that are handed over as arrays in Python make the same design as the file of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.stateful_models import FloatModel, gru_cell

import hlsgen
from hlsgen import flow, flow_check
from hlsgen.errors import BadOption, TypeMismatch
from hlsgen.flow_explore import explore


def network(inputs: int = 1) -> onnx.ModelProto:
    """A float layer, and with two inputs the sum of both in front of it."""
    build = FloatModel("layer")
    names = ["x", "y"][:inputs]
    total = names[0] if inputs == 1 else build.node("Add", names, "total")
    build.node("Gemm", [total, build.weights(5, 3), build.weights(3)], "scores")
    return build.finish({name: [1, 5] for name in names}, {"scores": [1, 3]})


ROWS = np.random.default_rng(3).normal(size=(24, 5)).astype(np.float32)


def design(output: Path, model: onnx.ModelProto, **options: Any) -> hlsgen.Compiled:
    return flow.compile(model, effort="small", output=output, **options)


def circuit(design: hlsgen.Compiled) -> str:
    """Its Verilog without the header, which names the file of samples."""
    return design.verilog[design.verilog.index("\nmodule ") :]


def test_an_array_a_mapping_and_a_file_make_one_design(tmp_path: Path) -> None:
    np.savez(tmp_path / "samples.npz", x=ROWS)
    given = [tmp_path / "samples.npz", {"x": ROWS}, ROWS, ROWS.astype(np.float64)]
    designs = [design(tmp_path / str(k), network(), calibrate=way) for k, way in enumerate(given)]
    assert len({circuit(each) for each in designs}) == 1
    assert len({str(each.report["errors"]) for each in designs}) == 1
    commands = {str(each.manifest.made_by["command"]) for each in designs[1:]}
    assert all("--calibrate SAMPLES.npz" in command for command in commands)
    assert "--calibrate samples.npz" in str(designs[0].manifest.made_by["command"])


def test_fixed_point_takes_its_ranges_from_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "samples.npz", x=ROWS)
    options = {"precision": "fixed16"}
    designs = [
        design(tmp_path / str(k), network(), samples=way, **options)
        for k, way in enumerate((tmp_path / "samples.npz", ROWS))
    ]
    assert circuit(designs[0]) == circuit(designs[1])


def test_checks_and_explorations_take_arrays(tmp_path: Path) -> None:
    model = tmp_path / "layer.onnx"
    onnx.save(network(), model)
    assert {row.where for row in flow_check.check(model, {"x": ROWS})} == {
        "hardware after quantisation"
    }
    study = explore(model, ("icebreaker",), points=2, checks=0, calibrate=ROWS)
    assert study.points


def test_a_sequence_is_an_array_where_the_state_is_kept(tmp_path: Path) -> None:
    model, samples = gru_cell(hidden=2)
    rows = next(array for name, array in samples.items() if name != "h0")
    designs = [
        design(tmp_path / str(k), model, calibrate=way, state={"hn": "h0"})
        for k, way in enumerate((samples, rows))
    ]
    assert circuit(designs[0]) == circuit(designs[1])


def test_arrays_that_are_none_or_not_enough_are_refused(tmp_path: Path) -> None:
    def refused(error: type[Exception], words: str, model: onnx.ModelProto, way: Any) -> None:
        with pytest.raises(error, match=words) as caught:
            design(tmp_path / "none", model, calibrate=way)
        assert len(str(caught.value).splitlines()) == 3
        assert not (tmp_path / "none").exists()

    refused(TypeMismatch, "names? of the inputs x, y, found one array", network(2), ROWS)
    refused(TypeMismatch, r"expected \['x'\], found \['z'\]", network(), {"z": ROWS})
    refused(TypeMismatch, "expected an array of numbers, found elements of", network(), {"x": "a"})
    refused(TypeMismatch, "found NaN", network(), np.full((2, 5), np.nan))
    refused(TypeMismatch, "at least 1 sample", network(), ROWS[:0])
    refused(TypeMismatch, "expected", network(), ROWS[0])
    refused(BadOption, "a mapping of input names to arrays", network(), 3)
    refused(BadOption, "a mapping of input names to arrays", network(), [[1.0]])
