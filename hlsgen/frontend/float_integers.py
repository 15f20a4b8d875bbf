"""The integers that stand for tensors of floats of few bits, as values of a model that ONNX Runtime runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlsgen.frontend.tensors import data_type_of
from hlsgen.ops.float_tensors import SMALL_FLOATS
from hlsgen.ops.qonnx import integers_name
from hlsgen.ops.tensor_type import Element

if TYPE_CHECKING:
    import onnx


def with_float_integers(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a value ``integers_name(y)`` for every float tensor y of few bits that a QuantizeLinear or Cast gives; the same object
    where there are none."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    elements = _elements(model)
    if not elements:
        return model
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        nodes.append(node)
        result = node.output[0] if node.output else ""
        if (element := elements.get(result)) is None:
            continue
        steps = np.array(1.0 / SMALL_FLOATS[element].step, np.float32)
        wide, number = f"{result}_float32", f"{result}_steps"
        nodes += [
            helper.make_node("Constant", [], [number], value=numpy_helper.from_array(steps)),
            helper.make_node("Cast", [result], [wide], to=TensorProto.FLOAT),
            helper.make_node("Mul", [wide, number], [integers_name(result)]),
        ]
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.graph.node[:]
    changed.graph.node.extend(nodes)
    return changed


def with_bounds_removed(model: onnx.ModelProto) -> frozenset[str]:
    """The integers of those float tensors of few bits in front of whose QuantizeLinear ONNX Runtime's optimiser removes a Relu or Clip, as if they
    were bytes whose least number is the zero point (seen in 1.32)."""
    elements = _elements(model)
    producers = {value: node.op_type for node in model.graph.node for value in node.output}
    return frozenset(
        integers_name(node.output[0])
        for node in model.graph.node
        if node.op_type == "QuantizeLinear" and node.output[0] in elements
        if producers.get(node.input[0]) in ("Relu", "Clip")
    )


def _elements(model: onnx.ModelProto) -> dict[str, Element]:
    """The element type of every float tensor of few bits that a QuantizeLinear or Cast gives."""
    numbers = {data_type_of(element): element for element in SMALL_FLOATS}
    types = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    types |= {
        node.output[0]: attribute.t.data_type
        for node in model.graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    }
    given = {n.output[0]: _result_type(n, types) for n in model.graph.node if n.output}
    return {value: numbers[number] for value, number in given.items() if number in numbers}


def _result_type(node: onnx.NodeProto, types: dict[str, int]) -> int:
    """ONNX's number of the type of what a QuantizeLinear or Cast gives; 0 of other nodes, and where nothing says it."""
    numbers = {attribute.name: attribute.i for attribute in node.attribute}
    if node.op_type == "Cast":
        return numbers.get("to", 0)
    if node.op_type != "QuantizeLinear":
        return 0
    zero = node.input[2] if len(node.input) > 2 else ""
    return types.get(zero, numbers.get("output_dtype", 0))
