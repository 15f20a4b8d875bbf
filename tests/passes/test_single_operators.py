"""A network of one operator is a circuit, also where the host would take the operator at the end of a larger one; pairs of any ranks."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper
from support.integer_reading import assert_reads
from support.quantised_models import QuantisedModel

from hlsgen.errors import UnsupportedOp
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.passes import to_integer


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op.name for node in to_integer(read_model(model)).hardware.nodes]


@pytest.mark.parametrize("operator", ["Softmax", "LayerNormalization", "InstanceNormalization"])
def test_an_operator_that_the_host_would_take_last_is_a_circuit_where_it_is_alone(
    operator: str,
) -> None:
    model = QuantisedModel((1, 4, 6), "u8", seed=3)
    x = model.dequantize("x", 0.02, 120, "u8")
    count = {"Softmax": 0, "LayerNormalization": 6, "InstanceNormalization": 4}[operator]
    rows = model.random.uniform(0.5, 1.5, (2, count)).astype(np.float32)
    constants = [model.constant(row) for row in rows] if count else []
    value = model.node(operator, x, *constants)
    scale, zero = (1 / 256, 0) if operator == "Softmax" else (0.03, 120)
    model = model.finish(model.quantize(value, scale, zero, "u8"))
    assert operators(model)
    samples = QuantisedModel((1, 4, 6), "u8", seed=3).samples(5)
    assert assert_reads(model, samples).bound == 1


def test_a_softmax_behind_a_product_stays_on_the_host() -> None:
    model = QuantisedModel((1, 6), "u8")
    product = model.node(
        "MatMul", model.dequantize("x", 0.02, 9, "u8"), model.weights((6, 4), 4, False, 1)
    )
    value = model.dequantize(model.quantize(product, 0.05, 100, "u8"), 0.05, 100, "u8")
    output = model.quantize(model.node("Softmax", value), 1 / 256, 0, "u8")
    integer = to_integer(read_model(model.finish(output)))
    assert [node.op.name for node in integer.hardware.nodes] == ["Gemm", "Requantise"]
    assert "Softmax" in [node.op.name for node in integer.host_after.nodes]


def two_inputs(operator: str, shape: tuple[int, ...]) -> QuantisedModel:
    model = QuantisedModel((1, 3, 4, 5), "u8", seed=4)
    a, b = model.dequantize("x", 0.02, 120, "u8"), model.dequantize("y", 0.03, 100, "u8")
    model.quantize(model.node(operator, a, b), 0.05, 120, "u8")
    return model


@pytest.mark.parametrize("operator", ["Sub", "Max"])
@pytest.mark.parametrize("shape", [(1, 5), (1, 4, 5), (1, 1)])
def test_operands_of_fewer_dimensions_are_broadcast(operator: str, shape: tuple[int, ...]) -> None:
    model = two_inputs(operator, shape)
    proto = model.finish(model.nodes[-1].output[0])
    kind = proto.graph.input[0].type.tensor_type.elem_type
    proto.graph.input.append(helper.make_tensor_value_info("y", kind, shape))
    samples = model.samples(5)
    samples["y"] = model.random.integers(0, 256, (5, *shape[1:])).astype(np.uint8)
    reading = assert_reads(proto, samples)
    assert reading.bound in (0, 1)


def test_three_operands_are_named_as_the_reason() -> None:
    model = QuantisedModel((1, 3, 4, 5), "u8", seed=4)
    parts = model.dequantize("x", 0.02, 120, "u8")
    slices = []
    for start in (0, 1, 2):
        ends = (model.constant(np.array([n])) for n in (start, start + 1, 1))
        slices.append(model.node("Slice", parts, *ends))
    value = model.node("Add", model.node("Mul", slices[0], slices[1]), slices[2])
    proto = model.finish(model.quantize(value, 0.05, 120, "u8"))
    with pytest.raises(
        UnsupportedOp, match=r"it is not a function of a weighted sum of its 3 operands"
    ):
        to_integer(read_model(proto))
