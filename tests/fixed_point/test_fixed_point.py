"""Float graphs in fixed point: how near they are to floats, that hardware has their bits, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hlsgen.dataflow.check import check
from hlsgen.dataflow.interpret import interpret
from hlsgen.errors import TypeMismatch, UnsupportedOp
from hlsgen.fixed_point.convert import prepared, to_fixed_point
from hlsgen.fixed_point.ranges import measured, of_one
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.graph.evaluate import run_once
from hlsgen.graph.ir import Graph
from hlsgen.lowering.lower import lower
from hlsgen.ops.tensor_type import storage
from hlsgen.passes.host_cut import IntegerModel

Arrays = Mapping[str, np.ndarray]
RANDOM = np.random.default_rng(7)
NORMAL = RANDOM.normal(size=(3, 4, 5)).astype(np.float32)
POSITIVE = RANDOM.uniform(0.002, 4, (3, 4, 5)).astype(np.float32)
IMAGE = RANDOM.normal(size=(1, 3, 6, 7)).astype(np.float32)


def graph_of(
    op: str, *arrays: np.ndarray, fixed: int = 10, **attributes: Any
) -> tuple[Graph, Arrays]:
    """A graph of one operator and its inputs; operands from number ``fixed`` on are constants."""
    names = [f"x{k}" for k in range(len(arrays))]
    node = helper.make_node(op, names, ["y"], name="it", **attributes)
    inputs = dict(zip(names[:fixed], arrays[:fixed], strict=True))
    graph = helper.make_graph(
        [node],
        "one",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in inputs.items()
        ],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(a, n) for n, a in zip(names[fixed:], arrays[fixed:], strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=11)
    return read_model(model, inputs), inputs


def converted(graph: Graph, inputs: Arrays, bits: int) -> IntegerModel:
    whole = prepared(graph)
    return to_fixed_point(whole, of_one(whole, inputs), bits)


def results(model: IntegerModel, inputs: Arrays) -> dict[str, Any]:
    given = run_once(model.host_before, inputs)
    passed = {**given, **run_once(model.hardware, given)}
    return run_once(model.host_after, {n: passed[n] for n in model.host_after.inputs})


def same_bits(hardware: Graph) -> None:
    """Asserts that the processes have the meaning of the graph, on one set of random integers of its own shapes."""
    lowered = lower(hardware)
    check(lowered.dataflow)
    given = {}
    for name in hardware.inputs:
        type = hardware.types[name]
        whole = RANDOM.integers(type.integer.minimum, type.integer.maximum + 1, type.shape)
        given[name] = whole.astype(storage(type.element))
    streams = {p.channel: p.to_stream(given[p.value]) for p in lowered.inputs}
    channels = interpret(lowered.dataflow, streams)
    for name, array in run_once(hardware, given).items():
        port = next(p for p in lowered.outputs if p.value == name)
        assert np.array_equal(port.to_tensor(channels[port.channel]).reshape(array.shape), array)


def error(op: str, *arrays: np.ndarray, bits: int, **attributes: Any) -> float:
    """The largest difference from the float meaning, as a part of the result's range."""
    graph, inputs = graph_of(op, *arrays, **attributes)
    model = converted(graph, inputs, bits)
    same_bits(model.hardware)
    reference, result = run_once(graph, inputs)["y"], results(model, inputs)["y"]
    assert result.shape == reference.shape and result.dtype == reference.dtype
    spread = max(float(np.ptp(reference)), float(np.abs(reference).max()), 1e-9)
    return float(np.abs(result.astype(np.float64) - reference).max()) / spread


OF_ONE = (
    *[
        "Relu",
        "Neg",
        "Abs",
        "Sign",
        "Ceil",
        "Floor",
        "Round",
        "Sigmoid",
        "Tanh",
        "Exp",
        "Erf",
        "Sin",
        "Cos",
        "Elu",
        "Selu",
        "Celu",
        "Gelu",
        "Mish",
        "Softplus",
    ],
    *["Softsign", "LeakyRelu", "ThresholdedRelu", "HardSigmoid", "HardSwish", "Identity"],
)


@pytest.mark.parametrize("op", OF_ONE)
def test_functions_of_one_element_are_near_the_float_function(op: str) -> None:
    assert error(op, NORMAL, bits=16) < 2**-11


@pytest.mark.parametrize("op", ["Sqrt", "Log", "Reciprocal"])
def test_functions_that_are_steep_at_0_are_near_too(op: str) -> None:
    assert error(op, POSITIVE, bits=16) < 2**-11
    assert error(op, POSITIVE, bits=24) < 2**-15


def test_the_reciprocal_of_numbers_of_both_signs_has_their_sign() -> None:
    assert error("Reciprocal", NORMAL, bits=24) < 2**-13


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
@pytest.mark.parametrize("shape", [(3, 4, 5), (5,), (4, 1), ()])
def test_operands_broadcast(op: str, shape: tuple[int, ...]) -> None:
    other = RANDOM.uniform(0.5, 2, shape).astype(np.float32)
    assert error(op, NORMAL, other, bits=16) < 2**-11


@pytest.mark.parametrize("op", ["Greater", "LessOrEqual", "Equal"])
def test_comparisons_are_exact(op: str) -> None:
    assert error(op, NORMAL, np.round(NORMAL), bits=24) == 0.0


def test_integers_wrap_as_those_of_the_model() -> None:
    a, b = (RANDOM.integers(-128, 128, (3, 9)).astype(np.int8) for _ in range(2))
    for op in ("Add", "Sub", "Mul"):
        assert error(op, a, b, bits=24) == 0.0


REDUCTIONS = ["Sum", "Mean", "Max", "Min", "L1", "L2", "SumSquare", "Prod", "LogSumExp"]


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axes", [[0], [1], [2], [0, 2]])
def test_reductions_over_any_axes(name: str, axes: list[int]) -> None:
    places = np.array(axes, np.int64)
    assert error(f"Reduce{name}", NORMAL, places, fixed=1, bits=24, keepdims=0) < 2**-14


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_places_of_extremes_are_exact(axis: int) -> None:
    ties = np.round(NORMAL)
    for op in ("ArgMax", "ArgMin"):
        for last in (0, 1):
            assert error(op, ties, bits=24, axis=axis, keepdims=last, select_last_index=last) == 0
    for largest in (0, 1):
        graph, inputs = graph_of("TopK", ties, np.array([2]), fixed=1, axis=axis, largest=largest)
        same_bits(converted(graph, inputs, 24).hardware)
        assert np.array_equal(
            results(converted(graph, inputs, 24), inputs)["y"], run_once(graph, inputs)["y"]
        )


def test_normalisations_and_softmax_are_taken_apart() -> None:
    gain, offset = (RANDOM.normal(size=5).astype(np.float32) for _ in range(2))
    assert error("LayerNormalization", NORMAL, gain, offset, fixed=1, bits=24) < 2**-12
    for op in ("Softmax", "LogSoftmax"):
        for axis in (0, 1, 2):
            assert error(op, NORMAL, bits=24, axis=axis) < 2**-12


def test_cells_are_taken_apart_by_their_meaning() -> None:
    x, hidden = RANDOM.normal(size=(2, 3, 4)).astype(np.float32), 3
    for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
        w, r = (
            RANDOM.normal(0, 0.4, (1, gates * hidden, n)).astype(np.float32) for n in (4, hidden)
        )
        assert error(op, x, w, r, fixed=1, bits=24, hidden_size=hidden) < 2**-12


def test_products_of_computed_matrices() -> None:
    assert error("MatMul", NORMAL, NORMAL.transpose(0, 2, 1).copy(), bits=24) < 2**-18


def test_gemms_of_any_factors_and_biases() -> None:
    a, w, rows = (RANDOM.normal(size=s).astype(np.float32) for s in ((3, 4), (4, 5), (3, 5)))
    for bias in (rows, rows[:1], rows[0], rows[0, :1]):
        assert error("Gemm", a, w, bias, fixed=1, bits=24, alpha=0.3, beta=-1.7) < 2**-18


def test_windows_and_products_with_weights() -> None:
    w, b = RANDOM.normal(size=(4, 3, 3, 3)), RANDOM.normal(size=4)
    weights, bias = w.astype(np.float32), b.astype(np.float32)
    for bits, bound in ((16, 2**-11), (24, 2**-19)):
        assert error("Conv", IMAGE, weights, bias, fixed=1, bits=bits, pads=[1] * 4) < bound
        assert error("MatMul", NORMAL, NORMAL[0].T.copy(), fixed=1, bits=bits) < bound
        assert error("AveragePool", IMAGE, bits=bits, kernel_shape=[2, 3], pads=[1] * 4) < bound
        assert error("MaxPool", IMAGE, bits=bits, kernel_shape=[2, 3], strides=[2, 2]) < bound


def test_moved_elements_keep_their_bits() -> None:
    exact = np.round(NORMAL * 256) / 256
    assert error("Transpose", exact.astype(np.float32), bits=24, perm=[2, 0, 1]) == 0.0
    assert error("Concat", exact, exact[:1], bits=24, axis=0) == 0.0


def test_a_result_that_saturates_is_told_from_one_that_wraps() -> None:
    graph, inputs = graph_of("Mul", NORMAL, NORMAL)
    model = converted(graph, inputs, 16)
    large = {name: 2 * array for name, array in inputs.items()}
    reference, result = run_once(graph, large)["y"], results(model, large)["y"]
    assert np.all(np.abs(result) <= np.abs(reference) + 1e-3)
    assert np.all(result * reference >= 0)


def test_samples_that_are_not_finite_are_refused() -> None:
    graph, inputs = graph_of("Log", NORMAL)
    with pytest.raises(TypeMismatch, match="NaN or infinity"):
        measured(graph, inputs)


def test_an_operator_without_form_is_named_with_the_reason() -> None:
    graph, inputs = graph_of("Conv", IMAGE, IMAGE[:, :, :2, :2].copy())
    with pytest.raises(UnsupportedOp, match=r"node it \(Conv\)[\s\S]*both operands are computed"):
        converted(graph, inputs, 16)
    graph, inputs = graph_of("Pow", POSITIVE, POSITIVE)
    with pytest.raises(UnsupportedOp, match="its exponent is computed"):
        converted(graph, inputs, 16)


def test_a_tensor_without_elements_is_refused() -> None:
    graph, inputs = graph_of("ReduceSum", np.zeros((2, 0, 4), np.float32), np.array([1]), fixed=1)
    with pytest.raises(UnsupportedOp, match="expected a tensor with elements"):
        converted(graph, inputs, 16)


def test_an_output_that_is_constant_is_refused() -> None:
    graph, inputs = graph_of("Shape", NORMAL)
    with pytest.raises(UnsupportedOp, match="found a constant"):
        converted(graph, inputs, 16)


def test_a_relu_becomes_the_bounds_of_the_sum_before() -> None:
    weights = RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["y"]),
    ]
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, IMAGE.shape)
    output = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph(
        nodes, "two", [value], [output], [numpy_helper.from_array(weights, "w")]
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10
    )
    read, inputs = read_model(model, {"x": IMAGE}), {"x": IMAGE}
    integer = converted(read, inputs, 16)
    assert [node.op.name for node in integer.hardware.nodes] == ["Conv", "ShiftRequantise"]
    reference, result = run_once(read, inputs)["y"], results(integer, inputs)["y"]
    assert np.abs(result - reference).max() < 2**-11 * np.ptp(reference)
