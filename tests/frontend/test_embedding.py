"""Networks that begin with an embedding take integers, and are quantised all the same: the host looks the rows up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from support.stateful_models import FloatModel

from hlsgen.errors import TypeMismatch, UnsupportedOp
from hlsgen.flow import compile
from hlsgen.flow_check import check
from hlsgen.frontend.calibrate import calibrate

ROWS = 20


def embedding(kind: int = TensorProto.INT64) -> onnx.ModelProto:
    """Rows of five numbers, a layer, and their mean."""
    build = FloatModel("embedding")
    source = "ids"
    if kind == TensorProto.INT32:  # as tf2onnx writes it
        source = build.node("Cast", ["ids"], "wide", to=TensorProto.INT64)
    build.node("Gather", [build.weights(ROWS, 6), source], "rows")
    build.node("MatMul", ["rows", build.weights(6, 4)], "product")
    build.node("Relu", ["product"], "active")
    build.node("ReduceMean", ["active"], "y", axes=[1], keepdims=0)
    model = build.finish({"ids": [1, 5]}, {"y": [1, 4]})
    model.graph.input[0].type.tensor_type.elem_type = kind
    return model


def numbers(low: int = 0, high: int = ROWS, kind: type = np.int64) -> dict[str, np.ndarray]:
    return {"ids": np.random.default_rng(3).integers(low, high, (24, 5)).astype(kind)}


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
def test_the_rows_of_an_embedding_enter_the_circuit(kind: int, tmp_path: Path) -> None:
    model, samples = embedding(kind), numbers(kind=onnx.helper.tensor_dtype_to_np_dtype(kind).type)
    rows = {row.operator: row.where for row in check(model)}
    assert rows["Gather"] == "host" and rows["MatMul"] == "hardware after quantisation"
    path = tmp_path / "samples.npz"
    np.savez(path, **samples)  # type: ignore[arg-type]
    design = compile(model, calibrate=path, effort="small", output=tmp_path / "design")
    result = design.verify(samples, engine="fast")
    assert result.good and "ONNX Runtime (default session): 0 different" in result.text()
    assert "adds reals" not in result.text(), "an embedding adds nothing"


def test_numbers_of_no_row_are_refused() -> None:
    with pytest.raises(UnsupportedOp, match="out of data bounds"):
        calibrate(embedding(), numbers(high=ROWS + 1))


def test_integers_that_choose_nothing_are_no_input_of_a_float_model() -> None:
    model = embedding(TensorProto.INT32)
    model.graph.node.append(onnx.helper.make_node("Add", ["ids", "ids"], ["twice"], "twice"))
    model.graph.input.append(onnx.helper.make_tensor_value_info("more", TensorProto.INT32, [1, 5]))
    model.graph.node[-1].input[1] = "more"
    model.graph.output.append(
        onnx.helper.make_tensor_value_info("twice", TensorProto.INT32, [1, 5])
    )
    samples = numbers(kind=np.int32)
    with pytest.raises(TypeMismatch, match="expected a float model"):
        calibrate(model, samples | {"more": samples["ids"]})
