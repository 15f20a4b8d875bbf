"""A float model whose weights are stored as integers: its weights as reals, so that it can be quantised as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.cast import Cast
from hlsgen.ops.host import S32, S64
from hlsgen.ops.move import Gather
from hlsgen.ops.tensor_type import F32

if TYPE_CHECKING:
    import onnx


def computes_on_reals(graph: Graph) -> bool:
    """Whether no node of a graph quantises or dequantises anything but constants."""
    return not any(
        (node.op.place == "border" or node.op.stands_for_integers)
        and node.inputs[0] not in graph.constants
        for node in graph.nodes
    )


def takes_reals(graph: Graph) -> bool:
    """Whether every input of a graph is of reals, or of integers of 32 or 64 bits by which it chooses reals, as those of an embedding."""
    if all(graph.types[name].element == F32 for name in graph.inputs):
        return True
    chosen = {node.inputs[1] for node in graph.nodes if _chooses_reals(graph, node)}
    for node in reversed(graph.nodes):  # through casts and moves of the integers
        if node.output in chosen and (node.op.moves_data or isinstance(node.op, Cast)):
            chosen.add(node.inputs[0])
    types = {name: graph.types[name] for name in graph.inputs}
    return all(
        t.element == F32 or (t.element in (S32, S64) and n in chosen) for n, t in types.items()
    )


def _chooses_reals(graph: Graph, node: Node) -> bool:
    return isinstance(node.op, Gather) and graph.types[node.output].element == F32


def with_float_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed in place, with a real constant for every DequantizeLinear of constants."""
    from onnx import numpy_helper

    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value":
                constants[node.output[0]] = numpy_helper.to_array(attribute.t)
    kept = []
    for node in model.graph.node:
        operands = [constants.get(name) for name in node.input if name]
        reals = None
        if node.op_type == "DequantizeLinear" and all(c is not None for c in operands):
            reals = _dequantised(node, [c for c in operands if c is not None])
        if reals is None:
            kept.append(node)
        else:
            model.graph.initializer.append(numpy_helper.from_array(reals, node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model


def _dequantised(node: onnx.NodeProto, operands: list[np.ndarray]) -> np.ndarray | None:
    """What a DequantizeLinear makes of constants; None where it has scales of blocks."""
    integers, scale, *zeros = operands
    shape = [1] * integers.ndim
    if scale.ndim == 1 and scale.size > 1:
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        shape[axis] = -1
    elif scale.size > 1:
        return None
    zero = zeros[0].astype(np.int64).reshape(shape) if zeros else 0
    steps = (integers.astype(np.int64) - zero).astype(np.float32)
    return np.asarray(steps * scale.astype(np.float32).reshape(shape), np.float32).reshape(
        integers.shape
    )
