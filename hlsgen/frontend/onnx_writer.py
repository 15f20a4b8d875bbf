"""A graph of float operators as nodes of an ONNX file, by the operators' own bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.move import Slice, numbers
from hlsgen.ops.op import OnnxBinding, TensorOp

if TYPE_CHECKING:
    import onnx


def written(graph: Graph, opset: int) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """The nodes in order, and the initialisers that they read."""
    from onnx import numpy_helper

    nodes: list[onnx.NodeProto] = []
    tensors = [
        numpy_helper.from_array(np.asarray(array, np.float32), name)
        for name, array in graph.constants.items()
    ]
    for node in graph.nodes:
        written_node, constants = _node(node, opset)
        nodes.append(written_node)
        tensors += constants
    return nodes, tensors


def _node(node: Node, opset: int) -> tuple[onnx.NodeProto, list[onnx.TensorProto]]:
    from onnx import defs, helper, numpy_helper

    op = _with_ends(node.op) if isinstance(node.op, Slice) else node.op
    binding = _binding(op, opset)
    # a binding may name attributes that only later opsets have, such as Reshape's allowzero
    known = defs.get_schema(binding.op_type, opset).attributes
    named = (binding.attributes or {}).items()
    attributes = {name: getattr(op, field) for name, field in named if name in known}
    operands, tensors = list(node.inputs), []
    for field, position in sorted((binding.inputs or {}).items(), key=lambda entry: entry[1]):
        operands += [""] * (position + 1 - len(operands))
        if (value := getattr(op, field)) is None:
            continue
        operands[position] = f"{node.output}_{field}"
        tensors.append(numpy_helper.from_array(_array(value), operands[position]))
    while not operands[-1]:
        operands.pop()
    return (
        helper.make_node(binding.op_type, operands, [node.output], node.output, **attributes),
        tensors,
    )


def _binding(op: TensorOp, opset: int) -> OnnxBinding:
    own = [b for b in op.bindings if not b.domain and b.since <= opset <= b.until]
    assert own, f"{op.name} is of no use to a cell's meaning: ONNX lacks it in opset {opset}"
    return own[0]


def _with_ends(op: Slice) -> TensorOp:
    """A normalised Slice as ONNX writes it."""
    ends = (
        start + step * count
        for start, step, count in zip(numbers(op.starts), numbers(op.steps), op.counts, strict=True)
    )
    before_all = -(1 << 31)  # an end below 0 is counted from the back
    return Slice(
        op.starts, tuple(end if end >= 0 else before_all for end in ends), op.axes, op.steps
    )


def _array(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
