"""Dequantize - operator - Quantize becomes integer operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Clamp, Lookup
from hlsgen.ops.op import QuantisedOutput, QuantisedValue
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.tensor_type import Quantisation, TensorType
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class QdqToInteger:
    """1. Quantize(relu?(op(Dequantize(x), constants))) -> Requantise(op(x)), bounds from relu and clip: ``op.quantised``
    2. Quantize(f(Dequantize(x))), f elementwise  -> x, Clamp(x) or Lookup(x)
    """

    name = "qdq_to_integer"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _integer, refused)


def _integer(build: GraphBuilder, node: Node) -> str | Reason:
    if not isinstance(node.op, QuantizeLinear):
        return ELSEWHERE
    if not node.op.quantisation.per_tensor:
        return Reason("its result is quantised per channel")
    chain: list[Node] = []
    core = build.producer(node.inputs[0])
    while core is not None and core.op.elementwise:
        chain.insert(0, core)
        core = build.producer(core.inputs[0])
    if core is None:
        return ELSEWHERE
    if isinstance(core.op, DequantizeLinear):
        return _unary(build, core.inputs[0], core.op, chain, node.op)
    bounds = _bounds(chain, node.op)
    if isinstance(bounds, Reason):
        return replace(bounds, node=core.name)
    operands: list[QuantisedValue] = []
    for value in core.inputs:
        operand = quantised_value(build, value)
        if isinstance(operand, Reason):
            return replace(operand, node=core.name)
        operands.append(operand)
    quantisation, element = node.op.quantisation, node.op.element
    adjacent = bounds == (element.minimum, element.maximum)
    zero = quantisation.zero_point[0]
    output = QuantisedOutput(quantisation.scale[0], zero, *bounds, element, adjacent)
    build.within(core.name)
    result = core.op.quantised(build, operands, output)
    return replace(result, node=core.name) if isinstance(result, Reason) else result


def quantised_value(build: GraphBuilder, name: str) -> QuantisedValue | Reason:
    """The integers behind a real operand: of its Dequantize, or the reals themselves where it is a float constant."""
    if name in build.constants:
        return QuantisedValue(
            name, build.types[name], Quantisation((1.0,), (0,)), build.constants[name]
        )
    producer = build.producer(name)
    if producer is None or not isinstance(producer.op, DequantizeLinear):
        return Reason(f"no Dequantize gives its operand {name}")
    source = producer.inputs[0]
    type = build.types[source]
    return QuantisedValue(source, type, producer.op.resolved(type), build.constants.get(source))


def _quantise(op: QuantizeLinear) -> Callable[[float], int]:
    def quantise(real: float) -> int:
        return int(op.evaluate(np, np.array([real], np.float32))[0])

    return quantise


def _bounds(chain: list[Node], op: QuantizeLinear) -> tuple[int, int] | Reason:
    """The bounds that clamps between operator and Quantize leave; a reason if one of them is not a clamp."""
    low, high = op.element.minimum, op.element.maximum
    for node in chain:
        bounds = node.op.bounds(_quantise(op))
        if bounds is None:
            return Reason(f"{node.op.name} between it and its Quantize is not a clamp")
        least = op.element.minimum if bounds[0] is None else bounds[0]
        most = op.element.maximum if bounds[1] is None else bounds[1]
        low, high = (min(max(bound, least), most) for bound in (low, high))
    return low, high


def _unary(
    build: GraphBuilder,
    source: str,
    dequantize: DequantizeLinear,
    chain: list[Node],
    quantize: QuantizeLinear,
) -> str | Reason:
    type = build.types[source]
    before, after = dequantize.resolved(type), quantize.quantisation
    if not before.per_tensor or type.integer.bits > 8:
        return Reason("its operand is quantised per channel, or to more than 8 bits")
    same = type.element == quantize.element and before.scale == after.scale
    bounds = _bounds(chain, quantize)
    if same and before.zero_point == after.zero_point and not isinstance(bounds, Reason):
        full = (quantize.element.minimum, quantize.element.maximum)
        return source if bounds == full else build.node(Clamp(*bounds), [source])
    values = table(type, dequantize, chain, quantize)
    return build.node(Lookup(values, quantize.element), [source])


def table(
    type: TensorType, dequantize: DequantizeLinear, chain: list[Node], quantize: QuantizeLinear
) -> tuple[int, ...]:
    """The result for every integer of the operand's type, by the float operators themselves."""
    element: ElementType = type.integer
    x = np.arange(element.minimum, element.maximum + 1)[None]
    real = dequantize.evaluate(np, x)
    for node in chain:
        real = node.op.evaluate(np, real)
    return tuple(int(v) for v in quantize.evaluate(np, real.astype(np.float32)).reshape(-1))
