"""Operators without a form on integers, taken apart before a float model is quantised: the parts mean the same, and become hardware."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper, version_converter

from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.decomposed import RULES, with_decomposed_operators
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer

VECTOR, MAP = [1, 8], [1, 4, 6, 6]
Case = tuple[str, list[int], dict[str, Any], tuple[Any, ...]]
"""Operator, shape of x, attributes, constant operands."""


def i64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


SEQUENCE = [1, 5, 8]


def weights(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(-0.5, 0.5, shape).astype(np.float32)


CASES: dict[str, Case] = {
    "norm of order 2": ("ReduceL2", MAP, {"axes": [2, 3]}, ()),
    "norm that drops its axis": ("ReduceL2", MAP, {"axes": [-3], "keepdims": 0}, ()),
    "logarithm of a sum of powers": ("ReduceLogSumExp", MAP, {"axes": [1], "keepdims": 1}, ()),
    "the same without its axes": ("ReduceLogSumExp", MAP, {"axes": [-1, 2], "keepdims": 0}, ()),
    "LogSoftmax": ("LogSoftmax", VECTOR, {"axis": -1}, ()),
    "LogSoftmax over channels": ("LogSoftmax", MAP, {"axis": 1}, ()),
    "normalised to order 2": ("LpNormalization", MAP, {"axis": 1}, ()),
    "normalised to order 1": ("LpNormalization", VECTOR, {"axis": -1, "p": 1}, ()),
    "LpPool": ("LpPool", MAP, {"kernel_shape": [2, 2], "strides": [2, 2]}, ()),
    "LpPool of order 1 with pads": (
        "LpPool",
        MAP,
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "p": 1},
        (),
    ),
    "GlobalLpPool": ("GlobalLpPool", MAP, {"p": 2}, ()),
    "running sum": ("CumSum", VECTOR, {}, (i64(1),)),
    "running sum back, without itself": ("CumSum", MAP, {"reverse": 1, "exclusive": 1}, (i64(2),)),
    "running sum along channels": ("CumSum", MAP, {"exclusive": 1}, (i64(1),)),
    "upper part": ("Trilu", MAP, {}, (np.array(1),)),
    "lower part": ("Trilu", MAP, {"upper": 0}, ()),
    "mean of three": ("Mean", VECTOR, {}, (f32(*range(8)).reshape(1, 8), f32(1.5))),
    "greatest of three": ("Max", VECTOR, {}, (f32(0.1), f32(*range(-4, 4)).reshape(1, 8))),
    "sum of three": ("Sum", VECTOR, {}, (f32(2), f32(*range(8)).reshape(1, 8))),
    "a dense layer": ("Einsum", SEQUENCE, {"equation": "abc,cd->abd"}, (weights(8, 4),)),
    "heads of a sequence": ("Einsum", SEQUENCE, {"equation": "bsd,dhk->bhsk"}, (weights(8, 2, 3),)),
    "two axes summed": ("Einsum", MAP, {"equation": "nchw, chk -> nwk"}, (weights(4, 6, 5),)),
    "elements at places": ("GatherElements", VECTOR, {"axis": 1}, (i64(1, -1, 3).reshape(1, 3),)),
    "slices at places": ("GatherND", MAP, {}, (i64(0, 3, 0, 1).reshape(2, 2),)),
    "a sequence turned": ("ReverseSequence", MAP, {"batch_axis": 0, "time_axis": 1}, (i64(3),)),
}


def model(case: Case, ends: bool = False) -> onnx.ModelProto:
    """A product or convolution, the operator, and a product of all that it gives; with ``ends`` the operator's result leaves."""
    op, shape, attributes, operands = case
    random = np.random.default_rng(7)
    names = [f"c{k}" for k in range(len(operands))]
    arrays = dict(zip(names, operands, strict=True))
    channels = shape[1]
    arrays["w"] = (random.normal(size=(channels, channels, *(1 for _ in shape[2:]))) / 2).astype(
        "f"
    )
    first = "Conv" if shape[2:] else "MatMul"
    nodes = [
        helper.make_node(first, ["x", "w"], ["a"], "first"),
        helper.make_node(op, ["a", *names], ["b"], "middle", **attributes),
    ]
    if not ends:
        size = int(np.prod(run(model(case, ends=True), np.zeros(shape, "f")).shape))
        arrays["last"] = (random.normal(size=(size, 3)) / np.sqrt(size)).astype("f")
        arrays["flat"] = i64(1, size)
        nodes.append(helper.make_node("Reshape", ["b", "flat"], ["f"], "reshape"))
        nodes.append(helper.make_node("MatMul", ["f", "last"], ["y"], "product"))
    graph = helper.make_graph(
        nodes,
        "float",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("b" if ends else "y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(proto: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {"x": x})[0])


def samples(shape: list[int], count: int = 24) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(count, *shape[1:])).astype(np.float32)


@pytest.mark.parametrize("name", CASES)
def test_the_parts_mean_what_the_operator_means(name: str) -> None:
    case = CASES[name]
    apart = with_decomposed_operators(onnx.ModelProto.FromString(model(case).SerializeToString()))
    assert all(
        n.op_type != case[0] or len(n.input) == 2 < 2 + len(case[3]) for n in apart.graph.node
    )
    for x in samples(case[1], 5):
        np.testing.assert_allclose(run(apart, x[None]), run(model(case), x[None]), 1e-4, 1e-4)


@pytest.mark.parametrize("name", ["LogSoftmax", "GlobalLpPool"])
def test_the_parts_are_of_the_opset_of_the_model(name: str) -> None:
    """From 18 on, axes are an operand of every reduction."""
    whole = version_converter.convert_version(model(CASES[name]), 18)
    apart = with_decomposed_operators(onnx.ModelProto.FromString(whole.SerializeToString()))
    onnx.checker.check_model(apart)
    x = samples(CASES[name][1], 1)
    np.testing.assert_allclose(run(apart, x), run(whole, x), 1e-4, 1e-4)


@pytest.mark.parametrize("name", CASES)
def test_the_quantised_parts_are_hardware_and_close_to_the_floats(name: str) -> None:
    case = CASES[name]
    given = samples(case[1])
    quantised = calibrate(model(case), {"x": given})
    integer = to_integer(read_model(quantised))
    assert {node.op.name for node in integer.host_after.nodes} <= {"DequantizeLinear", "Reshape"}
    before = evaluate(integer.host_before, {"x": given})
    integers = evaluate(integer.hardware, before)
    reference = ort_reference(quantised, {"x": given}, integer, "unoptimised")
    for value, array in reference.items():
        assert np.abs(integers[value].astype(int) - array.reshape(integers[value].shape)).max() <= 8
    (got,) = evaluate(integer.host_after, integers).values()
    want = np.concatenate([run(model(case), x[None]) for x in given])
    error = np.abs(got.reshape(want.shape) - want).mean() / np.abs(want).mean()
    assert error < 0.2, f"{error:.3f} of the mean result"


@pytest.mark.parametrize("name", ["LogSoftmax", "norm of order 2", "LpPool", "GlobalLpPool"])
def test_at_the_end_it_stays_as_it_is_on_the_host(name: str) -> None:
    case = CASES[name]
    whole = model(case, ends=True)
    assert with_decomposed_operators(whole).graph.node[-1].op_type == case[0]
    given = samples(case[1], 8)
    integer = to_integer(read_model(calibrate(whole, {"x": given})))
    assert case[0] in {node.op.name for node in integer.host_after.nodes}
    graph = read_model(model(case, ends=True))
    (got,) = evaluate(graph, {"x": given}).values()
    want = np.concatenate([run(model(case, ends=True), x[None]) for x in given])
    np.testing.assert_allclose(got.reshape(want.shape), want, 1e-4, 1e-4)


def test_groups_are_normalised_at_the_end_too() -> None:
    scale, bias = f32(1, 2, 0.5, 1.5), f32(0, 0.1, 0.2, -0.3)
    case: Case = ("GroupNormalization", MAP, {"num_groups": 2, "epsilon": 1e-3}, (scale, bias))
    whole = model(case, ends=True)
    whole.opset_import[0].version, whole.ir_version = 21, 10
    apart = with_decomposed_operators(onnx.ModelProto.FromString(whole.SerializeToString()))
    assert "InstanceNormalization" in {node.op_type for node in apart.graph.node}
    x = samples(MAP, 1)
    np.testing.assert_allclose(run(apart, x), run(whole, x), 1e-4, 1e-4)


def test_an_operator_whose_places_are_computed_stays() -> None:
    case: Case = ("CumSum", VECTOR, {}, (i64(1),))
    whole = model(case)
    whole.graph.node.insert(0, helper.make_node("Identity", ["c0"], ["axis"], "computed"))
    middle = next(node for node in whole.graph.node if node.op_type == "CumSum")
    middle.input[1] = "axis"
    assert "CumSum" in {node.op_type for node in with_decomposed_operators(whole).graph.node}


def test_every_rule_has_a_case() -> None:
    tried = {case[0] for case in CASES.values()}
    assert set(RULES) - tried == {
        "GroupNormalization",  # above
        "MeanVarianceNormalization",
        "Min",  # as Max
        "ReduceLogSum",  # of positive sums only; a part of ReduceLogSumExp
    }


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("bhqd,bhkd->bhqk", ([1, 2, 5, 4], [1, 2, 3, 4])),
        ("bhqk,bkhd->bqhd", ([1, 2, 5, 3], [1, 3, 2, 4])),
        ("oc,bsc->bso", ([6, 4], [1, 5, 4])),
        ("bsc,bsc->bs", ([1, 5, 4], [1, 5, 4])),
    ],
)
def test_sums_of_products_are_products_of_matrices(
    equation: str, shapes: tuple[list[int], list[int]]
) -> None:
    node = helper.make_node("Einsum", ["x0", "x1"], ["y"], equation=equation)
    inputs = [
        helper.make_tensor_value_info(f"x{k}", TensorProto.FLOAT, s) for k, s in enumerate(shapes)
    ]
    output = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph([node], "einsum", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    given = {f"x{k}": weights(*shape) for k, shape in enumerate(shapes)}
    (expected,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, given)
    parts = with_decomposed_operators(model)
    assert "MatMul" in {node.op_type for node in parts.graph.node}
    (got,) = onnxruntime.InferenceSession(parts.SerializeToString()).run(None, given)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("equation", ["abc,cd->ab", "aac,cd->ad", "abc,cd", "...c,cd->...d"])
def test_other_sums_of_products_stay_as_they_are(equation: str) -> None:
    shape = [1, 1, 8]
    node = helper.make_node("Einsum", ["x", "w"], ["y"], equation=equation)
    graph = helper.make_graph(
        [node],
        "einsum",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(weights(8, 4), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert [n.op_type for n in with_decomposed_operators(model).graph.node] == ["Einsum"]
