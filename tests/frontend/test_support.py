"""What ``hlsgen check`` says of every node, and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.quantised_models import QuantisedModel, conv_model

from hlsgen.errors import HlsgenError, TypeMismatch, UnsupportedOp
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.support import support
from hlsgen.passes import to_integer


def float_model(*last: onnx.NodeProto) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        *last,
    ]
    return helper.make_model(
        helper.make_graph(
            nodes,
            "float",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 6, 6])],
            [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
            [numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )


def test_a_float_model_is_judged_as_if_calibrated() -> None:
    rows = support(float_model(helper.make_node("Softmax", ["r"], ["s"], name="soft")))
    assert [row.where for row in rows] == ["hardware after quantisation"] * 2 + ["host"]


def test_a_float_model_is_judged_with_the_samples_given() -> None:
    rows = support(float_model(), {"x": np.ones((2, 1, 6, 6), np.float32)})
    assert {row.where for row in rows} == {"hardware after quantisation"}
    with pytest.raises(TypeMismatch):
        support(float_model(), {"x": np.ones((2, 1, 5, 6), np.float32)})


def test_one_unknown_operator_leaves_the_others_supported() -> None:
    rows = support(float_model(helper.make_node("Relux", ["r"], ["s"], name="odd")))
    assert [row.where for row in rows] == ["supported", "supported", "unsupported"]
    assert "nearest are Relu" in rows[2].reason


def test_a_float_model_without_samples_is_told_what_to_do() -> None:
    with pytest.raises(UnsupportedOp, match="--calibrate"):
        to_integer(read_model(float_model()))


def average_pool() -> onnx.ModelProto:
    model = QuantisedModel((1, 2, 6, 6), "u8")
    x = model.dequantize("x", 0.1, 3, "u8")
    pooled = model.node(
        "AveragePool",
        x,
        kernel_shape=[2, 2],
        strides=[2, 2],
        pads=[1, 1, 0, 0],
        ceil_mode=1,
        count_include_pad=1,
    )
    return model.finish(model.quantize(pooled, 0.1, 3, "u8"))


def test_a_refused_average_pool_of_a_quantised_model_says_why_and_not_calibrate() -> None:
    with pytest.raises(UnsupportedOp, match="beyond padding that counts") as caught:
        to_integer(read_model(average_pool()))
    assert "--calibrate" not in str(caught.value) and "AveragePool" in str(caught.value)
    rows = {row.operator: row for row in support(average_pool())}
    assert rows["AveragePool"].where == "unsupported"
    assert "beyond padding that counts" in rows["AveragePool"].reason


def test_a_constant_output_is_refused_rather_than_lost() -> None:
    model = conv_model("u8", False)[0]
    constant = next(t.name for t in model.graph.initializer if len(t.dims) == 4)
    model.graph.output.append(onnx.ValueInfoProto(name=constant))
    with pytest.raises(UnsupportedOp, match="found a constant"):
        to_integer(read_model(model))


@pytest.mark.parametrize("operator", ["Add", "Mul"])
def test_a_constant_that_makes_several_samples_of_one_is_refused(operator: str) -> None:
    model = float_model(helper.make_node(operator, ["r", "two"], ["s"], name="wide"))
    two = numpy_helper.from_array(np.ones((2, 1, 1, 1), np.float32), "two")
    model.graph.initializer.append(two)
    with pytest.raises(
        TypeMismatch, match=r"node wide \(.*\)\nexpected a result for the batch of 1"
    ):
        read_model(model)


@pytest.mark.parametrize("model", [None, 5, b"net.onnx", ["net.onnx"]])
def test_what_is_not_a_model_is_refused(model: object, tmp_path: Path) -> None:
    with pytest.raises(HlsgenError, match="path of an ONNX file"):
        read_model(model)  # type: ignore[arg-type]
