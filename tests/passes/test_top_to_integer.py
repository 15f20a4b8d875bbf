"""TopK between quantised operators: its values are integers of the circuit, equal to ONNX Runtime's in every element."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from hlsgen.flow import compile
from hlsgen.flow_check import check
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.graph.evaluate import evaluate
from hlsgen.ops.select import TopK
from hlsgen.passes import to_integer

TYPES = {np.uint8: TensorProto.UINT8, np.int8: TensorProto.INT8}


def topk_model(
    shape: list[int], axis: int, count: int, kind: Any = np.uint8, scale: float = 0.1, **how: int
) -> onnx.ModelProto:
    """Integers, dequantised; the values of a TopK, quantised with another scale, and those again as reals."""
    constants = {
        "s": np.float32(0.1),
        "t": np.float32(scale),
        "z": kind(3),
        "k": np.array([count], np.int64),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "s", "z"], ["a"]),
        helper.make_node("TopK", ["a", "k"], ["v", "i"], "top", axis=axis, **how),
        helper.make_node("QuantizeLinear", ["v", "t", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "t", "z"], ["y"]),
    ]
    result = [count if k == axis % len(shape) else n for k, n in enumerate(shape)]
    graph = helper.make_graph(
        nodes,
        "topk",
        [helper.make_tensor_value_info("x", TYPES[kind], shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def drawn(shape: list[int], kind: Any, count: int = 8) -> np.ndarray:
    """Samples with equal integers among them, and the least and greatest of the type."""
    info = np.iinfo(kind)
    x = np.random.default_rng(1).integers(info.min, info.max + 1, (count, *shape[1:])) // 16 * 16
    x.reshape(-1)[:2] = info.max, info.min
    return x.clip(info.min, info.max).astype(kind)


CASES: list[tuple[list[int], int, int, dict[str, Any]]] = [
    ([1, 9], 1, 3, {}),
    ([1, 9], -1, 9, {"kind": np.int8}),
    ([1, 4, 5], 1, 2, {"largest": 0, "kind": np.int8}),
    ([1, 3, 2, 6], 3, 4, {"largest": 0}),
    ([1, 7, 3], -2, 1, {"scale": 0.17}),
    ([1, 1], 1, 1, {}),
]


@pytest.mark.parametrize(("shape", "axis", "count", "how"), CASES)
def test_values_are_those_of_onnx_runtime(
    shape: list[int], axis: int, count: int, how: dict[str, Any]
) -> None:
    model = topk_model(shape, axis, count, **how)
    integer = to_integer(read_model(model))
    assert not any(isinstance(node.op, TopK) for node in integer.hardware.nodes)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for x in drawn(shape, how.get("kind", np.uint8)):
        given = {"x": x[None]}
        inner = evaluate(integer.hardware, given)
        (got,) = evaluate(integer.host_after, inner).values()
        np.testing.assert_array_equal(np.asarray(got), session.run(None, given)[0])


def test_more_elements_than_there_are_processes_for_are_refused_by_their_number() -> None:
    (row,) = (row for row in check(topk_model([1, 30], 1, 17)) if row.operator == "TopK")
    assert row.where == "unsupported" and "17 elements, more than 16" in row.reason


def test_the_circuit_gives_the_values(tmp_path: Path) -> None:
    design = compile(topk_model([1, 6], 1, 2), effort="small", output=tmp_path / "design")
    result = design.verify({"x": drawn([1, 6], np.uint8)}, engine="fast")
    assert result.good and "0 different" in result.text().split("ONNX Runtime")[1], result.text()
