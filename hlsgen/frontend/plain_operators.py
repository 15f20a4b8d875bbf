"""A float model before it is quantised: operators in the forms that ONNX Runtime computes on integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx


def with_plain_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed in place: factors of Gemms folded into constant weights and biases, since ONNX Runtime leaves a Gemm with
    factors on floats; average pools over the whole map as GlobalAveragePool, which it sums in integers."""
    import onnx

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for graph in (onnx.shape_inference.infer_shapes(model).graph,)
        for value in (*graph.value_info, *graph.input)
    }
    for node in model.graph.node:
        if node.op_type == "Gemm":
            _fold_factors(model, node, constants)
        elif node.op_type == "AveragePool" and _covers(node, shapes.get(node.input[0], [])):
            node.op_type = "GlobalAveragePool"
            del node.attribute[:]
    return model


def _fold_factors(
    model: onnx.ModelProto, node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]
) -> None:
    """Folds alpha and beta; leaves a node whose operands are not constants."""
    from onnx import numpy_helper

    factors = {a.name: a.f for a in node.attribute if a.name in ("alpha", "beta")}
    if set(factors.values()) <= {1.0} or any(name not in constants for name in node.input[1:]):
        return
    for position, factor in enumerate((factors.get("alpha", 1.0), factors.get("beta", 1.0)), 1):
        if factor == 1.0 or position >= len(node.input):
            continue
        array = numpy_helper.to_array(constants[node.input[position]]) * np.float32(factor)
        name = f"{node.input[position]}_of_{node.output[0]}"
        model.graph.initializer.append(numpy_helper.from_array(array.astype(np.float32), name))
        node.input[position] = name
    kept = [a for a in node.attribute if a.name not in factors]
    del node.attribute[:]
    node.attribute.extend(kept)


def _covers(node: onnx.NodeProto, shape: list[int]) -> bool:
    """Whether an average pool's one window is the whole map."""
    import onnx

    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    padded = any(values.get("pads", ())) or values.get("auto_pad", b"NOTSET") not in (
        b"NOTSET",
        b"VALID",
    )
    return not padded and list(values.get("kernel_shape", ())) == shape[2:] and len(shape) > 2
