"""Quantised models written node by node, as a quantiser would leave them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NUMBERS = {np.float32: TensorProto.FLOAT, np.bool_: TensorProto.BOOL, np.int64: TensorProto.INT64}
NUMBERS |= {np.uint8: TensorProto.UINT8, np.int8: TensorProto.INT8}
NUMBERS |= {np.uint16: TensorProto.UINT16, np.int16: TensorProto.INT16}


class Written:
    """A model that grows by nodes; every method but ``model`` returns the name of a value. ``samples`` are seeded, eight for each input."""

    def __init__(self, opset: int = 21) -> None:
        self.opset = opset
        self.samples: dict[str, np.ndarray] = {}
        self._random = np.random.default_rng(5)
        self._inputs: list[onnx.ValueInfoProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def input(self, shape: tuple[int, ...], kind: Any = np.float32) -> str:
        """An input of (1, *shape)."""
        name = f"x{len(self._inputs)}"
        self._inputs.append(helper.make_tensor_value_info(name, NUMBERS[kind], [1, *shape]))
        if kind is np.float32:
            drawn = self._random.uniform(-2, 2, (8, *shape))
        else:
            drawn = self._random.integers(0, 2 if kind is np.bool_ else 120, (8, *shape))
        self.samples[name] = drawn.astype(kind)
        return name

    def constant(self, array: Any) -> str:
        """A constant; floats become float32."""
        values = np.asarray(array)
        values = values.astype(np.float32) if values.dtype == np.float64 else values
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(values, name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """The result of a node."""
        output = f"{operator.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def quantised(self, value: str, scale: float = 0.02, zero: int = 0, kind: Any = np.int8) -> str:
        """The integers of a value."""
        return self.node("QuantizeLinear", value, *self._steps(scale, zero, kind))

    def dequantised(
        self, value: str, scale: float = 0.02, zero: int = 0, kind: Any = np.int8
    ) -> str:
        """The reals of integers."""
        return self.node("DequantizeLinear", value, *self._steps(scale, zero, kind))

    def between(self, value: str, scale: float = 0.02, zero: int = 0, kind: Any = np.int8) -> str:
        """A value through a Quantize and a Dequantize."""
        return self.dequantised(self.quantised(value, scale, zero, kind), scale, zero, kind)

    def weights(self, *shape: int, scale: float = 0.01) -> str:
        """Dequantised constants of 8 bits."""
        integers = self._random.integers(-128, 128, shape).astype(np.int8)
        return self.dequantised(self.constant(integers), scale)

    def model(self, *outputs: str) -> onnx.ModelProto:
        """The model with these outputs."""
        values = [helper.make_empty_tensor_value_info(name) for name in outputs]
        graph = helper.make_graph(self._nodes, "written", self._inputs, values, self._constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10
        )
        return onnx.shape_inference.infer_shapes(model)

    def _steps(self, scale: float, zero: int, kind: Any) -> tuple[str, str]:
        return self.constant(np.float32(scale)), self.constant(np.array(zero, kind))
