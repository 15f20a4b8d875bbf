"""Masks of attention, as exporters write them, leave steps for the scores that they do not mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.fixed_point import in_fixed_point
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.quantisation_error import quantisation_errors
from hlsgen.passes import to_integer

STEPS, WIDTH = 5, 8
LATER = np.triu(np.ones((STEPS, STEPS), bool), 1)


def added(value: float) -> Callable[[str], tuple[onnx.NodeProto, np.ndarray]]:
    """An Add of a number where a step is masked."""

    def node(scores: str) -> tuple[onnx.NodeProto, np.ndarray]:
        mask = np.where(LATER, np.float32(value), np.float32(0))
        return helper.make_node("Add", [scores, "mask"], ["masked"]), mask

    return node


def chosen(scores: str) -> tuple[onnx.NodeProto, np.ndarray]:
    """As ``masked_fill`` of PyTorch."""
    return helper.make_node("Where", ["mask", "infinite", scores], ["masked"]), LATER[None]


MASKS: dict[str, Any] = {
    "minus infinity": added(-np.inf),
    "ten thousand": added(-10000.0),
    "the least float32": added(float(np.finfo(np.float32).min)),
    "a choice": chosen,
}


def attention(mask: Callable[[str], tuple[onnx.NodeProto, np.ndarray]]) -> onnx.ModelProto:
    random = np.random.default_rng(2)
    node, array = mask("scores")
    arrays = {k: random.normal(0, 0.4, (WIDTH, WIDTH)).astype(np.float32) for k in "qkvo"}
    arrays |= {"mask": array, "infinite": np.array(-np.inf, np.float32)}
    nodes = [helper.make_node("MatMul", ["x", k], [f"x{k}"]) for k in "qkv"]
    nodes += [
        helper.make_node("Transpose", ["xk"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["xq", "turned"], ["scores"]),
        node,
        helper.make_node("Softmax", ["masked"], ["shares"], axis=-1),
        helper.make_node("MatMul", ["shares", "xv"], ["mixed"]),
        helper.make_node("MatMul", ["mixed", "o"], ["y"]),
    ]
    shape = [1, STEPS, WIDTH]
    graph = helper.make_graph(
        nodes,
        "attention",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def samples() -> dict[str, np.ndarray]:
    shape = (20, STEPS, WIDTH)
    return {"x": np.random.default_rng(3).normal(size=shape).astype(np.float32)}


@pytest.mark.parametrize("mask", MASKS)
def test_a_masked_attention_that_is_quantised_is_as_near_as_one_without_mask(mask: str) -> None:
    model = attention(MASKS[mask])
    integer = to_integer(read_model(calibrate(model, samples())))
    (error,) = quantisation_errors(model, integer, samples(), None)
    assert error.relative < 0.03
    assert "QuantisedSoftmax" in [node.op.name for node in integer.hardware.nodes]


@pytest.mark.parametrize("mask", MASKS)
def test_a_masked_attention_in_fixed_point_is_near_to_floats(mask: str) -> None:
    model = attention(MASKS[mask])
    _, (error,) = in_fixed_point(read_model(model), model, samples(), 16)
    assert error.relative < 0.005
