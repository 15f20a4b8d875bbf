"""A jet-tagging network of the size that others unroll: 16-64-32-32-5, weights of 6 bits of which 73 % are 0, made with a fixed seed.

Inputs are s6. A layer adds a bias, drops its low bits (rounded down, as hls4ml and da4ml do by default) and saturates to u6.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZES = (16, 64, 32, 32, 5)
DROPPED = (5, 6, 5)
"""Low bits of the sums of each layer that are dropped; the last layer gives its sums."""
ZEROS = 0.73
DOMAIN = "qonnx.custom_op.general"
STEP = 2.0**-3
WEIGHT_STEP = 2.0**-5


@dataclass(frozen=True, eq=False)
class Layer:
    """``weights`` (outputs, inputs) and ``bias`` (outputs,) in steps of the products."""

    weights: np.ndarray
    bias: np.ndarray


def layers(seed: int = 0) -> tuple[Layer, ...]:
    """The layers of a seed: weights of -31 to 31, biases of -512 to 512."""
    random, of_bias = np.random.default_rng(seed), np.random.default_rng(seed + 100)
    chain = []
    for inputs, outputs in pairwise(SIZES):
        weights = random.integers(-31, 32, (outputs, inputs))
        weights[weights == 0] = 1
        weights[random.random((outputs, inputs)) < ZEROS] = 0
        chain.append(Layer(weights, of_bias.integers(-512, 513, outputs)))
    return tuple(chain)


def results(vectors: np.ndarray, seed: int = 0) -> np.ndarray:
    """What the network computes, in integers: (samples, 16) to (samples, 5)."""
    values = vectors.astype(np.int64)
    for k, layer in enumerate(layers(seed)):
        values = values @ layer.weights.T + layer.bias
        if k < len(DROPPED):
            values = np.clip(values >> DROPPED[k], 0, 63)
    return values


def samples(count: int = 200) -> dict[str, np.ndarray]:
    """Inputs over their whole range, as reals."""
    integers = np.random.default_rng(7).integers(-32, 32, (count, SIZES[0]))
    return {"x": (integers * STEP).astype(np.float32)}


def model(seed: int = 0) -> onnx.ModelProto:
    """The network as QONNX."""
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, value: np.ndarray | float) -> str:
        constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def quantised(x: str, name: str, step: float, signed: bool, mode: str) -> str:
        numbers = [
            constant(f"{name}_{k}", n) for k, n in (("step", step), ("zero", 0), ("bits", 6))
        ]
        nodes.append(
            helper.make_node(
                "Quant",
                [x, *numbers],
                [name],
                name,
                domain=DOMAIN,
                signed=int(signed),
                narrow=0,
                rounding_mode=mode,
            )
        )
        return name

    value, step = quantised("x", "inputs", STEP, True, "ROUND"), STEP
    for k, layer in enumerate(layers(seed)):
        reals = constant(f"w{k}", layer.weights.T * WEIGHT_STEP)
        weights = quantised(reals, f"weights{k}", WEIGHT_STEP, True, "ROUND")
        step *= WEIGHT_STEP
        nodes.append(helper.make_node("MatMul", [value, weights], [f"products{k}"], f"fc{k}"))
        bias = constant(f"bias{k}", layer.bias * step)
        value = f"sums{k}"
        nodes.append(helper.make_node("Add", [f"products{k}", bias], [value], f"add{k}"))
        if k < len(DROPPED):
            nodes.append(helper.make_node("Relu", [value], [f"relu{k}"], f"relu{k}"))
            step *= 2 ** DROPPED[k]
            value = quantised(f"relu{k}", f"activations{k}", step, False, "FLOOR")
    graph = helper.make_graph(
        nodes,
        "jet",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, SIZES[0]))],
        [helper.make_empty_tensor_value_info(value)],
        constants,
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)]
    network: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return network
