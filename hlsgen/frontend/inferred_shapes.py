"""Shapes that onnx does not infer: behind operators of other domains, and of later opsets, that hlsgen reads all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsgen.frontend.onnx_reader import read_model
from hlsgen.ops.tensor_type import F32

if TYPE_CHECKING:
    import onnx

_OF_OPSET_17 = ("LayerNormalization",)
"""Operators that ONNX Runtime's optimiser writes into models of earlier opsets too."""


def with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed in place, with the shapes of its real values, where some of them cannot be inferred by onnx. Raises HlsgenError."""
    from onnx import TensorProto, helper

    foreign = any(
        node.domain not in ("", "ai.onnx") or node.op_type in _OF_OPSET_17
        for node in model.graph.node
    )
    if not foreign:
        return model
    types = read_model(model).types
    outputs = {name for node in model.graph.node for name in node.output}
    known = {value.name for value in (*model.graph.value_info, *model.graph.output)}
    for name in sorted(outputs & types.keys() - known):
        if types[name].element == F32:
            shape = list(types[name].shape)
            value = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            model.graph.value_info.append(value)
    return model
