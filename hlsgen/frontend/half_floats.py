"""Models in float16: read as the same model in float32, which holds all their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx


def in_float32(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with float32 in the place of float16 where it takes float16 inputs; the same object where it does not, and where numbers of its
    weights are in another file."""
    import onnx
    from onnx import TensorProto

    half, single = TensorProto.FLOAT16, TensorProto.FLOAT
    if not any(value.type.tensor_type.elem_type == half for value in model.graph.input):
        return model
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    tensors = [*graph.initializer]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                tensors.append(attribute.t)
            elif attribute.name in ("to", "dtype", "output_dtype") and attribute.i == half:
                attribute.i = single
    if any(t.data_type == half and t.data_location == t.EXTERNAL for t in tensors):
        return model
    _widen(t for t in tensors if t.data_type == half)
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type == half:
            value.type.tensor_type.elem_type = single
    return changed


def _widen(tensors: Iterable[onnx.TensorProto]) -> None:
    from onnx import numpy_helper

    for tensor in tensors:
        array = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
