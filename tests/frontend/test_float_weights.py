"""Float models with integer weights, batch normalisation, sequences and reductions are quantised and exact to ONNX Runtime, or as declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from support.integer_reading import assert_reads

from hlsgen.errors import UnsupportedOp
from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.float_weights import with_float_weights
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.support import QUANTISED_LATER, is_float, support
from hlsgen.passes import to_integer

Node = tuple[str, str, dict[str, Any]]
"""Operator, operands, attributes; results are ``v0``, ``v1``, ..."""


def network(nodes: list[Node], constants: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> Any:
    protos = [
        helper.make_node(op, operands.split(), [f"v{k}"], name=f"{op}_{k}", **attributes)
        for k, (op, operands, attributes) in enumerate(nodes)
    ]
    graph = helper.make_graph(
        protos,
        "made",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", *shape[1:]])],
        [helper.make_empty_tensor_value_info(f"v{len(nodes) - 1}")],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def reals(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed + sum(shape)).normal(size=shape).astype(np.float32)


def integer_weights() -> onnx.ModelProto:
    integers = np.random.default_rng(1).integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    nodes: list[Node] = [
        ("DequantizeLinear", "w scale zero", {"axis": 0}),
        ("Conv", "x v0 b", {}),
        ("Relu", "v1", {}),
    ]
    scales = np.array([0.004, 0.003, 0.005, 0.006], np.float32)
    constants = {"w": integers, "scale": scales, "zero": np.zeros(4, np.int8), "b": reals(4)}
    return network(nodes, constants, (1, 3, 6, 6))


def test_integer_weights_of_a_float_model_are_the_same_reals() -> None:
    model = integer_weights()
    plain = with_float_weights(onnx.ModelProto.FromString(model.SerializeToString()))
    assert [node.op_type for node in plain.graph.node] == ["Conv", "Relu"]
    sample = {"x": reals(1, 3, 6, 6)}
    import onnxruntime

    results = [
        onnxruntime.InferenceSession(proto.SerializeToString()).run(None, sample)[0]
        for proto in (model, plain)
    ]
    assert np.allclose(*results, rtol=1e-6, atol=1e-6)


def test_a_float_model_with_integer_weights_is_float_and_asks_for_samples() -> None:
    model = integer_weights()
    assert is_float(read_model(model))
    assert {row.where for row in support(model) if row.operator == "Conv"} == {QUANTISED_LATER}
    with pytest.raises(UnsupportedOp, match=r"--calibrate"):
        to_integer(read_model(model))


NORM = {"g": 0.5 + np.abs(reals(4)), "o": reals(4, seed=1), "m": reals(4, seed=2)}
NORM["s"] = np.float32(0.3) + np.abs(reals(4, seed=3))
CONV = {"w": reals(4, 3, 3, 3), "u": reals(2, 4, 3, 3)}
NETWORKS: dict[str, tuple[list[Node], dict[str, np.ndarray], tuple[int, ...]]] = {
    "gemm, batch normalisation": (
        [
            ("Gemm", "x w", {}),
            ("BatchNormalization", "v0 g o m s", {}),
            ("Relu", "v1", {}),
            ("Gemm", "v2 u", {}),
        ],
        {"w": reals(8, 4), "u": reals(4, 3), **NORM},
        (1, 8),
    ),
    "conv, relu, batch normalisation": (
        [
            ("Conv", "x w", {}),
            ("Relu", "v0", {}),
            ("BatchNormalization", "v1 g o m s", {}),
            ("Conv", "v2 u", {"pads": [1, 1, 1, 1]}),
        ],
        {**CONV, **NORM},
        (1, 3, 6, 6),
    ),
    "gemm, reshape, batch normalisation": (
        [
            ("Gemm", "x w", {}),
            ("Reshape", "v0 shape", {}),
            ("BatchNormalization", "v1 g o m s", {}),
            ("Conv", "v2 u", {}),
        ],
        {"w": reals(8, 36), "shape": np.array([0, 4, 3, 3]), "u": CONV["u"], **NORM},
        (1, 8),
    ),
    "factors by channel": (
        [("Conv", "x w", {}), ("Relu", "v0", {}), ("Mul", "v1 k", {}), ("Conv", "v2 u", {})],
        {**CONV, "k": reals(4, 1, 1)},
        (1, 3, 6, 6),
    ),
    "dense on a sequence": (
        [
            ("MatMul", "x w", {}),
            ("Add", "v0 b", {}),
            ("Relu", "v1", {}),
            ("MatMul", "v2 u", {}),
            ("ReduceMax", "v3 axes", {"keepdims": 0}),
        ],
        {"w": reals(8, 6), "b": reals(6), "u": reals(6, 4), "axes": np.array([1])},
        (1, 5, 8),
    ),
    "transposed convolution": (
        [
            ("Conv", "x w", {}),
            ("Relu", "v0", {}),
            ("ConvTranspose", "v1 t", {"strides": [2, 2]}),
        ],
        {**CONV, "t": reals(4, 3, 2, 2)},
        (1, 3, 6, 6),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_float_network_is_quantised_and_computes_what_onnxruntime_does(name: str) -> None:
    nodes, constants, shape = NETWORKS[name]
    used = {operand for _, operands, _ in nodes for operand in operands.split()}
    model = network(nodes, {k: v for k, v in constants.items() if k in used}, shape)
    samples = {"x": reals(12, *shape[1:])}
    reading = assert_reads(calibrate(model, samples), samples)
    assert reading.bound is not None and reading.different <= 2
