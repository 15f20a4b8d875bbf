"""The same small network in every number format: its processes mean what its integers do, and ONNX Runtime says the same; then as a circuit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.integer_reading import assert_reads

from benchmarks.format_layers import E4M3, E5M2, NumberFormat, model, samples
from hlsgen.flow import compile

SIZES = (6, 5, 3)
INT6 = NumberFormat(6)
FORMATS = {
    "bipolar": (NumberFormat(1), NumberFormat(1)),
    "bipolar_weights": (INT6, NumberFormat(1)),
    "bipolar_activations": (NumberFormat(1), INT6),
    "ternary": (NumberFormat(2, narrow=True), NumberFormat(2, narrow=True)),
    **{f"int{n}": (NumberFormat(n), NumberFormat(n)) for n in range(2, 17)},
    **{f"uint{n}": (NumberFormat(n, signed=False), INT6) for n in range(1, 17)},
    **{
        f"fixed_{n}": (NumberFormat(n, step=2.0**-n), NumberFormat(5, step=2.0**-4)) for n in (7, 9)
    },
    "e4m3": (E4M3, E4M3),
    "e4m3_weights": (INT6, E4M3),
    "e4m3_activations": (E4M3, INT6),
    "e5m2": (E5M2, E5M2),
    "e5m2_weights": (NumberFormat(4), E5M2),
    "e5m2_activations": (E5M2, NumberFormat(4)),
    "e4m3_and_e5m2": (E4M3, E5M2),
    **{f"uint{n}_weights": (INT6, NumberFormat(n, signed=False)) for n in (1, 2, 4, 8, 16)},
    "uint1_and_bipolar": (NumberFormat(1, signed=False), NumberFormat(1)),
}
"""Of the activations and of the weights."""
AT_ONCE = ("int3", "int5", "int8", "int9", "int16", "uint1", "uint2", "uint7", "uint16", "fixed_7")
READ = [
    pytest.param(name, marks=() if name in AT_ONCE or "int" not in name else pytest.mark.slow)
    for name in FORMATS
]


@pytest.mark.parametrize("name", READ)
def test_a_network_of_every_format_means_its_integers(name: str) -> None:
    activations, weights = FORMATS[name]
    reading = assert_reads(model(activations, weights, SIZES), samples(activations, SIZES[0]))
    assert {"nv2", "nv5"} <= set(reading.processes), "a product is left to the host"


CIRCUITS = [
    pytest.param(name, options, marks=() if name == "bipolar" else pytest.mark.slow)
    for name in FORMATS
    for options in ({"effort": "small"}, {"interval": 1})
]
"""With arrays, and with the layers as constants."""


@pytest.mark.parametrize(("name", "options"), CIRCUITS)
def test_a_network_of_every_format_is_a_circuit(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    activations, weights = FORMATS[name]
    compiled = compile(model(activations, weights, SIZES), output=tmp_path / "d", **options)
    result = compiled.verify(samples(activations, SIZES[0]), samples=5, engine="fast", seed=2)
    assert result.good and result.mismatches == 0, result.text()


TENSORS = {
    "int4": (TensorProto.INT4, 21),
    "uint4": (TensorProto.UINT4, 21),
    "int2": (TensorProto.INT2, 25),
    "uint2": (TensorProto.UINT2, 25),
    "int16": (TensorProto.INT16, 21),
}


def network_of_tensors(element: int, opset: int) -> onnx.ModelProto:
    """A matrix product between ONNX's QuantizeLinear and DequantizeLinear of a type, of weights of the type."""
    random = np.random.default_rng(3)
    bits = {TensorProto.INT2: 2, TensorProto.UINT2: 2, TensorProto.INT16: 16}.get(element, 4)
    signed = element not in (TensorProto.UINT4, TensorProto.UINT2)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    weights = random.integers(low, high + 1, SIZES[:2])
    constants = [
        numpy_helper.from_array(np.float32(step), name)
        for name, step in (("x_step", 8.0 / (1 << bits)), ("w_step", 0.25), ("y_step", 2.0))
    ]
    constants += [
        helper.make_tensor("zero", element, (), [0]),
        helper.make_tensor("w", element, SIZES[:2], weights.reshape(-1).tolist()),
    ]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x_step", "zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "x_step", "zero"], ["xr"]),
        helper.make_node("DequantizeLinear", ["w", "w_step", "zero"], ["wr"]),
        helper.make_node("MatMul", ["xr", "wr"], ["product"]),
        helper.make_node("QuantizeLinear", ["product", "y_step", "zero"], ["yq"]),
        helper.make_node("DequantizeLinear", ["yq", "y_step", "zero"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tensors",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, SIZES[0]))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, SIZES[1]))],
        constants,
    )
    opsets = [helper.make_opsetid("", opset)]
    network: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return network


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_of_few_bits_mean_their_integers(name: str) -> None:
    network = network_of_tensors(*TENSORS[name])
    assert_reads(network, samples(NumberFormat(4, step=1.0), SIZES[0]))


@pytest.mark.slow
@pytest.mark.parametrize("name", TENSORS)
def test_tensors_of_few_bits_are_a_circuit(name: str, tmp_path: Path) -> None:
    compiled = compile(network_of_tensors(*TENSORS[name]), effort="small", output=tmp_path / "d")
    given = samples(NumberFormat(4, step=1.0), SIZES[0])
    result = compiled.verify(given, samples=5, engine="fast", seed=2)
    assert result.good and result.mismatches == 0, result.text()
