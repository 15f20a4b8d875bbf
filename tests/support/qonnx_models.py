"""Small QONNX models, written node by node."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hlsgen.ops.qonnx import DOMAINS


@dataclass
class QonnxModel:
    """A model that is written node by node; the input "x" has ``shape``."""

    shape: tuple[int, ...]
    opset: int = 9
    domain: str = DOMAINS[0]
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, array: np.ndarray | np.generic) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op_type: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op_type, inputs, [name], f"n{name}", domain=domain, **attributes)
        )
        return name

    def quant(
        self,
        x: str,
        scale: np.ndarray | float,
        bits: float,
        zero: float = 0.0,
        **attributes: object,
    ) -> str:
        numbers = [np.asarray(v, np.float32) for v in (scale, zero, bits)]
        given = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | attributes
        return self.node("Quant", x, *map(self.constant, numbers), domain=self.domain, **given)

    def bipolar(self, x: str, scale: float = 1.0) -> str:
        return self.node("BipolarQuant", x, self.constant(np.float32(scale)), domain=self.domain)

    def reals(self, *shape: int) -> str:
        return self.constant(self.random.normal(size=shape).astype(np.float32))

    def batch_norm(self, x: str, channels: int) -> str:
        rows = self.random.uniform(0.3, 1.5, (4, channels)).astype(np.float32)
        rows[0, ::3] *= -1
        rows[1:3] -= 0.9
        return self.node("BatchNormalization", x, *map(self.constant, rows))

    def finish(self, output: str) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "made",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_empty_tensor_value_info(output)],
            self.constants,
        )
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(self.domain, 1)]
        model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return model

    def samples(self, count: int) -> dict[str, np.ndarray]:
        x = self.random.normal(size=(count, *self.shape[1:])).astype(np.float32)
        return {"x": x}


def network_of_many_formats() -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """Layers of 6, 4, 3 and 2 bits, ternary and bipolar ones, whose last sums are the output; and samples."""
    model = QonnxModel((1, 2, 6, 6), opset=11)
    x = model.quant("x", 0.125, 6)
    scales = model.random.uniform(0.1, 0.3, (3, 1, 1, 1))
    w = model.quant(model.reals(3, 2, 3, 3), scales, 4, narrow=1)
    y = model.node("Conv", x, w, model.reals(3), pads=[1, 1, 1, 1])
    y = model.quant(model.node("Relu", model.batch_norm(y, 3)), 0.4, 3, signed=0)
    y = model.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = model.node("Flatten", y, axis=1)
    y = model.node("MatMul", y, model.quant(model.reals(27, 8), 0.5, 2, narrow=1))
    y = model.quant(model.batch_norm(y, 8), 0.7, 2, rounding_mode="FLOOR")
    y = model.node("MatMul", y, model.bipolar(model.reals(8, 6), 0.25))
    y = model.bipolar(model.batch_norm(y, 6))
    y = model.node("MatMul", y, model.bipolar(model.reals(6, 4)))
    return model.finish(y), model.samples(40)


def network_of_vectors() -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A multilayer perceptron 8-6-5-3 of weights of 4 bits, with steps that are powers of two: rounded down, then to the nearest; and samples."""
    model = QonnxModel((1, 8), opset=13)
    y, step = model.quant("x", 0.25, 5), 0.25
    for outputs, mode in ((6, "FLOOR"), (5, "ROUND")):
        inputs = 8 if outputs == 6 else 6
        w = model.quant(model.reals(inputs, outputs), 0.25, 4)
        bias = model.random.integers(-20, 21, outputs) * (0.25 * step)
        y = model.node("MatMul", y, w)
        y = model.node("Relu", model.node("Add", y, model.constant(bias.astype(np.float32))))
        step *= 2
        y = model.quant(y, step, 4, signed=0, rounding_mode=mode)
    y = model.node("MatMul", y, model.quant(model.reals(5, 3), 0.25, 4))
    return model.finish(y), model.samples(40)
