"""Models with tensors of ONNX's floats of 8 and 4 bits."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT8: dict[str, tuple[int, Any]] = {
    "f8e4m3fn": (TensorProto.FLOAT8E4M3FN, ml_dtypes.float8_e4m3fn),
    "f8e4m3fnuz": (TensorProto.FLOAT8E4M3FNUZ, ml_dtypes.float8_e4m3fnuz),
    "f8e5m2": (TensorProto.FLOAT8E5M2, ml_dtypes.float8_e5m2),
    "f8e5m2fnuz": (TensorProto.FLOAT8E5M2FNUZ, ml_dtypes.float8_e5m2fnuz),
}
FORMATS = FLOAT8 | {"f4e2m1": (TensorProto.FLOAT4E2M1, ml_dtypes.float4_e2m1fn)}


def model(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    width: int,
    opset: int = 21,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "floats",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, width))],
        [helper.make_empty_tensor_value_info(nodes[-1].output[0])],
        constants,
    )
    opsets = [helper.make_opsetid("", opset)]
    network: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=11)
    return network


def real(name: str, value: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value, np.float32), name)


def layer(
    kind: int,
    between: list[onnx.NodeProto] | None = None,
    scales: Any = 0.25,
    zero: bool = True,
    weights: np.ndarray | None = None,
    **attributes: Any,
) -> onnx.ModelProto:
    """A product of numbers of a float type with weights of it; ``between``: nodes from xq to moved, in front of the Dequantize."""
    random = np.random.default_rng(3)
    w = random.normal(size=(6, 5)) * 4 if weights is None else weights
    given = {} if zero else {"output_dtype": kind}
    zeros = ["zero"] if zero else []
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", *zeros], ["xq"], **given, **attributes),
        *(between or []),
        helper.make_node("DequantizeLinear", ["moved" if between else "xq", "xs", *zeros], ["xr"]),
        helper.make_node(
            "DequantizeLinear", ["w", "ws", *(["ws_zero"] if zero else [])], ["wr"], axis=1
        ),
        helper.make_node("MatMul", ["xr", "wr"], ["y"]),
    ]
    constants = [
        real("xs", 0.37),
        real("ws", scales),
        helper.make_tensor("zero", kind, (), [0.0]),
        helper.make_tensor("ws_zero", kind, np.shape(scales), [0.0] * np.size(scales)),
        helper.make_tensor("w", kind, (6, 5), w.astype(_dtype(kind)).tobytes(), raw=True),
    ]
    return model(nodes, constants, 6)


def _dtype(kind: int) -> np.dtype:
    return next(np.dtype(dtype) for number, dtype in FLOAT8.values() if number == kind)


def requantised(
    kind: int, scales: Any = 0.25, relu: bool = False, result: float = 2.0
) -> onnx.ModelProto:
    """The layer with its sums as numbers of the type again, behind a Relu perhaps."""
    proto = layer(kind, scales=scales)
    if relu:
        proto.graph.node.append(helper.make_node("Relu", ["y"], ["above"]))
    value = proto.graph.node[-1].output[0]
    proto.graph.node.extend(
        [
            helper.make_node("QuantizeLinear", [value, "ys", "zero"], ["yq"]),
            helper.make_node("DequantizeLinear", ["yq", "ys", "zero"], ["yr"]),
        ]
    )
    proto.graph.initializer.append(real("ys", result))
    proto.graph.output[0].name = "yr"
    return proto
