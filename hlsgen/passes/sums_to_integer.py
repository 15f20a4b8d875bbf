"""Products with weights whose results stay real: their sums are integers all the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.accumulate import LARGEST_BIAS, product_scales
from hlsgen.ops.add import Add
from hlsgen.ops.gemm import Gemm
from hlsgen.ops.op import QuantisedValue
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.tensor_type import Quantisation
from hlsgen.passes.qdq_to_integer import quantised_value
from hlsgen.passes.rewrite import Refused, rewrite, unheard
from hlsgen.passes.sums import SUMS


class SumsToInteger:
    """op(Dequantize(x), Dequantize(w), b) -> Add(Dequantize(op(x, w)), b)      op a product with constant weights; without Add where b is a
    whole number of its steps

    Of the last products of a network alone, which no Quantize follows: their sums leave the circuit.
    """

    name = "sums_to_integer"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        last = _after_all_quantizers(graph)

        def rule(build: GraphBuilder, node: Node) -> str | Reason:
            return _sums(build, node) if node.output in last else ELSEWHERE

        return rewrite(graph, rule, refused)


def _after_all_quantizers(graph: Graph) -> set[str]:
    """The values that outputs are made from, and no Quantize is."""
    above, live = set[str](), set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.output in live:
            live.update(node.inputs)
            if isinstance(node.op, QuantizeLinear) or node.output in above:
                above.update(node.inputs)
    return live - above


def _sums(build: GraphBuilder, node: Node) -> str | Reason:
    if not node.op.weighted or build.types[node.inputs[0]].is_integer:
        return ELSEWHERE
    operands = [quantised_value(build, name) for name in node.inputs[:2]]
    x, w = operands
    if (
        isinstance(x, Reason)
        or isinstance(w, Reason)
        or not (x.type.is_integer and w.constant is not None)
    ):
        return ELSEWHERE
    if not w.type.is_integer:
        return Reason("the weights are reals, not quantised")
    if not x.quantisation.per_tensor:
        return Reason("the input is quantised per channel")
    if isinstance(node.op, Gemm) and (node.op.alpha, node.op.beta) != (1.0, 1.0):
        return Reason("its factors are not 1")
    bias = node.inputs[2] if len(node.inputs) == 3 else None
    steps = [_in_steps(x), _in_steps(w)]
    whole = None if bias is None else _whole_bias(build, node, x, w, bias)
    if whole is not None:
        steps.append(whole)
    sums = node.op.quantised(build, steps, SUMS)
    if isinstance(sums, Reason):
        return sums
    axis = node.op.result_axis(len(build.types[sums].shape))
    scales = tuple(map(float, _scales(x, w, build.types[sums].shape[axis])))
    quantisation = Quantisation(scales, (0,) * len(scales), axis if len(scales) > 1 else None)
    real = build.node(DequantizeLinear(quantisation), [sums])
    if bias is None or whole is not None:
        return real
    behind = len(build.types[sums].shape) - 1 - axis
    shape = (*build.types[bias].shape, *(1,) * behind)
    return build.node(Add(), [real, build.node(Reshape(shape), [bias]) if behind else bias])


def _scales(x: QuantisedValue, w: QuantisedValue, channels: int) -> np.ndarray:
    """One scale, or one for each channel: groups of a ConvTranspose share those of its weights."""
    scales = product_scales(x, w)
    return scales if len(scales) == 1 else np.tile(scales, channels // len(scales))


def _in_steps(value: QuantisedValue) -> QuantisedValue:
    """The same integers with scales of 1."""
    old = value.quantisation
    return replace(value, quantisation=replace(old, scale=(1.0,) * len(old.scale)))


def _whole_bias(
    build: GraphBuilder, node: Node, x: QuantisedValue, w: QuantisedValue, bias: str
) -> QuantisedValue | None:
    """A bias that is a whole number of the product's steps in every channel, in these steps; None for others."""
    value = quantised_value(build, bias)
    if isinstance(value, Reason) or value.constant is None or value.constant.ndim != 1:
        return None
    scales = value.quantisation.scales().astype(np.float64)
    reals = (value.constant.astype(np.float64) - value.quantisation.zero_points()) * scales
    if len(product_scales(x, w)) > len(reals):
        return None
    steps = reals / _scales(x, w, len(reals)).astype(np.float64)
    if np.any(steps != np.rint(steps)) or np.abs(steps).max() >= LARGEST_BIAS:
        return None
    integers = build.integers(f"{node.name}_bias", steps.astype(np.int64))
    one = Quantisation((1.0,), (0,))
    return QuantisedValue(integers, build.types[integers], one, build.constants[integers])
