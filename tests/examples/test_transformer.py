"""The transformer example: every node of it becomes hardware, whose meaning is ONNX Runtime's up to what is declared."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hlsgen import flow
from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.support import support
from hlsgen.lowering.lower import lower
from hlsgen.passes import to_integer

FILE = Path(__file__).resolve().parents[2] / "examples" / "transformer" / "encoder.py"


def encoder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("encoder", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["encoder"] = module  # where dataclasses look for the names in annotations
    spec.loader.exec_module(module)
    return module


def test_every_node_of_the_encoder_becomes_hardware_without_copies_between_heads() -> None:
    example = encoder()
    shape = example.Shape()
    model = example.quantised(example.float_model(shape), example.sequences(shape, 8, 1))
    borders = ("QuantizeLinear", "DequantizeLinear")
    places = {row.node: row.where for row in support(model) if row.operator not in borders}
    assert set(places.values()) == {"hardware"}
    dataflow = lower(to_integer(read_model(model)).hardware).dataflow
    assert not [process.name for process in dataflow.processes if "copy" in process.name]


def test_a_float_encoder_that_is_quantised_with_samples_becomes_hardware_too() -> None:
    example = encoder()
    shape = example.Shape(steps=3, width=4, heads=1, inner=4, classes=2)
    samples = {"x": example.sequences(shape, 8, 1)}
    integer = to_integer(read_model(calibrate(example.float_model(shape), samples)))
    names = {node.op.name for node in integer.hardware.nodes}
    assert {"QuantisedNorm", "QuantisedSoftmax", "MatrixProduct", "QuantisedAdd"} <= names


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "activation"), [(1, "Relu"), (2, "Sigmoid")])
def test_the_encoder_s_circuit_computes_its_meaning(
    layers: int, activation: str, tmp_path: Path
) -> None:
    example = encoder()
    shape = example.Shape(layers=layers)
    model = example.float_model(shape, activation)
    model = example.quantised(model, example.sequences(shape, 32, 1))
    samples = {"x": example.sequences(shape, 20, 2)}
    result = flow.compile(model, output=tmp_path).verify(samples, engine="fast")
    assert result.good, result.text()
    answers = next(iter(result.outputs.values()))
    assert len(np.unique(answers)) > 10
