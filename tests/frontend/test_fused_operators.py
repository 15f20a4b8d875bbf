"""Operators that ONNX Runtime's optimiser and quantiser write are taken apart into ONNX's own, with the same results."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from hlsgen.errors import UnsupportedOp
from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.model_file import load_whole
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.quantisation_error import quantisation_errors
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer

RANDOM = np.random.default_rng(7)
U8, S8, F32 = np.uint8, np.int8, np.float32


def reals(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(F32)


def integers(kind: Any, *shape: int, most: int = 60) -> np.ndarray:
    low = 0 if kind == U8 else -most
    return RANDOM.integers(low, most + 1, shape).astype(kind)


def step(scale: float, zero: int, kind: Any = U8) -> list[np.ndarray]:
    return [np.array(scale, F32), np.array(zero, kind)]


def model_of(
    op: str,
    x: np.ndarray,
    constants: list[np.ndarray | None],
    first: int = 1,
    attributes: dict[str, Any] | None = None,
    results: int = 1,
    opset: int = 14,
) -> onnx.ModelProto:
    """A node whose operand x stands after ``first - 1`` of the constants."""
    names = [f"c{k}" if c is not None else "" for k, c in enumerate(constants)]
    operands = [*names[: first - 1], "x", *names[first - 1 :]]
    outputs = ["y", *("" for _ in range(results - 2)), *(["last"] if results > 1 else [])]
    node = helper.make_node(op, operands, outputs, "fused", domain="com.microsoft")
    node.attribute.extend(helper.make_attribute(k, v) for k, v in (attributes or {}).items())
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    graph = helper.make_graph(
        [node],
        "net",
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_empty_tensor_value_info(name) for name in outputs if name],
        [numpy_helper.from_array(c, f"c{k}") for k, c in enumerate(constants) if c is not None],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def outputs(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    return [np.asarray(array) for array in session.run(None, {"x": x})]


def activated(name: str, *parameters: float) -> dict[str, Any]:
    return {"activation": name} | ({"activation_params": parameters} if parameters else {})


IMAGE, ROWS = (1, 3, 6, 6), (1, 5, 8)
WEIGHTS = [(4, 3, 3, 3), (4,)]
REALS: dict[str, tuple[Any, ...]] = {
    "conv and relu": ("FusedConv", IMAGE, WEIGHTS, activated("Relu")),
    "conv and clip": ("FusedConv", IMAGE, WEIGHTS, activated("Clip", -0.3, 0.9)),
    "conv and leaky relu": ("FusedConv", IMAGE, WEIGHTS, activated("LeakyRelu", 0.2)),
    "conv, addend and relu": ("FusedConv", IMAGE, [*WEIGHTS, (1, 4, 4, 4)], activated("Relu")),
    "gemm and tanh": ("FusedGemm", (1, 8), [(4, 8), (4,)], {"transB": 1} | activated("Tanh")),
    "matmul of a transposed matrix": ("FusedMatMul", ROWS, [(4, 8)], {"transB": 1, "alpha": 0.5}),
    "sum and norm": ("SkipLayerNormalization", ROWS, [ROWS, (8,), (8,), (8,)], {}),
    "norm without offset": ("SkipLayerNormalization", ROWS, [ROWS, (8,)], {"epsilon": 1e-3}),
    "sum and rms norm": ("SkipSimplifiedLayerNormalization", ROWS, [ROWS, (8,), (8,)], {}),
    "bias and gelu": ("BiasGelu", ROWS, [(8,)], {}),
    "bias and fast gelu": ("FastGelu", ROWS, [(8,)], {}),
}


@pytest.mark.parametrize("case", REALS)
def test_a_fused_operator_on_reals_has_the_results_of_its_parts(case: str) -> None:
    op, shape, constants, attributes = REALS[case]
    x = reals(*shape)
    model = model_of(op, x, [reals(*c) for c in constants], 1, attributes)
    parts = load_whole(model)
    assert op not in [node.op_type for node in parts.graph.node] or op == "FastGelu"
    np.testing.assert_allclose(outputs(parts, x)[0], outputs(model, x)[0], rtol=2e-4, atol=2e-5)


def test_the_sum_in_front_of_a_norm_stays_a_result() -> None:
    x = reals(*ROWS)
    constants = [reals(*ROWS), reals(8), reals(8)]
    model = model_of("SkipLayerNormalization", x, [*constants], results=4)
    for got, want in zip(outputs(load_whole(model), x), outputs(model, x), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


LAST = (1, 6, 5, 4)
POOL = {"kernel_shape": [2, 2], "strides": [2, 2]}
KERNELS = [*step(0.02, 128), integers(S8, 5, 4, 3, 3), *step(0.01, 0, S8), *step(0.05, 120)]
MASK = np.tril(np.ones((5, 4), bool))[None, None]
INTEGERS: dict[str, tuple[Any, ...]] = {
    "maximum": ("NhwcMaxPool", 1, [], POOL),
    "convolution": ("QLinearConv", 1, KERNELS, {"channels_last": 1}),
    "mean": (
        "QLinearAveragePool",
        1,
        [*step(0.02, 128), *step(0.013, 120)],
        {"channels_last": 1} | POOL,
    ),
    "mean of all": (
        "QLinearGlobalAveragePool",
        1,
        [*step(0.02, 128), *step(0.013, 120)],
        {"channels_last": 1},
    ),
    "choice": (
        "QLinearWhere",
        2,
        [MASK, *step(0.02, 120), integers(U8, 1, 6, 5, 4), *step(0.03, 100), *step(0.04, 90)],
        {},
    ),
}


@pytest.mark.parametrize("case", INTEGERS)
def test_a_fused_operator_on_integers_is_a_circuit_with_its_results(case: str) -> None:
    op, first, constants, attributes = INTEGERS[case]
    x = RANDOM.integers(0, 120, LAST).astype(U8)
    model = model_of(op, x, constants, first, attributes)
    integer = to_integer(read_model(model))
    assert not integer.host_before.nodes and not integer.host_after.nodes
    (results,) = evaluate(integer.hardware, {"x": x}).values()
    assert np.array_equal(results, outputs(model, x)[0])


def test_a_choice_between_two_computed_operands_is_a_move() -> None:
    x = integers(U8, 1, 6, 5, 4, most=255)
    names = ["m", "x", "s", "z", "y", "s", "z", "t", "z"]
    arrays = {"m": MASK, "s": np.array(0.02, F32), "z": np.array(3, U8), "t": np.array(0.03, F32)}
    graph = helper.make_graph(
        [
            helper.make_node("Transpose", ["x"], ["w"], perm=[0, 2, 1, 3]),
            helper.make_node("Transpose", ["w"], ["v"], perm=[0, 2, 1, 3]),
            helper.make_node("MaxPool", ["v"], ["y"], kernel_shape=[1, 3], pads=[0, 1, 0, 1]),
            helper.make_node("QLinearWhere", names, ["out"], domain="com.microsoft"),
        ],
        "net",
        [helper.make_tensor_value_info("x", onnx.TensorProto.UINT8, x.shape)],
        [helper.make_tensor_value_info("out", onnx.TensorProto.UINT8, x.shape)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    opsets = [helper.make_opsetid("", 14), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    integer = to_integer(read_model(model))
    (results,) = evaluate(integer.hardware, {"x": x}).values()
    assert np.array_equal(results, outputs(model, x)[0])


def test_an_optimised_transformer_layer_is_quantised() -> None:
    x = reals(1, 5, 8)
    constants = [reals(1, 5, 8), np.ones(8, F32), np.zeros(8, F32)]
    model = model_of("SkipLayerNormalization", x, [*constants])
    weights = numpy_helper.from_array(reals(8, 4), "weights")
    model.graph.initializer.append(weights)
    model.graph.node.append(helper.make_node("MatMul", ["y", "weights"], ["z"]))
    model.graph.output[0].name = "z"
    samples = {"x": reals(20, 5, 8)}
    integer = to_integer(read_model(calibrate(model, samples)))
    assert "QuantisedNorm" in [node.op.name for node in integer.hardware.nodes]
    (error,) = quantisation_errors(load_whole(model), integer, samples, None)
    assert error.relative < 0.03


def test_a_scale_that_each_sample_decides_is_refused_with_the_remedy() -> None:
    constants = [integers(S8, 8, 4), *step(0.01, 0, S8)]
    model = model_of("DynamicQuantizeMatMul", reals(1, 8), [*constants])
    with pytest.raises(UnsupportedOp, match="takes from each sample\nQuantise the model static"):
        read_model(model)


def test_a_layout_for_one_processor_is_refused_with_the_level_that_is_read() -> None:
    x = reals(1, 8, 6, 6)
    model = model_of("Conv", x, [reals(8, 8, 3, 3)])
    model.graph.node[0].domain = "com.microsoft.nchwc"
    with pytest.raises(UnsupportedOp, match="at level extended"):
        read_model(model)
