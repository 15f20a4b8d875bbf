"""Small float models whose states are extra inputs and outputs, as exporters write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Samples = dict[str, np.ndarray]


class FloatModel:
    """Builds a float model node by node; values are named by the caller."""

    def __init__(self, name: str, seed: int = 0) -> None:
        self.name = name
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: Any, kind: Any = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, kind), name))
        return name

    def weights(self, *shape: int, spread: float = 0.5) -> str:
        return self.constant(self.random.normal(size=shape) * spread)

    def node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], f"{output}_node", **attributes))
        return output

    def finish(
        self,
        inputs: dict[str, list[int]],
        outputs: dict[str, list[int]],
        kind: int = TensorProto.FLOAT,
    ) -> onnx.ModelProto:
        ports = [
            [helper.make_tensor_value_info(name, kind, shape) for name, shape in values.items()]
            for values in (inputs, outputs)
        ]
        graph = helper.make_graph(self.nodes, self.name, *ports, self.constants)
        opsets = [helper.make_opsetid("", 13)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def gru_cell(inputs: int = 4, hidden: int = 8) -> tuple[onnx.ModelProto, Samples]:
    """A GRU cell and a layer that reads it; the state is ``hn`` of ``h0``."""
    build = FloatModel("gru")
    zeros = np.zeros(hidden)
    for gate in "zrc":
        weights, bias = build.weights(inputs, hidden), build.weights(hidden, spread=0.2)
        build.node("Gemm", ["x", weights, bias], f"x{gate}")
        recurrent = build.weights(hidden, hidden)
        build.node("Gemm", ["h0", recurrent, build.constant(zeros)], f"h{gate}")
    for gate in "zr":
        build.node("Add", [f"x{gate}", f"h{gate}"], f"s{gate}")
        build.node("Sigmoid", [f"s{gate}"], gate)
    build.node("Mul", ["r", "hc"], "rh")
    build.node("Add", ["xc", "rh"], "sc")
    build.node("Tanh", ["sc"], "c")
    build.node("Sub", ["h0", "c"], "d")
    build.node("Mul", ["z", "d"], "zd")
    build.node("Add", ["zd", "c"], "hn")
    build.node("Gemm", ["hn", build.weights(hidden, 3), build.constant(np.zeros(3))], "y")
    model = build.finish({"x": [1, inputs], "h0": [1, hidden]}, {"y": [1, 3], "hn": [1, hidden]})
    return model, {"x": build.random.normal(size=(24, inputs)).astype(np.float32)}


def streaming_convolution(channels: int = 4) -> tuple[onnx.ModelProto, Samples]:
    """A causal convolution that takes one element a sample; the state ``next`` of ``past`` is the two elements before it."""
    build = FloatModel("streaming")
    build.node("Concat", ["past", "x"], "line", axis=2)
    weights, bias = build.weights(6, channels, 3), build.weights(6, spread=0.1)
    build.node("Conv", ["line", weights, bias], "sum")
    build.node("Relu", ["sum"], "active")
    bounds = [build.constant([k], np.int64) for k in (1, 3, 2)]
    build.node("Slice", ["line", *bounds], "next")
    build.node("Conv", ["active", build.weights(3, 6, 1), build.weights(3)], "y")
    model = build.finish(
        {"x": [1, channels, 1], "past": [1, channels, 2]},
        {"y": [1, 3, 1], "next": [1, channels, 2]},
    )
    return model, {"x": build.random.normal(size=(24, channels, 1)).astype(np.float32)}


def two_states(features: int = 6) -> tuple[onnx.ModelProto, Samples]:
    """A delay of two samples by two states, of which the second is the first as it was, and an average of all three."""
    build = FloatModel("delays")
    build.node("Identity", ["x"], "b1")
    build.node("Identity", ["a1"], "b2")
    build.node("Add", ["x", "a1"], "two")
    build.node("Add", ["two", "a2"], "three")
    build.node("Gemm", ["three", build.weights(features, 3), build.weights(3)], "y")
    shape = [1, features]
    model = build.finish(
        {"x": shape, "a1": shape, "a2": shape}, {"y": [1, 3], "b1": shape, "b2": shape}
    )
    return model, {"x": build.random.normal(size=(24, features)).astype(np.float32)}


def state_and_output(features: int = 4) -> tuple[onnx.ModelProto, Samples]:
    """An Elman cell, whose state is its output."""
    build = FloatModel("elman")
    build.node("Gemm", ["x", build.weights(3, features), build.weights(features)], "a")
    build.node("Gemm", ["h0", build.weights(features, features), build.weights(features)], "b")
    build.node("Add", ["a", "b"], "c")
    build.node("Tanh", ["c"], "hn")
    build.node("Identity", ["hn"], "y")
    shape = [1, features]
    model = build.finish({"x": [1, 3], "h0": shape}, {"y": shape, "hn": shape})
    return model, {"x": build.random.normal(size=(24, 3)).astype(np.float32)}


def two_layers(kind: str, parts: str) -> tuple[onnx.ModelProto, Samples, dict[str, str]]:
    """Two layers of an LSTM or GRU and a layer that reads the last, as exporters write them: the states (2, 1, features) of both layers
    in one tensor, taken apart by ``parts`` (Split or Slice). Also which output is kept for which input."""
    gates, inputs, hidden = {"GRU": 3, "LSTM": 4}[kind], 3, 4
    build = FloatModel("two_layers")
    states = {"hn": "h0", "kn": "k0"} if kind == "LSTM" else {"hn": "h0"}
    for name in states.values():
        ends = [f"{name}_0", f"{name}_1"]
        if parts == "Split":
            build.nodes.append(helper.make_node("Split", [name], ends, f"{name}_node", axis=0))
        else:
            for k, end in enumerate(ends):
                bounds = [build.constant([n], np.int64) for n in (k, k + 1, 0)]
                build.node("Slice", [name, *bounds], end)
    x, own = "x", {"linear_before_reset": 1} if kind == "GRU" else {}
    for k, width in enumerate((inputs, hidden)):
        weights = [build.weights(1, gates * hidden, n) for n in (width, hidden)]
        bias = build.weights(1, 2 * gates * hidden, spread=0.2)
        operands = [x, *weights, bias, "", *(f"{name}_{k}" for name in states.values())]
        results = [f"y{k}", *(f"{name}_{k}" for name in states)]
        cell = helper.make_node(kind, operands, results, f"cell{k}", hidden_size=hidden, **own)
        build.nodes.append(cell)
        x = build.node("Squeeze", [f"y{k}", build.constant([1], np.int64)], f"steps{k}")
    for name in states:
        build.node("Concat", [f"{name}_0", f"{name}_1"], name, axis=0)
    build.node("Squeeze", [x, build.constant([0], np.int64)], "last")
    build.node("Gemm", ["last", build.weights(hidden, 3), build.weights(3)], "y")
    shape = [2, 1, hidden]
    model = build.finish(
        {"x": [1, 1, inputs], **dict.fromkeys(states.values(), shape)},
        {"y": [1, 3], **dict.fromkeys(states, shape)},
    )
    return model, {"x": build.random.normal(size=(24, 1, inputs)).astype(np.float32)}, states


def with_counter(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed in place, with a state besides that no circuit makes: a 64-bit integer that counts samples."""
    model.graph.initializer.append(numpy_helper.from_array(np.ones((1, 1), np.int64), "one"))
    model.graph.node.append(helper.make_node("Add", ["n0", "one"], ["n1"], "count"))
    for ports, name in ((model.graph.input, "n0"), (model.graph.output, "n1")):
        ports.append(helper.make_tensor_value_info(name, TensorProto.INT64, [1, 1]))
    return model
