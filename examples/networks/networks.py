"""Four float networks with random weights of fixed seeds: made, quantised with samples, compiled, and verified in RTL.

``python examples/networks/networks.py NAME [--board BOARD] [--effort EFFORT] [--precision fixed16]``; NAME is one of

* ``keyword_gru``: a GRU over a sequence of features, and a classifier of its last state;
* ``mobilenet_v2``: inverted residual blocks with depthwise convolutions and ReLU6;
* ``resnet_se``: residual blocks whose channels are weighed by squeeze and excitation;
* ``unet``: two scales down and up again, joined by Concat, with Resize between.

Exit code 0 only if every output element of the circuit equals the integer meaning of the network, and differs from ONNX Runtime on the
quantised network by no more than the design's manifest declares. How far that is from the float network is printed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import hlsgen

SEED = 2026


class Nodes:
    """Nodes and constants of a float model with random weights; methods return names of values."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.name, self.shape = name, shape
        self.random = np.random.default_rng(SEED)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def weights(self, *shape: int, gain: float = 1.0) -> str:
        """Random weights of products with as many terms as all axes but the first have."""
        spread = gain / np.sqrt(np.prod(shape[1:]))
        return self.constant(self.random.normal(0, spread, shape).astype(np.float32))

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        output = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def conv(
        self, x: str, inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1
    ) -> str:
        """A convolution with a bias and BatchNormalization, of padding that keeps the size for stride 1."""
        y = self.node(
            "Conv",
            x,
            self.weights(outputs, inputs // groups, size, size, gain=1.4),
            strides=[stride] * 2,
            pads=[size // 2] * 4,
            group=groups,
        )
        ends = ((0.8, 1.2), (-0.2, 0.2), (-0.1, 0.1), (0.8, 1.2))
        parameters = [self.random.uniform(*end, outputs).astype(np.float32) for end in ends]
        return self.node("BatchNormalization", y, *map(self.constant, parameters))

    def gemm(self, x: str, inputs: int, outputs: int) -> str:
        bias = self.random.normal(0, 0.1, outputs).astype(np.float32)
        return self.node("Gemm", x, self.weights(outputs, inputs), self.constant(bias), transB=1)

    def relu6(self, x: str) -> str:
        bounds = (self.constant(np.array(bound, np.float32)) for bound in (0, 6))
        return self.node("Clip", x, *bounds)

    def model(self, output: str) -> onnx.ModelProto:
        """The model with one input ``x`` of ``shape`` and this output."""
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, list(self.shape))
        y = helper.make_empty_tensor_value_info(output)
        graph = helper.make_graph(self.nodes, self.name, [x], [y], self.constants)
        opsets = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return onnx.shape_inference.infer_shapes(model)


def keyword_gru(
    steps: int = 10, features: int = 8, hidden: int = 8, words: int = 4
) -> onnx.ModelProto:
    """Input (1, steps, features): a GRU as PyTorch exports it, and the scores of its last state."""
    nodes = Nodes("keyword_gru", (1, steps, features))
    x = nodes.node("Transpose", "x", perm=[1, 0, 2])
    w, r = (nodes.weights(3 * hidden, count, gain=1.5) for count in (features, hidden))
    axes = nodes.constant(np.array([0]))
    operands = [nodes.node("Unsqueeze", value, axes) for value in (w, r)]
    bias = nodes.random.normal(0, 0.2, (1, 6 * hidden)).astype(np.float32)
    states, last = "states", "last"
    nodes.nodes.append(
        helper.make_node(
            "GRU",
            [x, *operands, nodes.constant(bias)],
            [states, last],
            name="cell",
            hidden_size=hidden,
            linear_before_reset=1,
        )
    )
    return nodes.model(nodes.gemm(nodes.node("Squeeze", last, axes), hidden, words))


def mobilenet_v2(size: int = 16) -> onnx.ModelProto:
    """Input (1, 3, size, size): a stem, four inverted residual blocks of expansion 3, a head, a mean over the map, a classifier."""
    nodes = Nodes("mobilenet_v2", (1, 3, size, size))
    x, channels = nodes.relu6(nodes.conv("x", 3, 8, stride=2)), 8
    for outputs, stride in ((8, 1), (12, 2), (12, 1), (16, 1)):
        inner = 3 * channels
        y = nodes.relu6(nodes.conv(x, channels, inner, size=1))
        y = nodes.relu6(nodes.conv(y, inner, inner, stride=stride, groups=inner))
        y = nodes.conv(y, inner, outputs, size=1)
        x = nodes.node("Add", x, y) if (outputs, stride) == (channels, 1) else y
        channels = outputs
    x = nodes.relu6(nodes.conv(x, channels, 32, size=1))
    x = nodes.node("Flatten", nodes.node("GlobalAveragePool", x))
    return nodes.model(nodes.gemm(x, 32, 10))


def resnet_se(size: int = 12) -> onnx.ModelProto:
    """Input (1, 3, size, size): a stem, three residual blocks with squeeze and excitation, a mean over the map, a classifier."""
    nodes = Nodes("resnet_se", (1, 3, size, size))
    x, channels = nodes.node("Relu", nodes.conv("x", 3, 8)), 8
    for outputs, stride in ((8, 1), (16, 2), (16, 1)):
        y = nodes.node("Relu", nodes.conv(x, channels, outputs, stride=stride))
        y = nodes.conv(y, outputs, outputs)
        squeezed = nodes.node("GlobalAveragePool", y)
        few = nodes.node("Relu", nodes.node("Conv", squeezed, nodes.weights(4, outputs, 1, 1)))
        gates = nodes.node("Conv", few, nodes.weights(outputs, 4, 1, 1, gain=2.0))
        y = nodes.node("Mul", y, nodes.node("Sigmoid", gates))
        same = (outputs, stride) == (channels, 1)
        x = x if same else nodes.conv(x, channels, outputs, size=1, stride=stride)
        x, channels = nodes.node("Relu", nodes.node("Add", x, y)), outputs
    x = nodes.node("Flatten", nodes.node("GlobalAveragePool", x))
    return nodes.model(nodes.gemm(x, channels, 10))


def unet(size: int = 16) -> onnx.ModelProto:
    """Input (1, 1, size, size), output (1, 2, size, size): two scales down, two up, each joined to what was there on the way down."""
    nodes = Nodes("unet", (1, 1, size, size))
    x, channels, skipped = "x", 1, []
    for outputs in (4, 8):
        x = nodes.node("Relu", nodes.conv(x, channels, outputs))
        skipped.append((x, outputs))
        x = nodes.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        channels = outputs
    x, channels = nodes.node("Relu", nodes.conv(x, channels, 16)), 16
    scales = nodes.constant(np.array([1, 1, 2, 2], np.float32))
    for before, outputs in reversed(skipped):
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
        x = nodes.node("Resize", x, "", scales, nearest_mode="floor", **how)
        x = nodes.node("Concat", x, before, axis=1)
        x = nodes.node("Relu", nodes.conv(x, channels + outputs, outputs))
        channels = outputs
    return nodes.model(nodes.conv(x, channels, 2, size=1))


NETWORKS: dict[str, Callable[[], onnx.ModelProto]] = {
    "keyword_gru": keyword_gru,
    "mobilenet_v2": mobilenet_v2,
    "resnet_se": resnet_se,
    "unet": unet,
}


def samples_for(model: onnx.ModelProto, count: int, seed: int) -> dict[str, Any]:
    """Random samples of the model's input, along axis 0."""
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    random = np.random.default_rng(seed)
    return {"x": random.normal(size=(count, *shape[1:])).astype(np.float32)}


def main() -> int:
    """Make, compile and verify; prints the report and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=NETWORKS)
    parser.add_argument("--board", default="ulx3s_85f")
    parser.add_argument("--effort", default="small")
    parser.add_argument("--precision", choices=["fixed16", "fixed24"])
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    model = NETWORKS[given.name]()
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder, "samples.npz")
        np.savez(samples, **samples_for(model, 64, SEED + 1))
        fixed = {"precision": given.precision, "samples": samples}
        design = hlsgen.compile(
            model,
            board=given.board,
            effort=given.effort,
            output=given.output or Path("build", given.name),
            **(fixed if given.precision else {"calibrate": samples}),
        )
    print((design.directory / "report.txt").read_text())
    result = design.verify(samples_for(model, 4, SEED + 2), engine="fast")
    print(result.text())
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
