"""Bounds behind a product with weights go behind the factors and sums that follow them, which can then be folded into the product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Clip, Relu
from hlsgen.ops.add import Add
from hlsgen.ops.arithmetic import Max, Min
from hlsgen.ops.multiply import Mul
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.tensor_type import F32
from hlsgen.passes.rewrite import Refused, rewrite, unheard


@dataclass(frozen=True, eq=False)
class BoundedValue:
    """``value`` between ``low`` and ``high``, float32 arrays that broadcast to it; where they are infinite there is no bound."""

    value: str
    low: np.ndarray
    high: np.ndarray


class SinkBounds:
    """With x a product with weights, Mul or Add with a constant of one, and bounds a Relu, Clip, or a Max or Min with a constant:

    1. Mul(bounds(x), c) -> bounds'(Mul(x, c))      a negative c turns low and high round
    2. Add(bounds(x), c) -> bounds'(Add(x, c))
    3. Relu or Clip (Max or Min (x, constants)) -> bounds'(x)

    As after a batch normalisation behind a Relu. Equal but for the rounding of the factors that FoldIntoWeights then multiplies.
    """

    name = "sink_bounds"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _sink, refused)


def _sink(build: GraphBuilder, node: Node) -> str | Reason:
    if isinstance(node.op, Relu | Clip):
        before = build.producer(node.inputs[0])
        if before is None or not isinstance(before.op, Max | Min):
            return ELSEWHERE
        merged = _bounds_of(build, node.inputs[0], *_ends(build, node))
        return ELSEWHERE if merged is None else _bounded(build, merged)
    if not isinstance(node.op, Mul | Add):
        return ELSEWHERE
    value, constant = node.inputs[0], build.constants.get(node.inputs[1])
    name = node.inputs[1]
    if constant is None:
        value, name, constant = node.inputs[1], value, build.constants.get(value)
    shape = build.types[node.output].shape if node.output in build.types else None
    bounds = None if constant is None else _bounds_of(build, value)
    if constant is None or bounds is None or not _product(build, bounds.value):
        return ELSEWHERE
    inner = build.types[bounds.value].shape
    if shape not in (None, inner) or np.broadcast_shapes(inner, constant.shape) != inner:
        return Reason("a constant broadcasts its operand")
    given = constant.astype(np.float32)
    moved = build.node(node.op, [bounds.value, name])
    if isinstance(node.op, Add):
        return _bounded(build, BoundedValue(moved, bounds.low + given, bounds.high + given))
    if not np.all(given):
        return Reason("a factor behind its bounds is 0")
    ends = bounds.low * given, bounds.high * given
    return _bounded(build, BoundedValue(moved, np.minimum(*ends), np.maximum(*ends)))


Ends = tuple[np.ndarray, np.ndarray]
_NONE: Ends = (np.asarray(-np.inf, np.float32), np.asarray(np.inf, np.float32))


def _ends(build: GraphBuilder, node: Node) -> Ends:
    """The least and the greatest number that a bound lets through."""
    if isinstance(node.op, Relu):
        return np.zeros((), np.float32), _NONE[1]
    if isinstance(node.op, Clip):
        ends = zip((node.op.low, node.op.high), _NONE, strict=True)
        low, high = (none if end is None else np.asarray(end, np.float32) for end, none in ends)
        return low, high
    given = next(build.constants[v] for v in node.inputs if v in build.constants)
    given = given.astype(np.float32)
    return (given, _NONE[1]) if isinstance(node.op, Max) else (_NONE[0], given)


def _bounds_of(
    build: GraphBuilder, value: str, low: np.ndarray = _NONE[0], high: np.ndarray = _NONE[1]
) -> BoundedValue | None:
    """The bounds that the operators before a value are, and then ``low`` and ``high``; None where there are none before it."""
    first = value
    while (node := build.producer(value)) is not None:
        computed = [v for v in node.inputs if v not in build.constants]
        extremum = isinstance(node.op, Max | Min) and len(node.inputs) == 2
        if len(computed) != 1 or not (extremum or isinstance(node.op, Relu | Clip)):
            break
        if build.types[computed[0]].shape != build.types[value].shape:
            break
        # what comes later bounds the bounds before it
        low, high = (np.minimum(np.maximum(end, low), high) for end in _ends(build, node))
        (value,) = computed
    return None if value == first else BoundedValue(value, low, high)


def _product(build: GraphBuilder, value: str) -> bool:
    """Whether a value is a product with weights, with factors and sums that can be folded into it."""
    node = build.producer(value)
    while node is not None and isinstance(node.op, Mul | Add):
        computed = [v for v in node.inputs if v not in build.constants]
        if len(computed) != 1:
            return False
        node = build.producer(computed[0])
    return node is not None and node.op.weighted and not build.types[value].is_integer


def _bounded(build: GraphBuilder, bounds: BoundedValue) -> str:
    """The operators for bounds: Clip where they are one number."""
    low, high = bounds.low, bounds.high
    if all(np.all(end == end.reshape(-1)[0]) for end in (low, high)):
        least, most = (float(end.reshape(-1)[0]) for end in (low, high))
        op = Clip(None if least == -np.inf else least, None if most == np.inf else most)
        return build.node(op, [bounds.value])
    value = bounds.value
    for op_of, end, none in ((Max(), low, -np.inf), (Min(), high, np.inf)):
        if np.any(end != none):
            name = build.constant(build.fresh(f"{value}_bound"), end, F32)
            value = build.node(op_of, [value, name])
    return value
