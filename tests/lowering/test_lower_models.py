"""Real models: the dataflow has the meaning of the integer graph, bit for bit. Skipped where the models are not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.made_by_others import model_folder

from hlsgen.dataflow.check import check
from hlsgen.dataflow.interpret import interpret
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.graph.evaluate import evaluate
from hlsgen.lowering.lower import lower
from hlsgen.ops.tensor_type import storage
from hlsgen.passes import to_integer

ROOT = Path(__file__).parents[2]
NAMES = (
    "tflm_sine_int8",
    "tm_mnist_arduino_int8",
    "tm_mnist_valid_int8",
    "tm_cifar10_int8",
    "lenet300_mnist_int8",
    "ad_fcae_int8",
    "kws_dscnn_int8",
    "ic_resnet8_int8",
    "vww_mbv1_int8",
)


def assert_lowers_to_its_meaning(path: Path) -> None:
    graph = to_integer(read_model(path)).hardware
    lowered = lower(graph)
    check(lowered.dataflow)
    random = np.random.default_rng(0)
    tensors = {}
    for name in graph.inputs:
        type = graph.types[name]
        element = type.integer
        values = random.integers(element.minimum, element.maximum + 1, (2, *type.shape[1:]))
        tensors[name] = values.astype(storage(element))
    streams = {port.channel: port.to_stream(tensors[port.value]) for port in lowered.inputs}
    values = interpret(lowered.dataflow, streams)
    expected = evaluate(graph, tensors)
    for port in lowered.outputs:
        tensor = port.to_tensor(values[port.channel])
        assert np.array_equal(tensor, np.asarray(expected[port.value]).reshape(tensor.shape))


def test_digits_lowers_to_its_meaning() -> None:
    assert_lowers_to_its_meaning(ROOT / "examples" / "digits" / "digits.onnx")


@pytest.mark.parametrize("name", NAMES)
def test_real_model_lowers_to_its_meaning(name: str) -> None:
    assert_lowers_to_its_meaning(model_folder(name) / "model.onnx")
