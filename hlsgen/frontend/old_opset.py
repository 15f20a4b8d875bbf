"""Models of opsets before 7, in which operands were broadcast as attributes say: brought to a later one.

Second operands get the axes that later opsets expect here (``onnx.version_converter`` puts some in the wrong place, and leaves slopes of
PRelu as they were); all the rest is left to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsgen.errors import UnsupportedOp

if TYPE_CHECKING:
    import onnx

CONVERTED_TO = 8
"""The first opset in which all operators of several operands broadcast by shapes alone."""
_BROADCAST = {"Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor"}


def in_later_opset(model: onnx.ModelProto, name: str, opset: int) -> onnx.ModelProto:
    """The model in opset ``CONVERTED_TO``. Raises UnsupportedOp where it cannot be brought there."""
    import onnx

    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    _with_all_axes(changed, name)
    try:
        onnx.checker.check_model(changed)  # the converter trusts it
        converted: onnx.ModelProto = onnx.version_converter.convert_version(changed, CONVERTED_TO)
        onnx.checker.check_model(converted)
    except Exception as error:  # the converter and the checker raise exceptions of many kinds
        why = str(error).strip().splitlines() or [type(error).__name__]
        reason = f"one of opset {opset}, which onnx does not convert: {why[0]:.120}"
        raise _refused(name, reason) from error
    return converted


def _with_all_axes(model: onnx.ModelProto, name: str) -> None:
    """Changes ``model`` in place: second operands have the last axes of the first ones, by Unsqueeze where they lack them."""
    import onnx

    nodes = list(model.graph.node)
    old = [n for n in nodes if n.op_type in _BROADCAST | {"PRelu"} and not n.domain]
    if not old:
        return
    shaped = onnx.shape_inference.infer_shapes(model).graph
    known = (*shaped.input, *shaped.value_info, *shaped.output)
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in known}
    ranks |= {tensor.name: len(tensor.dims) for tensor in shaped.initializer}
    del model.graph.node[:]
    for node in nodes:
        if node in old and (axes := _missing_axes(node, ranks, name)):
            second = f"{node.output[0]}_operand"
            squeezed = onnx.helper.make_node("Unsqueeze", [node.input[1]], [second], axes=axes)
            model.graph.node.append(squeezed)
            node.input[1] = second
        kept = [a for a in node.attribute if a.name not in ("axis", "broadcast")]
        if node in old:
            del node.attribute[:]
            node.attribute.extend(kept)
        model.graph.node.append(node)


def _missing_axes(node: onnx.NodeProto, ranks: dict[str, int], name: str) -> list[int]:
    """The axes, of extent 1, that the second operand lacks behind its own."""
    given = {attribute.name: attribute.i for attribute in node.attribute}
    by_channel = node.op_type == "PRelu"
    if not by_channel and ("axis" not in given or not given.get("broadcast")):
        return []
    if any(value not in ranks for value in node.input[:2]):
        pair = " and ".join(node.input[:2])
        raise _refused(name, f"{node.op_type} that broadcasts {pair}, of unknown axes")
    first, second = (ranks[value] for value in node.input[:2])
    axis = given.get("axis", 1) % max(first, 1)
    if by_channel and second != 1:
        return []
    return list(range(second, second + first - axis - second))


def _refused(name: str, what: str) -> UnsupportedOp:
    return UnsupportedOp(
        name,
        f"expected a model of opset 7 or newer, or one that can be converted, found {what}",
        "Export the model with a later opset.",
    )
