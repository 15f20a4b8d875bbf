"""A tiny transformer encoder with random weights of a fixed seed: made, quantised, compiled, and verified in RTL.

``python examples/transformer/encoder.py [--board BOARD] [--output DIR]``. Each layer is LayerNormalization, attention of several heads
(MatMul, Softmax, MatMul), a residual, LayerNormalization, two products with an activation between, a residual; then the mean over
all steps and a classifier. Exit code 0 only if every output element of the circuit equals the integer meaning of the network, and differs
from ONNX Runtime by no more than the design's manifest declares.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

import hlsgen

SEED = 2026


@dataclass(frozen=True)
class Shape:
    """Steps of a sequence, elements of a step, heads, elements between the two products of a layer, layers, classes."""

    steps: int = 6
    width: int = 8
    heads: int = 2
    inner: int = 16
    layers: int = 1
    classes: int = 4


class _Nodes:
    """Nodes and constants of a float model; methods return names of values."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        output = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def product(self, x: str, inner: int, outputs: int, gain: float = 1.0) -> str:
        """The product with a random matrix."""
        matrix = self.random.normal(0, gain / np.sqrt(inner), (inner, outputs))
        return self.node("MatMul", x, self.constant(matrix.astype(np.float32)))

    def standardised(self, x: str, width: int) -> str:
        """LayerNormalization with a random gain and offset."""
        gain = self.random.uniform(0.7, 1.3, width).astype(np.float32)
        offset = self.random.normal(0, 0.1, width).astype(np.float32)
        return self.node("LayerNormalization", x, *map(self.constant, (gain, offset)), axis=-1)


def attention(nodes: _Nodes, x: str, shape: Shape) -> str:
    """Softmax(q k^T) v of every head, joined, and a last product; 1 / sqrt(size) is a part of q's matrix."""
    size = shape.width // shape.heads
    split = nodes.constant(np.array([0, shape.steps, shape.heads, size]))
    parts = []
    for gain, order in ((2 / np.sqrt(size), [0, 2, 1, 3]), (1, [0, 2, 3, 1]), (1, [0, 2, 1, 3])):
        value = nodes.node("Reshape", nodes.product(x, shape.width, shape.width, gain), split)
        parts.append(nodes.node("Transpose", value, perm=order))
    q, k, v = parts
    shares = nodes.node("Softmax", nodes.node("MatMul", q, k), axis=-1)
    mixed = nodes.node("Transpose", nodes.node("MatMul", shares, v), perm=[0, 2, 1, 3])
    joined = nodes.constant(np.array([0, shape.steps, shape.width]))
    return nodes.product(nodes.node("Reshape", mixed, joined), shape.width, shape.width)


def float_model(shape: Shape, activation: str = "Relu", seed: int = SEED) -> onnx.ModelProto:
    """The encoder on reals: input (1, steps, width), output (1, classes)."""
    nodes = _Nodes(seed)
    x = "x"
    for _ in range(shape.layers):
        y = nodes.standardised(x, shape.width)
        x = nodes.node("Add", x, attention(nodes, y, shape))
        y = nodes.product(nodes.standardised(x, shape.width), shape.width, shape.inner)
        y = nodes.product(nodes.node(activation, y), shape.inner, shape.width)
        x = nodes.node("Add", x, y)
    mean = nodes.node("ReduceMean", x, axes=[1], keepdims=0)
    y = nodes.product(mean, shape.width, shape.classes)
    x_info = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, shape.steps, shape.width])
    y_info = helper.make_tensor_value_info(y, TensorProto.FLOAT, [1, shape.classes])
    graph = helper.make_graph(nodes.nodes, "encoder", [x_info], [y_info], nodes.constants)
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def sequences(shape: Shape, count: int, seed: int) -> np.ndarray:
    """Random sequences, (count, steps, width) float32."""
    random = np.random.default_rng(seed)
    return random.normal(size=(count, shape.steps, shape.width)).astype(np.float32)


class _Reader(CalibrationDataReader):
    def __init__(self, samples: np.ndarray) -> None:
        self.samples: Iterator[np.ndarray] = iter(samples)

    def get_next(self) -> dict[str, np.ndarray] | None:
        sample = next(self.samples, None)
        return None if sample is None else {"x": sample[None]}


def quantised(model: onnx.ModelProto, samples: np.ndarray) -> onnx.ModelProto:
    """The model as ONNX Runtime's quantiser makes it: QDQ, u8 activations, s8 weights."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        onnx.save(onnx.shape_inference.infer_shapes(model), str(source))
        quantize_static(
            str(source),
            str(result),
            _Reader(samples),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(str(result))


def main() -> int:
    """Make, compile and verify; prints the report and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", default="ulx3s_85f")
    parser.add_argument("--output", type=Path, default=Path("build/encoder"))
    parser.add_argument("--layers", type=int, default=1)
    given = parser.parse_args()
    shape = Shape(layers=given.layers)
    model = quantised(float_model(shape), sequences(shape, 64, SEED + 1))
    design = hlsgen.compile(model, board=given.board, output=given.output)
    print((given.output / "report.txt").read_text())
    result = design.verify({"x": sequences(shape, 40, SEED + 2)}, engine="fast")
    print(result.text())
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
