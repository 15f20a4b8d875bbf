"""Edits that make a good model bad, each with the error that says so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hlsgen.errors import BadFile, HlsgenError, IllegalGraph, TypeMismatch, UnsupportedOp
from support.quantised_models import conv_model

Edit = Callable[[onnx.ModelProto], None]


def good() -> onnx.ModelProto:
    return conv_model("u8", False)[0]


def node(model: onnx.ModelProto, op_type: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.op_type == op_type)


def replaced(model: onnx.ModelProto, name: str, array: np.ndarray) -> None:
    """Another value for an initializer."""
    tensor = next(
        initializer for initializer in model.graph.initializer if initializer.name == name
    )
    tensor.CopyFrom(numpy_helper.from_array(array, name))


def scale(value: float) -> Edit:
    def edit(model: onnx.ModelProto) -> None:
        replaced(model, node(model, "QuantizeLinear").input[1], np.float32(value))

    return edit


def read_tensor(
    model: onnx.ModelProto, *dims: int, kind: int = TensorProto.FLOAT
) -> onnx.TensorProto:
    """A new initializer that a node reads."""
    tensor = model.graph.initializer.add(name="odd", data_type=kind)
    tensor.dims.extend(dims)
    model.graph.node.append(helper.make_node("Relu", ["odd"], ["of_odd"]))
    return tensor


def huge_tensor(model: onnx.ModelProto) -> None:
    read_tensor(model, 1 << 31, 1 << 31)


def negative_extent(model: onnx.ModelProto) -> None:
    read_tensor(model, -1, 4)


def short_doubles(model: onnx.ModelProto) -> None:
    read_tensor(model, 3, kind=TensorProto.DOUBLE).raw_data = bytes(5)


def huge_fold(model: onnx.ModelProto) -> None:
    shape = numpy_helper.from_array(np.array([1 << 30, 1 << 10]), "shape")
    model.graph.initializer.append(shape)
    model.graph.node.append(helper.make_node("ConstantOfShape", ["shape"], ["huge"]))


def function_of_itself(model: onnx.ModelProto) -> None:
    call = helper.make_node("Again", ["a"], ["b"], domain="own")
    model.opset_import.append(helper.make_opsetid("own", 1))
    again = helper.make_function("own", "Again", ["a"], ["b"], [call], model.opset_import)
    model.functions.append(again)
    call.input[0] = node(model, "Conv").output[0]
    model.graph.node.append(call)


def short_tensor(model: onnx.ModelProto) -> None:
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 4)
    tensor.raw_data = tensor.raw_data[:-1]


def extent_hidden_by_zero(model: onnx.ModelProto) -> None:
    read_tensor(model, 0, 1 << 62, 1 << 62)


def many_dimensions(model: onnx.ModelProto) -> None:
    read_tensor(model, *[1] * 70).float_data.append(1)


def unsqueezed_to_rank_70(model: onnx.ModelProto) -> None:
    axes = numpy_helper.from_array(np.arange(66, dtype=np.int64), "axes")
    model.graph.initializer.append(axes)
    last = node(model, "Relu")
    model.graph.node.append(helper.make_node("Unsqueeze", [last.output[0], "axes"], ["deep"]))


def input_of_rank_70(model: onnx.ModelProto) -> None:
    for _ in range(70):
        model.graph.input[0].type.tensor_type.shape.dim.add(dim_value=1)


def no_outputs(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Relu", [node(model, "Conv").output[0]], []))


def nameless_output(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Relu", [node(model, "Conv").output[0]], [""]))


def pads(extent: int) -> Edit:
    def edit(model: onnx.ModelProto) -> None:
        conv = node(model, "Conv")
        kept = [a for a in conv.attribute if a.name not in ("pads", "auto_pad")]
        del conv.attribute[:]
        conv.attribute.extend([*kept, helper.make_attribute("pads", [extent] * 4)])

    return edit


def pool(kernel: int, pad: int) -> Edit:
    """An average pool beside the network whose windows are mostly padding."""

    def edit(model: onnx.ModelProto) -> None:
        model.graph.node.append(
            helper.make_node(
                "AveragePool",
                [node(model, "Conv").input[0]],
                ["pooled"],
                kernel_shape=[kernel] * 2,
                pads=[pad] * 4,
            )
        )

    return edit


def external(location: str, offset: int = 0) -> Edit:
    def edit(model: onnx.ModelProto) -> None:
        tensor = next(t for t in model.graph.initializer if len(t.dims) == 4)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
        tensor.external_data.add(key="offset", value=str(offset))

    return edit


def cycle(model: onnx.ModelProto) -> None:
    node(model, "Conv").input[0] = node(model, "Relu").output[0]


def dangling(model: onnx.ModelProto) -> None:
    node(model, "Relu").input[0] = "nowhere"


def defined_twice(model: onnx.ModelProto) -> None:
    node(model, "Relu").output[0] = node(model, "Conv").output[0]


def dangling_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "nowhere"


def dynamic_width(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_param = "width"


def mixed_batch_of_two(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    last = node(model, "Relu").output[0]
    model.graph.node.append(helper.make_node("Transpose", [last], ["mixed"], perm=[1, 0, 2, 3]))


def vector_of_two(model: onnx.ModelProto) -> None:
    vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [2])
    model.graph.input.append(vector)


def huge_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 1 << 60


def operator(model: onnx.ModelProto) -> None:
    node(model, "Relu").op_type = "Relux"


def attribute(model: onnx.ModelProto) -> None:
    node(model, "Conv").attribute.append(helper.make_attribute("mode", "fancy"))


def sparse_attribute(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.zeros(3, np.float32))
    node(model, "Conv").attribute.append(helper.make_attribute("extra", tensor))


def double_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def bad_zero_point(model: onnx.ModelProto) -> None:
    replaced(model, node(model, "QuantizeLinear").input[2], np.array([1, 2, 3], np.uint8))


def zero_point_of_another_type(model: onnx.ModelProto) -> None:
    replaced(model, node(model, "DequantizeLinear").input[2], np.int8(-1))


def float_zero_point(model: onnx.ModelProto) -> None:
    replaced(model, node(model, "QuantizeLinear").input[2], np.float32(3))


def computed_scale(model: onnx.ModelProto) -> None:
    node(model, "QuantizeLinear").input[1] = node(model, "Conv").output[0]


def wrong_channels(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 2


def kernel_too_large(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 2


def old_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 6


def old_broadcast(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 6
    weights = model.graph.initializer[0].name
    add = helper.make_node("Add", ["hidden", weights], ["sum"], broadcast=1, axis=1)
    model.graph.node.extend([helper.make_node("Unknown", ["x"], ["hidden"]), add])


def deep(operator: str) -> Edit:
    """An operator with windows over three axes beside the network."""

    def edit(model: onnx.ModelProto) -> None:
        axis = numpy_helper.from_array(np.array([2]), "third_axis")
        weights = numpy_helper.from_array(np.ones((2, 3, 1, 2, 2), np.float32), "filters")
        model.graph.initializer.extend([axis, weights])
        operands = ["clip", "filters"] if operator == "Conv" else ["clip"]
        moved = helper.make_node(
            "Unsqueeze", [node(model, "Conv").input[0], "third_axis"], ["clip"]
        )
        window = helper.make_node(operator, operands, ["deep"], kernel_shape=[1, 2, 2])
        model.graph.node.extend([moved, window])

    return edit


def nothing(model: onnx.ModelProto) -> None:
    del model.graph.node[:], model.graph.output[:]
    model.graph.node.append(helper.make_node("Identity", ["x"], ["same"]))
    model.graph.output.append(helper.make_empty_tensor_value_info("same"))


EDITS: dict[str, tuple[Edit, type[HlsgenError], str]] = {
    "scale zero": (scale(0.0), TypeMismatch, "positive finite scales"),
    "scale negative": (scale(-0.1), TypeMismatch, "positive finite scales"),
    "scale infinite": (scale(float("inf")), TypeMismatch, "positive finite scales"),
    "scale NaN": (scale(float("nan")), TypeMismatch, "positive finite scales"),
    "zero points of another number": (bad_zero_point, TypeMismatch, "zero points"),
    "zero point of another type": (zero_point_of_another_type, TypeMismatch, "zero point"),
    "zero point is a float": (float_zero_point, UnsupportedOp, "numbers of type f32"),
    "scale is computed": (computed_scale, UnsupportedOp, "not a constant"),
    "larger than the limit": (huge_tensor, BadFile, "134,217,728 elements"),
    "negative extent": (negative_extent, BadFile, "extents 0 or more"),
    "data too short": (short_tensor, BadFile, "107"),
    "external data outside": (external("../secret.bin"), BadFile, "inside the model's folder"),
    "external data absolute": (external("/etc/passwd"), BadFile, "inside the model's folder"),
    "external data missing": (external("weights.bin"), BadFile, "weights.bin"),
    "cycle": (cycle, IllegalGraph, "cycle"),
    "dangling": (dangling, IllegalGraph, "nowhere"),
    "defined twice": (defined_twice, IllegalGraph, "second definition"),
    "dangling output": (dangling_output, IllegalGraph, "nowhere"),
    "dynamic width": (dynamic_width, TypeMismatch, "fixed dimensions"),
    "batch of two that is mixed": (mixed_batch_of_two, TypeMismatch, "batch of 2"),
    "vector without a batch": (vector_of_two, TypeMismatch, "batch 1"),
    "doubles too short": (short_doubles, BadFile, "expected 24 bytes"),
    "folded to more than the limit": (huge_fold, BadFile, "134,217,728 elements"),
    "function that calls itself": (function_of_itself, BadFile, "inlined"),
    "huge input": (huge_input, BadFile, "134,217,728 elements"),
    "extent hidden by one of 0": (extent_hidden_by_zero, BadFile, "134,217,728 elements"),
    "constant of rank 70": (many_dimensions, BadFile, "16 dimensions, found 70"),
    "result of rank 70": (unsqueezed_to_rank_70, BadFile, "16 dimensions, found"),
    "input of rank 70": (input_of_rank_70, BadFile, "16 dimensions, found 74"),
    "external data with a NUL in its name": (
        external("w\0.bin"),
        BadFile,
        "inside the model's folder",
    ),
    "external data of a long name": (external("w" * 5000), BadFile, "File name too long"),
    "external data at a huge offset": (external("net.onnx", 1 << 70), BadFile, f"byte {1 << 70}"),
    "external data before the file": (external("net.onnx", -1), BadFile, "byte -1"),
    "external data that is a folder": (external("."), BadFile, "not a file"),
    "external data past the end": (external("net.onnx", 10_000_000), BadFile, "byte 10000000 on"),
    "node without outputs": (no_outputs, IllegalGraph, "named result"),
    "node with a nameless output": (nameless_output, IllegalGraph, "named result"),
    "pads beyond any machine": (pads(1 << 40), TypeMismatch, "elements with padding"),
    "pads of a terabyte": (pads(1 << 20), TypeMismatch, "elements with padding"),
    "negative pads": (pads(-1), TypeMismatch, "positive extents"),
    "convolution over three axes": (deep("Conv"), TypeMismatch, "(N, C, H, W) or (N, C, L)"),
    "pool over three axes": (deep("MaxPool"), TypeMismatch, "1-D or 2-D window"),
    "huge pool": (pool(4096, 4095), TypeMismatch, "elements in a window"),
    "pool of too much work": (pool(512, 511), TypeMismatch, "elements taken into windows"),
    "unsupported operator": (operator, UnsupportedOp, "nearest are Relu"),
    "unsupported attribute": (attribute, UnsupportedOp, "mode = 'fancy'"),
    "tensor attribute": (sparse_attribute, UnsupportedOp, "attribute extra"),
    "unsupported type": (double_input, UnsupportedOp, "double"),
    "wrong channels": (wrong_channels, TypeMismatch, "3 input channels"),
    "kernel too large": (kernel_too_large, TypeMismatch, "input of at least"),
    "nothing that computes": (nothing, UnsupportedOp, "outputs that are inputs"),
    "old opset": (old_opset, UnsupportedOp, "opset 7"),
    "old opset, axes that are not known": (old_broadcast, UnsupportedOp, "hidden"),
}
