"""Networks of tables as ONNX models: nodes TableSum, with their meaning as a function of ONNX's own operators, so that ONNX Runtime runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.frontend.model_file import TABLES as DOMAIN
from hlsgen.ops.lowering import SummedTables

if TYPE_CHECKING:
    import onnx

_OPSET = 18


def table_model(name: str, inputs: int, layers: Sequence[SummedTables]) -> onnx.ModelProto:
    """The model of layers one after the other: input ``x`` (1, inputs) of bytes, output ``y`` int32 (1, outputs)."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, initializers, value = [], [], "x"
    for k, layer in enumerate(layers):
        names = [f"layer{k}_selection", f"layer{k}_tables"]
        for constant, array in zip(names, (layer.selection, layer.tables), strict=True):
            initializers.append(numpy_helper.from_array(array.astype(np.int64), constant))
        result = "y" if k == len(layers) - 1 else f"layer{k}_out"
        fields = {
            "bits": layer.bits,
            "offset": layer.offset,
            "low": layer.low,
            "high": layer.high,
        }
        nodes.append(
            helper.make_node(
                "TableSum", [value, *names], [result], f"layer{k}", domain=DOMAIN, **fields
            )
        )
        value = result
    outputs = layers[-1].selection.shape[0]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, inputs])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [1, outputs])],
        initializers,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(DOMAIN, 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=[_meaning()], ir_version=9)
    return model


def _meaning() -> onnx.FunctionProto:
    """TableSum of one sample in ONNX's own operators."""
    from onnx import TensorProto, helper

    nodes: list[onnx.NodeProto] = []

    def node(op_type: str, inputs: Sequence[str], output: str, **fields: object) -> None:
        nodes.append(helper.make_node(op_type, list(inputs), [output], **fields))

    for field in ("bits", "offset", "low", "high"):
        nodes.append(helper.make_node("Constant", [], [field]))
        nodes[-1].attribute.append(_reference("value_int", field))
    for name, number in {"zero": 0, "one": 1, "two": 2}.items():
        node("Constant", [], name, value_int=number)
    for name, numbers in {"axes": [2, 3], "first": [0], "last": [-1], "fan": [2]}.items():
        node("Constant", [], name, value_ints=numbers)
    node("Cast", ["x"], "wide", to=TensorProto.INT64)
    node("Add", ["wide", "offset"], "moved")
    node("Pow", ["two", "bits"], "codes")
    node("Mod", ["moved", "codes"], "code")
    node("Gather", ["code", "selection"], "chosen", axis=1)  # (1, outputs, terms, fan-in)
    node("Shape", ["selection"], "extents")
    node("Gather", ["extents", "two"], "count")
    node("Range", ["zero", "count", "one"], "numbers")
    node("Pow", ["codes", "numbers"], "weights")
    node("Mul", ["chosen", "weights"], "weighted")
    node("ReduceSum", ["weighted", "last"], "index", keepdims=1)
    node("Unsqueeze", ["tables", "first"], "whole")
    node("GatherElements", ["whole", "index"], "found", axis=3)
    node("ReduceSum", ["found", "axes"], "total", keepdims=0)
    node("Max", ["total", "low"], "raised")
    node("Min", ["raised", "high"], "kept")
    node("Cast", ["kept"], "y", to=TensorProto.INT32)
    return helper.make_function(
        DOMAIN,
        "TableSum",
        ["x", "selection", "tables"],
        ["y"],
        nodes,
        [helper.make_opsetid("", _OPSET)],
        attributes=["bits", "offset", "low", "high"],
    )


def _reference(attribute: str, field: str) -> onnx.AttributeProto:
    """An attribute of a node in a function that is the field of the function's own node."""
    import onnx

    reference = onnx.AttributeProto()
    reference.name, reference.ref_attr_name = attribute, field
    reference.type = onnx.AttributeProto.INT
    return reference
