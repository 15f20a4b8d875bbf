"""Small quantised ONNX models, made node by node, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

ELEMENTS = {"u8": (np.uint8, 0, 255), "s8": (np.int8, -128, 127)}


class QuantisedModel:
    """Builds a model with one input and one output; values are names."""

    def __init__(
        self, shape: tuple[int, ...], element: str, opset: int = 17, seed: int = 0
    ) -> None:
        self.shape, self.element, self.opset = shape, element, opset
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.scale = np.float32(self.random.uniform(0.01, 0.05))
        _, low, high = ELEMENTS[element]
        self.zero = int(self.random.integers(low, high + 1))

    def constant(self, array: np.ndarray) -> str:
        """A new initializer."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """A new node; its output."""
        output = f"v{len(self.nodes)}"
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op, list(inputs), [output], name=name, domain=domain, **attributes)
        )
        return output

    def parameters(self, scale: Any, zero: int, element: str) -> tuple[str, str]:
        """Scale and zero point as initializers."""
        kind = ELEMENTS[element][0]
        return self.constant(np.asarray(scale, np.float32)), self.constant(np.asarray(zero, kind))

    def dequantize(self, value: str, scale: Any, zero: int, element: str) -> str:
        return self.node("DequantizeLinear", value, *self.parameters(scale, zero, element))

    def quantize(self, value: str, scale: Any, zero: int, element: str) -> str:
        return self.node("QuantizeLinear", value, *self.parameters(scale, zero, element))

    def weights(
        self, shape: tuple[int, ...], channels: int, per_channel: bool, axis: int = 0
    ) -> str:
        """Dequantised s8 weights."""
        count = channels if per_channel else 1
        self.weight_scale = self.random.uniform(0.002, 0.01, count).astype(np.float32)
        integers = self.constant(self.random.integers(-127, 128, shape).astype(np.int8))
        if not per_channel:
            return self.node(
                "DequantizeLinear",
                integers,
                self.constant(self.weight_scale[0]),
                self.constant(np.int8(0)),
            )
        zeros = self.constant(np.zeros(count, np.int8))
        scales = self.constant(self.weight_scale)
        return self.node("DequantizeLinear", integers, scales, zeros, axis=axis)

    def bias(self, channels: int, scale: Any) -> str:
        """A dequantised int32 bias in steps of ``scale`` times the last weights' scale."""
        integers = self.random.integers(-2000, 2000, channels).astype(np.int32)
        steps = np.float32(scale) * self.weight_scale
        per_channel = steps.size > 1
        steps_name = self.constant(steps if per_channel else steps[0])
        zeros = self.constant(np.zeros(steps.size if per_channel else (), np.int32))
        attributes = {"axis": 0} if per_channel else {}
        return self.node(
            "DequantizeLinear", self.constant(integers), steps_name, zeros, **attributes
        )

    def finish(self, output: str) -> onnx.ModelProto:
        """The model."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(ELEMENTS[self.element][0]))
        graph = helper.make_graph(
            self.nodes,
            "made",
            [helper.make_tensor_value_info("x", kind, ["batch", *self.shape[1:]])],
            [helper.make_empty_tensor_value_info(output)],
            self.constants,
        )
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def samples(self, count: int) -> dict[str, np.ndarray]:
        """Samples over the whole range of the input's type."""
        kind, low, high = ELEMENTS[self.element]
        return {"x": self.random.integers(low, high + 1, (count, *self.shape[1:])).astype(kind)}


def conv_model(
    element: str,
    per_channel: bool,
    shape: tuple[int, ...] = (1, 3, 7, 8),
    weights: tuple[int, ...] = (4, 3, 3, 3),
    activation: str | None = "Relu",
    bias: bool = True,
    seed: int = 0,
    opset: int = 17,
    **attributes: Any,
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """Dequantize - Conv - activation - Quantize, and samples."""
    model = QuantisedModel(shape, element, opset, seed)
    x = model.dequantize("x", model.scale, model.zero, element)
    operands = [x, model.weights(weights, weights[0], per_channel)]
    if bias:
        operands.append(model.bias(weights[0], model.scale))
    value = model.node("Conv", *operands, **attributes)
    if activation == "Clip":
        low, high = model.constant(np.float32(-0.3)), model.constant(np.float32(2.1))
        value = model.node("Clip", value, low, high)
    elif activation:
        value = model.node(activation, value)
    zero = 3 if element == "u8" else -100
    return model.finish(model.quantize(value, 0.021, zero, element)), model.samples(20)
