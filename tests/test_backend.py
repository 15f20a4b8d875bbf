"""hlsgen as a backend of ONNX: what it runs, on which devices, and what it refuses."""

from __future__ import annotations

import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from benchmarks.conformance import outcomes
from hlsgen.backend import HlsgenBackend, prepare, run_model, run_node, supports_device
from hlsgen.errors import BadOption, HlsgenError, TypeMismatch, UnsupportedOp

FLOATS = np.array([[1.5, -2.0, 0.25]], np.float32)


def model(*nodes: onnx.NodeProto, kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """A model of x [1, 3] and y."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", kind, [1, 3])],
        [helper.make_empty_tensor_value_info("y")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def test_a_model_runs_on_its_inputs() -> None:
    (y,) = run_model(model(helper.make_node("Relu", ["x"], ["y"])), [FLOATS])
    assert y.dtype == np.float32 and y.tolist() == [[1.5, 0.0, 0.25]]


def test_a_node_runs_by_itself_and_gives_all_its_results() -> None:
    node = helper.make_node("TopK", ["x", "k"], ["values", "places"], axis=1)
    values, places = run_node(node, [FLOATS, np.array([2])])
    assert values.tolist() == [[1.5, 0.25]] and places.tolist() == [[0, 2]]
    assert places.dtype == np.int64


def test_a_result_that_is_not_asked_for_is_not_given() -> None:
    (places,) = run_node(
        helper.make_node("TopK", ["x", "k"], ["", "places"]), [FLOATS, np.array([1])]
    )
    assert places.tolist() == [[0]]


def test_an_operand_may_be_missing_among_others() -> None:
    hidden, x = 2, np.ones((1, 1, 3), np.float32)
    w, r = np.ones((1, 8, 3), np.float32), np.zeros((1, 8, hidden), np.float32)
    state = np.full((1, 1, hidden), 0.5, np.float32)
    node = helper.make_node("LSTM", ["x", "w", "r", "", "", "h"], ["", "last"], hidden_size=hidden)
    (last,) = run_node(node, [x, w, r, state])
    cell = np.tanh(3) / (1 + np.exp(-3.0))
    assert np.allclose(last, np.tanh(cell) / (1 + np.exp(-3.0)), atol=1e-6)
    with pytest.raises(UnsupportedOp, match="a missing operand"):
        run_node(helper.make_node("Add", ["", "x"], ["y"]), [FLOATS])


def test_devices_are_those_of_this_machine() -> None:
    assert supports_device("CPU") and not supports_device("TPU")
    with pytest.raises(BadOption, match="found 'TPU'"):
        prepare(model(helper.make_node("Relu", ["x"], ["y"])), "TPU")


def test_inputs_that_do_not_fit_are_refused() -> None:
    relu = prepare(model(helper.make_node("Relu", ["x"], ["y"])))
    with pytest.raises(TypeMismatch, match="expected 1 inputs, found 2"):
        relu.run([FLOATS, FLOATS])
    with pytest.raises(UnsupportedOp, match="expected a tensor, found list"):
        relu.run([[1, 2]])


def test_text_and_graphs_are_refused_by_name() -> None:
    text = model(helper.make_node("Identity", ["x"], ["y"]), kind=TensorProto.STRING)
    with pytest.raises(UnsupportedOp, match="input x"):
        prepare(text).run([np.array([["a", "b", "c"]])])
    body = helper.make_graph([], "body", [], [])
    node = helper.make_node("Relu", ["x"], ["y"], name="r", body=body)
    with pytest.raises(UnsupportedOp, match="node r"):
        prepare(model(node)).run([FLOATS])


def test_no_other_runtime_computes_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("onnxruntime", "onnx.reference"):
        monkeypatch.setitem(sys.modules, name, None)
    softmax = model(helper.make_node("Softmax", ["x"], ["y"]))
    (y,) = HlsgenBackend.run_model(softmax, [FLOATS])
    assert np.allclose(y, np.exp(FLOATS) / np.exp(FLOATS).sum())


def test_the_official_cases_pass_or_are_refused_with_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also without ONNX's own reference, which only folds arithmetic on shapes that hlsgen has no operator for."""
    monkeypatch.setattr("onnx.reference.ReferenceEvaluator", None)
    results = list(outcomes("CPU"))
    failed = {one.case: one.reason for one in results if one.verdict == "failed"}
    assert failed.keys() <= HALF_PRECISION, failed
    assert all(one.reason for one in results if one.verdict == "refused")
    core = [one for one in results if one.core]
    assert sum(one.verdict == "passed" for one in core) >= LEAST_CORE
    assert sum(one.verdict == "passed" for one in results) >= LEAST


HALF_PRECISION = {"test_attention_4d_causal_fp16_expanded"}
"""The Softmax of this case is computed in float32 and rounded once, where ONNX's own rounds to float16 after each step: 2 of 192 elements
differ by one unit in the last place, more than the suite allows."""
LEAST, LEAST_CORE = 1600, 615


@pytest.mark.slow
def test_quantised_cases_pass_as_simulated_circuits() -> None:
    results = list(outcomes("RTL", "test_(qlinearconv|matmulinteger|maxpool_2d_uint8)_"))
    assert [(one.case, one.verdict) for one in results] == [
        ("test_matmulinteger", "passed"),
        ("test_maxpool_2d_uint8", "passed"),
        ("test_qlinearconv", "passed"),
    ]


def test_refusals_have_three_lines() -> None:
    with pytest.raises(HlsgenError) as refused:
        run_node(helper.make_node("StringConcat", ["x", "x"], ["y"], name="s"), [FLOATS])
    assert len(str(refused.value).splitlines()) == 3 and "node s" in str(refused.value)


def test_a_model_without_inputs_is_refused_as_a_circuit() -> None:
    node = helper.make_node(
        "Constant", [], ["y"], value=onnx.numpy_helper.from_array(np.ones(3, np.float32))
    )
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])
    model = helper.make_model(helper.make_graph([node], "constant", [], [result]))
    np.testing.assert_array_equal(prepare(model).run([])[0], np.ones(3))
    with pytest.raises(UnsupportedOp, match="found outputs that are constants"):
        prepare(model, device="RTL").run([])


def test_reals_pass_as_simulated_circuits() -> None:
    """A sample of one; the other below is slow."""
    (case,) = outcomes("RTL", "^test_leakyrelu_cpu$")
    assert (case.case, case.verdict) == ("test_leakyrelu", "passed"), case.reason


@pytest.mark.slow
def test_a_sample_of_all_kinds_of_operators_passes_as_simulated_circuits() -> None:
    names = (
        *("relu", "add_bcast", "and2d", "argmax_keepdims_example", "averagepool_2d_default"),
        *("basic_conv_with_padding", "concat_1d_axis_0", "gelu_default_1", "gemm_all_attributes"),
        *("reduce_l2_keepdims_example", "softmax_example", "sqrt", "transpose_default", "top_k"),
        *("layer_normalization_2d_axis1", "reciprocal_example", "matmul_2d", "where_example"),
    )
    results = list(outcomes("RTL", f"^test_({'|'.join(names)})_cpu$"))
    assert len(results) == len(names)
    assert {one.case: one.reason for one in results if one.verdict != "passed"} == {}
