"""Models of opsets before 7 compute what they did, though operators broadcast otherwise then."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hlsgen.errors import UnsupportedOp
from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer

X = np.random.default_rng(2).normal(size=(1, 3, 4, 4)).astype(np.float32)
CHANNELS = np.array([0.5, -2.0, 3.0], np.float32)


def old_model(
    op: str, constants: list[np.ndarray], shape: tuple[int, ...] = X.shape, **attributes: Any
) -> onnx.ModelProto:
    """One operator of x and initializers, which were inputs too in files of that age."""
    tensors = [numpy_helper.from_array(array, f"c{k}") for k, array in enumerate(constants)]
    node = helper.make_node(op, ["x", *(t.name for t in tensors)], ["y"], "it", **attributes)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    inputs += [helper.make_tensor_value_info(t.name, TensorProto.FLOAT, t.dims) for t in tensors]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)]
    graph = helper.make_graph([node], "old", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 6)], ir_version=3)


ROW = CHANNELS[:, None, None]
CASES: list[tuple[str, list[np.ndarray], dict[str, Any], np.ndarray]] = [
    ("Add", [CHANNELS], {"broadcast": 1, "axis": 1}, X + ROW),
    ("Mul", [CHANNELS], {"broadcast": 1, "axis": 1}, X * ROW),
    ("Sub", [np.arange(4, dtype=np.float32)], {"broadcast": 1}, X - np.arange(4)),
    ("Div", [np.full(1, 2.0, np.float32)], {"broadcast": 1}, X / 2),
    ("PRelu", [CHANNELS], {}, np.where(X >= 0, X, X * ROW)),
    ("PRelu", [np.full(1, 0.25, np.float32)], {}, np.where(X >= 0, X, X / 4)),
    (
        "BatchNormalization",
        [CHANNELS, CHANNELS + 1, CHANNELS - 1, np.abs(CHANNELS)],
        {"is_test": 1},
        (X - ROW + 1) / np.sqrt(np.abs(ROW) + 1e-5) * ROW + ROW + 1,
    ),
]


@pytest.mark.parametrize(("op", "constants", "attributes", "want"), CASES)
def test_operands_are_broadcast_as_they_were(
    op: str, constants: list[np.ndarray], attributes: dict[str, Any], want: np.ndarray
) -> None:
    graph = read_model(old_model(op, constants, **attributes))
    (got,) = evaluate(graph, {"x": X}).values()
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-5, atol=1e-6)


def test_an_old_network_is_quantised() -> None:
    model = old_model("PRelu", [CHANNELS])
    quantised = calibrate(model, {"x": np.repeat(X, 4, axis=0)})
    assert to_integer(read_model(quantised)).hardware.nodes


def test_operands_of_unknown_axes_are_refused() -> None:
    model = old_model("Add", [CHANNELS], broadcast=1, axis=1)
    model.graph.node.insert(0, helper.make_node("Unknown", ["x"], ["u"]))
    model.graph.node[1].input[0] = "u"
    with pytest.raises(UnsupportedOp, match="Add that broadcasts u and c0, of unknown axes"):
        read_model(model)


def test_what_onnx_does_not_convert_is_refused() -> None:
    with pytest.raises(UnsupportedOp, match="of opset 6, which onnx does not convert"):
        read_model(old_model("Unknown", []))
