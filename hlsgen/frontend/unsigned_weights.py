"""Constant signed weights as unsigned ones of the same values, for processors on which ONNX Runtime's sums of products saturate.

On x86-64 without VNNI, ONNX Runtime adds products of an unsigned and a signed byte in pairs, in 16 bits, which saturate; its products of two
unsigned bytes are exact. Its own option (``session.x64quantprecision``) also changes which operators it fuses, and has no effect without
graph optimisation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

_INTEGER_OPERATORS = {
    "QLinearConv": (3, 5), "QLinearMatMul": (3, 5), "QGemm": (3, 5), "MatMulInteger": (1, 3), "ConvInteger": (1, 3),
}  # fmt: skip
"""Operands of operators on integers: weights and their zero point; the activations are operand 0, their zero point is operand 2."""
_REAL_OPERATORS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators between Dequantize and Quantize that become products of integers, of operands 0 and 1."""

_MOVED_OR_QUANTISED = ("Identity", "QuantizeLinear", "Transpose", "Reshape")
"""What stands between constant weights and their Dequantize in some models."""


@cache
def products_saturate() -> bool:
    """Whether ONNX Runtime's sums of products of unsigned and signed bytes saturate on this processor."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    x, w = np.full((1, 64), 255, np.uint8), np.full((64, 8), 127, np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "products",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT32, (1, 8))],
        [numpy_helper.from_array(w, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (sums,) = session.run(None, {"x": x})
    return bool(np.any(sums != 64 * 255 * 127))


def with_unsigned_weights(model: onnx.ModelProto, signed_activations: bool) -> onnx.ModelProto:
    """The model whose constant int8 weights that meet uint8 activations are uint8, with zero points 128 higher.

    ``signed_activations``: the session keeps int8 activations between Dequantize and Quantize as they are, whose products with int8 weights
    are exact; else it makes them unsigned, and their weights are changed too.
    """
    import onnx

    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
    constants = _constants(changed.graph, opset)
    for node, weights, zero in list(_signed_weights(changed.graph, constants, signed_activations)):
        while len(node.input) <= zero:
            node.input.append("")
        if node.input[zero]:
            zeros = onnx.numpy_helper.to_array(constants[node.input[zero]])
        else:
            scale = constants[node.input[1]] if node.op_type == "DequantizeLinear" else None
            zeros = np.zeros(() if scale is None else tuple(scale.dims), np.int8)
        values = onnx.numpy_helper.to_array(constants[node.input[weights]])
        for place, array in ((weights, values), (zero, zeros)):
            name = f"{node.output[0]}_unsigned_{place}"
            shifted = (array.astype(np.int16) + 128).astype(np.uint8)
            changed.graph.initializer.append(onnx.numpy_helper.from_array(shifted, name))
            node.input[place] = name
    used = set(_names(changed.graph))
    for tensor in [t for t in changed.graph.initializer if t.name not in used]:
        changed.graph.initializer.remove(tensor)  # ONNX Runtime takes none that nothing reads
    return changed


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    """Values that nodes read, also in the graphs that they hold, inputs and outputs."""
    yield from (value.name for value in (*graph.input, *graph.output))
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            yield from _names(attribute.g)
            for held in attribute.graphs:
                yield from _names(held)


def _constants(graph: onnx.GraphProto, opset: int) -> dict[str, onnx.TensorProto]:
    """Initialisers, outputs of Constant nodes, and what nodes of ``_MOVED_OR_QUANTISED`` make of them, in the order of the file."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = node.attribute[0].t
        elif node.op_type in _MOVED_OR_QUANTISED and not node.domain:
            operands = [tensors.get(name) for name in node.input if name]
            known = [tensor for tensor in operands if tensor is not None]
            if len(known) == len(operands):
                result = _folded(node, known, opset)
                tensors |= {} if result is None else {node.output[0]: result}
    return tensors


def _folded(
    node: onnx.NodeProto, operands: list[onnx.TensorProto], opset: int
) -> onnx.TensorProto | None:
    """The result of a node on constants; None where ONNX's own reference does not compute it."""
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    result = helper.make_empty_tensor_value_info(node.output[0])
    tensors = dict(zip((name for name in node.input if name), operands, strict=True))
    given = []
    for name, tensor in tensors.items():
        given.append(type(tensor)())
        given[-1].CopyFrom(tensor)
        given[-1].name = name
    graph = helper.make_graph([node], "folded", [], [result], given)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        (array,) = ReferenceEvaluator(model).run(None, {})
        return numpy_helper.from_array(np.asarray(array), node.output[0])
    except Exception:  # of any kind: the weights stay as they are
        return None


def _signed_weights(
    graph: onnx.GraphProto, constants: Mapping[str, onnx.TensorProto], signed_activations: bool
) -> Iterator[tuple[onnx.NodeProto, int, int]]:
    """The nodes to change, each once, and which operands are their weights and zero points: operators on integers, and the Dequantize of
    weights in front of others."""
    from onnx import TensorProto

    types = {value.name: value.type.tensor_type.elem_type for value in graph.input}
    types |= {name: tensor.data_type for name, tensor in constants.items()}
    producers = {name: node for node in graph.node for name in node.output}

    def is_signed(node: onnx.NodeProto, weights: int, zero: int) -> bool:
        names = [node.input[k] for k in (weights, zero) if k < len(node.input) and node.input[k]]
        scales = node.input[1:2] if node.op_type == "DequantizeLinear" else ()
        known = all(name in constants for name in (*names, *scales))
        return known and all(types[name] == TensorProto.INT8 for name in names)

    def has_unsigned_activations(node: onnx.NodeProto) -> bool:
        if len(node.input) > 2 and node.input[2] in types:
            return types[node.input[2]] == TensorProto.UINT8
        if node.input[0] in types:
            return types[node.input[0]] == TensorProto.UINT8
        source = producers[node.input[0]]
        if source.op_type == "QuantizeLinear":
            zero = source.input[2] if len(source.input) > 2 else ""
            return types.get(zero, TensorProto.UINT8) == TensorProto.UINT8
        return source.op_type == "DynamicQuantizeLinear"

    def dequantise_of(name: str) -> onnx.NodeProto | None:
        """The Dequantize that a value comes from, behind moves."""
        node = producers.get(name)
        while node is not None and node.op_type != "DequantizeLinear":
            node = producers.get(node.input[0]) if node.input else None
        return node

    seen: set[str] = set()
    for node in graph.node:
        if node.op_type in _INTEGER_OPERATORS:
            weights, zero = _INTEGER_OPERATORS[node.op_type]
            if is_signed(node, weights, zero) and has_unsigned_activations(node):
                yield node, weights, zero
        elif node.op_type in _REAL_OPERATORS:
            activations, dequantise = (dequantise_of(name) for name in node.input[:2])
            if activations is None or dequantise is None or dequantise.output[0] in seen:
                continue
            if not is_signed(dequantise, 0, 2):
                continue
            if not signed_activations or has_unsigned_activations(activations):
                seen.add(dequantise.output[0])
                yield dequantise, 0, 2
