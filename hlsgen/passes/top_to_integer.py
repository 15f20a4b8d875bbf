"""The greatest or least quantised elements along an axis, in order, where a circuit goes on with them."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra import scalar
from hlsgen.algebra.expression import Call, Expression, Literal, Operand
from hlsgen.algebra.types import ElementType
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.axes import AxisMaximum
from hlsgen.ops.formula import ElementFormula
from hlsgen.ops.join import Concat
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.select import TopK
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class TopToInteger:
    """Values of TopK(Dequantize(x)) that a Quantize takes later -> Dequantize(the greatest of x, again and again without those taken).

    Each integer has its place in the bits below it, so that no two are equal and the first of equal ones is taken first, as ONNX says.
    Exact: float32 keeps the order of the integers.
    """

    name = "top_to_integer"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        quantised = _before_quantizers(graph)

        def rule(build: GraphBuilder, node: Node) -> str | Reason:
            if not isinstance(node.op, TopK) or node.op.result or node.output not in quantised:
                return ELSEWHERE
            return _greatest(build, node, node.op)

        return rewrite(graph, rule, refused)


def _before_quantizers(graph: Graph) -> set[str]:
    """The values that some Quantize depends on."""
    values: set[str] = set()
    for node in reversed(graph.nodes):
        if isinstance(node.op, QuantizeLinear) or node.output in values:
            values.update(node.inputs)
    return values


def _greatest(build: GraphBuilder, node: Node, op: TopK) -> str | Reason:
    dequantize = build.producer(node.inputs[0])
    if dequantize is None or not isinstance(dequantize.op, DequantizeLinear):
        return Reason(f"no Dequantize gives its operand {node.inputs[0]}")
    source = dequantize.inputs[0]
    type = build.types[source]
    if not dequantize.op.resolved(type).per_tensor:
        return Reason("its operand is quantised per channel")
    if (reason := op.untaken(type)) is not None:
        return reason
    axis, count = op.axis % len(type.shape), op.count
    assert isinstance(count, int), "that is among the reasons"
    extent, element = type.shape[axis], type.integer
    bits = max(1, (extent - 1).bit_length())
    shape = [1] * len(type.shape)
    shape[axis] = extent
    places = build.integers("places", np.arange(extent)[::-1].reshape(shape))
    sign = 1 if op.largest else -1
    keyed: Expression = _call(scalar.Multiply(), Operand("r0"), Literal(sign << bits))
    ends = sorted((sign * element.minimum << bits, sign * element.maximum << bits))
    least, most = ends[0] - 1, ends[1] + (1 << bits) - 1  # less than any: one that is taken
    key = ElementType.holding(least, most)
    keyed = _call(scalar.Clamp(least, most), _call(scalar.Add(), keyed, Operand("r1")))
    rest = build.node(ElementFormula.of(keyed, key), [source, places])
    taken = []
    for number in range(count):
        taken.append(build.node(AxisMaximum((axis,), True), [rest]))
        if number + 1 < count:
            rest = build.node(ElementFormula.of(_without(key, least), key), [rest, taken[-1]])
    together = build.node(Concat(axis), taken) if count > 1 else taken[0]
    value = _call(scalar.ShiftRight(bits), Operand("r0"))
    value = _call(scalar.Multiply(), value, Literal(sign)) if sign < 0 else value
    bounded = _call(scalar.Clamp(element.minimum, element.maximum), value)
    values = build.node(ElementFormula.of(bounded, element), [together])
    return build.node(dequantize.op, [values])


def _without(key: ElementType, least: int) -> Expression:
    """r0, or ``least`` where it is r1, which no other is."""
    own = Operand("r0")
    same = _call(scalar.Equal(), own, Operand("r1"))
    gap = _call(scalar.Subtract(), Literal(least), own)
    whole = _call(scalar.Add(), own, _call(scalar.Multiply(), gap, same))
    return _call(scalar.Clamp(key.minimum, key.maximum), whole)


def _call(op: scalar.ScalarOp, *operands: Expression) -> Expression:
    return Call(op, operands)
