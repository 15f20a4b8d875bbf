"""A float model before it is quantised: operators in the forms that ONNX Runtime computes on integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx


def with_plain_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed in place, so that onnxruntime.quantization makes of it what ONNX Runtime computes on integers, or equally.

    1. Factors of Gemms go into constant weights and biases: ONNX Runtime leaves a Gemm with factors on floats.
    2. Means over the whole map are GlobalAveragePool, which ONNX Runtime sums in integers.
    3. Other average pools are followed by a Clip without bounds. The quantiser removes it, and then gives the pool a quantisation of its
       own; otherwise it shares that of the pool's input, where every even window has sums half-way between two results.
    4. What a Gemm adds that is computed is added behind it: products and sums of two computed operands have integer forms of their own.
    """
    import onnx

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for graph in (onnx.shape_inference.infer_shapes(model).graph,)
        for value in (*graph.value_info, *graph.input)
    }
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        shape = shapes.get(node.input[0], []) if node.input else []
        model.graph.node.append(node)
        last = model.graph.node[-1]
        if node.op_type == "Gemm":
            _fold_factors(model, last, constants)
            _part_computed_bias(model, last, constants)
        elif node.op_type == "AveragePool" and _covers(node, shape):
            last.op_type = "GlobalAveragePool"
            del last.attribute[:]
        elif node.op_type == "AveragePool":
            _follow(model, last, "Clip", "mean")
        elif node.op_type == "ReduceMean" and _axes(node, constants, shape) == _space(shape):
            _to_global(model, last, _space(shape))
    return model


def without_bare_clips(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed in place, without the Clips of ``with_plain_operators`` that the quantiser has left: of pools that it has not quantised."""
    kept = [n for n in model.graph.node if n.op_type != "Clip" or len(n.input) > 1]
    bare = {n.input[0]: n.output[0] for n in model.graph.node if n not in kept}
    for node in kept:
        node.output[:] = [bare.get(name, name) for name in node.output]
    del model.graph.node[:]
    model.graph.node.extend(kept)
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


def _part_computed_bias(
    model: onnx.ModelProto, node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]
) -> None:
    """A Gemm and an Add, as they were before ONNX Runtime's optimiser put a product and a residual branch together."""
    factors = {a.f for a in node.attribute if a.name in ("alpha", "beta")}
    added = {tensor.name for tensor in model.graph.initializer}
    if len(node.input) < 3 or not factors <= {1.0}:
        return
    addend = node.input[2]
    if addend and addend not in constants and addend not in added:
        del node.input[2]
        _follow(model, node, "Add", "product", addend)


def _covers(node: onnx.NodeProto, shape: list[int]) -> bool:
    """Whether an average pool's one window is the whole map."""
    import onnx

    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    padded = any(values.get("pads", ())) or values.get("auto_pad", b"NOTSET") not in (
        b"NOTSET",
        b"VALID",
    )
    return not padded and list(values.get("kernel_shape", ())) == shape[2:] and len(shape) > 2


def _space(shape: list[int]) -> list[int]:
    return list(range(2, len(shape)))


def _axes(
    node: onnx.NodeProto, constants: dict[str, onnx.TensorProto], shape: list[int]
) -> list[int] | None:
    """The axes of a ReduceMean over an operand of ``shape``, which are an attribute before opset 18; None where they are not known."""
    import onnx

    axes = next(
        (onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == "axes"), None
    )
    if axes is None and len(node.input) > 1 and node.input[1] in constants:
        axes = onnx.numpy_helper.to_array(constants[node.input[1]]).tolist()
    return None if not axes else sorted(axis % len(shape) for axis in axes)


def _to_global(model: onnx.ModelProto, node: onnx.NodeProto, space: list[int]) -> None:
    """ReduceMean over ``space`` as GlobalAveragePool, and a Squeeze where it does not keep the axes."""
    import onnx

    keeps = all(a.i for a in node.attribute if a.name == "keepdims")
    node.op_type = "GlobalAveragePool"
    del node.attribute[:]
    del node.input[1:]
    if not keeps:
        axes = onnx.numpy_helper.from_array(np.array(space, np.int64), f"{node.output[0]}_axes")
        model.graph.initializer.append(axes)
        _follow(model, node, "Squeeze", "map", axes.name)


def _follow(
    model: onnx.ModelProto, node: onnx.NodeProto, op: str, suffix: str, *operands: str
) -> None:
    """A node of ``op`` behind the last node; it takes over the name of its result."""
    import onnx

    name = f"{node.output[0]}_{suffix}"
    after = onnx.helper.make_node(op, [name, *operands], [node.output[0]], name=f"{node.name}_{op}")
    node.output[0] = name
    model.graph.node.append(after)
