"""Every output of a model keeps its name and value, also where several are the same value, or an input; networks that only move elements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.lowered_examples import assert_same_meaning
from support.quantised_models import QuantisedModel
from support.random_outcome import whole
from support.random_values import answers

from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.support import support
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import IntegerModel, to_integer


def with_outputs(
    more: Callable[[QuantisedModel, str], list[str]],
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A convolution, and outputs that ``more`` makes of it besides."""
    model = QuantisedModel((1, 2, 4, 5), "u8")
    x = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("Conv", x, model.weights((3, 2, 3, 3), 3, True))
    output = model.quantize(value, 0.02, 0, "u8")
    outputs = more(model, output)
    proto = model.finish(output)
    for name in outputs:
        proto.graph.output.append(helper.make_tensor_value_info(name, TensorProto.UINT8, None))
    return proto, model.samples(4)


def relu(model: QuantisedModel, value: str) -> str:
    """Of a value with zero point 0: the value itself."""
    real = model.node("Relu", model.dequantize(value, 0.02, 0, "u8"))
    return model.quantize(real, 0.02, 0, "u8")


MORE: dict[str, Callable[[QuantisedModel, str], list[str]]] = {
    "a copy": lambda m, v: [m.node("Identity", v)],
    "two copies": lambda m, v: [m.node("Identity", v), m.node("Identity", v)],
    "what is the same": lambda m, v: [relu(m, v)],
    "an input": lambda m, v: ["x"],
    "a copy of an input": lambda m, v: [m.node("Identity", "x")],
    "a copy behind which more is computed": lambda m, v: [
        m.quantize(m.node("Abs", m.dequantize(m.node("Identity", v), 0.02, 9, "u8")), 0.02, 0, "u8")
    ],
}


def values_of(integer: IntegerModel, samples: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    before = evaluate(integer.host_before, samples)
    results = evaluate(integer.hardware, {name: before[name] for name in integer.hardware.inputs})
    values = {**samples, **before, **results}
    rows = [whole(integer, values, k) for k in range(4)]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("case", MORE)
def test_outputs_of_one_value_keep_their_names(case: str) -> None:
    model, samples = with_outputs(MORE[case])
    want = answers(model, samples)
    got = values_of(to_integer(read_model(model)), samples)
    assert list(want) == [value.name for value in model.graph.output]
    assert got.keys() == want.keys()
    for name, array in want.items():
        assert np.array_equal(got[name].reshape(array.shape), array), name


@pytest.mark.parametrize("operator", ["Concat", "Transpose"])
def test_a_network_that_only_moves_elements_is_a_circuit(operator: str) -> None:
    model = QuantisedModel((1, 2, 4, 5), "u8")
    x = model.dequantize("x", 0.02, 3, "u8")
    moved = (
        model.node("Concat", x, x, axis=1)
        if operator == "Concat"
        else model.node("Transpose", x, perm=[0, 2, 3, 1])
    )
    proto, samples = model.finish(model.quantize(moved, 0.02, 3, "u8")), model.samples(4)
    integer = to_integer(read_model(proto))
    assert [node.op.name for node in integer.hardware.nodes] == [operator]
    assert {row.where for row in support(proto)} == {"hardware"}
    assert_same_meaning(integer.hardware, samples)
    (want,) = answers(proto, samples).values()
    (got,) = values_of(integer, samples).values()
    assert np.array_equal(got.reshape(want.shape), want)
