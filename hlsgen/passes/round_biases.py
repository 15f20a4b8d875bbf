"""Real biases of quantised products become integers, as ONNX Runtime's optimiser makes them."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.accumulate import LARGEST_BIAS
from hlsgen.ops.activation import Clip, Relu
from hlsgen.ops.conv import Conv
from hlsgen.ops.gemm import Gemm
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.tensor_type import Quantisation
from hlsgen.passes.rewrite import Refused, rewrite, unheard

_S32 = ElementType(32, True)


class RoundBiases:
    """Quantize(relu?(Conv(Dequantize(x), Dequantize(w), b))) -> the same with Dequantize(RNE(f32(b / S))), S = f32(sx * sw); also of a Gemm

    b is a real constant (C,). ONNX Runtime's default session does this before it chooses kernels (``WeightBiasQuantization`` of its
    ``qdq_transformer``, in 1.32), so that its integer kernels are equal to the circuit; biases that are written as an Add stay real.
    """

    name = "round_biases"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        def rule(build: GraphBuilder, node: Node) -> str | Reason:
            return _rounded(build, node) if _is_quantised_at_once(graph, node) else ELSEWHERE

        return rewrite(graph, rule, refused)


def _is_quantised_at_once(graph: Graph, node: Node) -> bool:
    """Whether a product with a bias goes to one Quantize, by way of nothing but Relu and Clip."""
    product = isinstance(node.op, Conv | Gemm) and len(node.inputs) == 3
    while product:
        readers = graph.consumers.get(node.output, ())
        if len(readers) != 1 or node.output in graph.outputs:
            return False
        (node,) = readers
        if isinstance(node.op, QuantizeLinear):
            return True
        product = isinstance(node.op, Relu | Clip)
    return False


def _rounded(build: GraphBuilder, node: Node) -> str | Reason:
    bias = build.constants.get(node.inputs[2])
    x = _scales(build, _before_moves(build, node.inputs[0]))
    w = _scales(build, node.inputs[1])
    if bias is None or bias.ndim != 1 or bias.dtype != np.float32:
        return ELSEWHERE
    if isinstance(node.op, Gemm) and not node.op.alpha == node.op.beta == 1.0:
        return ELSEWHERE
    if x is None or w is None or not x.per_tensor:
        return ELSEWHERE
    per_channel = w.axis == node.op.weight_axis and len(w.scale) == bias.size
    if not (w.per_tensor or per_channel):
        return ELSEWHERE
    steps = x.scales() * w.scales()
    integers = np.rint(bias / steps)
    if not np.all(np.abs(integers) < LARGEST_BIAS):
        return ELSEWHERE
    build.within(node.name)
    name = build.fresh(f"{node.inputs[2]}_rounded")
    build.constant(name, integers.astype(np.int32), _S32)
    axis = None if w.per_tensor else 0
    step = Quantisation(tuple(map(float, steps)), (0,) * len(steps), axis)
    return build.node(node.op, [*node.inputs[:2], build.node(DequantizeLinear(step), [name])])


def _before_moves(build: GraphBuilder, value: str) -> str:
    """The value of which this one is only moved, e.g. reshaped."""
    node = build.producer(value)
    while node is not None and node.op.moves_data and len(node.inputs) == 1:
        value = node.inputs[0]
        node = build.producer(value)
    return value


def _scales(build: GraphBuilder, value: str) -> Quantisation | None:
    """What the integers behind a real value stand for; None where no Dequantize gives it."""
    node = build.producer(value)
    if node is None or not isinstance(node.op, DequantizeLinear):
        return None
    return node.op.resolved(build.types[node.inputs[0]])
