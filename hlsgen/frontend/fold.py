"""Nodes on constants alone that hlsgen has no operator for, above all arithmetic on shapes: ONNX's own reference computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlsgen.frontend.node_source import NodeSource
from hlsgen.frontend.tensors import element_of
from hlsgen.graph.builder import GraphBuilder
from hlsgen.ops.limits import LARGEST_TENSOR
from hlsgen.ops.tensor_type import storage

if TYPE_CHECKING:
    from hlsgen.ops.tensor_type import Element

FEW = 1 << 10
"""Elements of an operand up to which it is taken for a shape or its like."""


def fold(build: GraphBuilder, source: NodeSource) -> bool:
    """Defines the results of a node whose operands are all known integers or truths, few of them; whether it did."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    names = [value for value in source.node.input if value]
    arrays = [build.known(value) for value in names]
    elements: list[Element] = [
        build.types[value].element for value in names if value in build.types
    ]
    known = [a for a in arrays if a is not None and a.size <= FEW]
    if not names or source.domain or len(known) != len(names) or len(elements) != len(names):
        return False
    kinds = [_native(e) for e in elements]
    outputs = [value for value in source.node.output if value]
    tensors = [
        onnx.numpy_helper.from_array(np.asarray(array).astype(kind), name)
        for array, kind, name in zip(known, kinds, names, strict=True)
    ]
    results = [onnx.helper.make_empty_tensor_value_info(value) for value in outputs]
    graph = onnx.helper.make_graph([source.node], "folded", [], results, tensors)
    opset = onnx.helper.make_opsetid("", source.opset)
    try:
        model = onnx.helper.make_model(graph, opset_imports=[opset])
        folded = [np.asarray(result) for result in ReferenceEvaluator(model).run(None, {})]
        types = [onnx.helper.np_dtype_to_tensor_dtype(array.dtype) for array in folded]
    except Exception:  # of any kind: the node is refused as it was
        return False
    if sum(array.size for array in folded) > min(LARGEST_TENSOR, FEW * FEW):
        return False
    for value, array, number in zip(outputs, folded, types, strict=True):
        element = element_of(number, source.where)
        build.constant(value, array.astype(storage(element)), element)
    return True


def _native(element: Element) -> np.dtype:
    """The NumPy type of an ONNX tensor of this element type."""
    import onnx

    from hlsgen.frontend.tensors import data_type_of

    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(data_type_of(element)))
