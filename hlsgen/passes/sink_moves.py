"""Operators that only move elements are brought out from between Dequantize and Quantize."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.compare import Where
from hlsgen.ops.join import Concat
from hlsgen.ops.move import Expand, Take
from hlsgen.ops.op import TensorOp
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.reshape import Reshape, Squeeze, Unsqueeze
from hlsgen.ops.tensor_type import Element, Quantisation
from hlsgen.ops.transpose import Transpose
from hlsgen.passes.rewrite import Refused, rewrite, unheard

_FEW = 8


class SinkMoves:
    """With ``move`` an operator that moves data or selects the greatest (Reshape, Concat, Pad, MaxPool), per-tensor quantisation:

    1. move(Dequantize(x))  -> Dequantize(move(x))      of several operands (Concat): if all have one quantisation
    2. Quantize(move(x))    -> move(Quantize(x))
    3. relu(move(x))        -> move(relu(x))         any elementwise operator; a monotone one where the move selects
    4. add(Transpose(x), c) -> Transpose(add(x, transposed c))   any pointwise operator on reals with one operand that is not constant;
                               also of moves that only add or leave out axes of extent 1
    5. add(x, c)            -> add(Expand(x), c)    the same, with a constant that has more elements
    6. Where(c, x, y)       -> Take(Concat(x, y))   with a constant condition

    Exact: quantisation is the same function of every element and never decreases.
    """

    name = "sink_moves"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _sink, refused)


def _sink(build: GraphBuilder, node: Node) -> str | Reason:
    if not node.inputs:
        return ELSEWHERE
    if node.op.moves_data:
        return _above_dequantize(build, node)
    if node.op.pointwise and len(node.inputs) > 1:
        chosen = _chosen(build, node) if isinstance(node.op, Where) else ELSEWHERE
        return _of_one_operand(build, node) if isinstance(chosen, Reason) else chosen
    before = build.producer(node.inputs[0])
    if before is None or not before.op.moves_data or build.types[before.output].is_integer:
        return ELSEWHERE
    quantize = isinstance(node.op, QuantizeLinear) and node.op.quantisation.per_tensor
    monotone = quantize or node.op.monotone
    if not (quantize or node.op.elementwise) or (before.op.selects and not monotone):
        return Reason(f"{node.op.name} does not commute with {before.op.name}")

    def function(real: float) -> Any:
        return node.op.evaluate(np, np.array([real], np.float32))[0]

    values = []
    for operand in before.inputs:
        sunk = _sink(build, Node(node.name, node.op, (operand,), node.output))
        values.append(build.node(node.op, [operand]) if isinstance(sunk, Reason) else sunk)
    op = before.op.commuted(function, integer=quantize)
    return build.node(op, values, name=before.name)


def _of_one_operand(build: GraphBuilder, node: Node) -> str | Reason:
    """A function of one computed operand and constants, by the rules 4 and 5."""
    computed = {value for value in node.inputs if build.known(value) is None}
    if len(computed) != 1:
        return ELSEWHERE
    (operand,) = computed
    type = build.types[operand]
    whole = np.broadcast_shapes(*(build.types[value].shape for value in node.inputs))
    if type.is_integer:
        return ELSEWHERE
    if whole != type.shape:
        if whole[:1] != (1,):
            return Reason("a constant broadcasts its operand")
        expanded = _expanded(build, operand, whole)
        return build.node(node.op, [expanded if v == operand else v for v in node.inputs])
    before = build.producer(operand)
    if any(value != operand and value not in build.constants for value in node.inputs):
        return ELSEWHERE
    if before is None or not _orders(before.op, build.types[before.inputs[0]].shape, type.shape):
        return ELSEWHERE
    operands = [
        before.inputs[0] if value == operand else _moved_back(build, value, before)
        for value in node.inputs
    ]
    inner = _of_one_operand(build, Node(node.name, node.op, tuple(operands), node.output))
    sunk = build.node(node.op, operands) if isinstance(inner, Reason) else inner
    return build.node(before.op, [sunk], name=before.name)


def _chosen(build: GraphBuilder, node: Node) -> str | Reason:
    """The elements of two operands that a constant condition names, in the order of the result; of constants only where they are many, since few
    are tables."""
    condition, first, second = node.inputs
    known = build.known(condition)
    fixed = [array for v in (first, second) if (array := build.known(v)) is not None]
    few = any(np.unique(array).size <= _FEW for array in fixed)
    if known is None or len(fixed) == 2 or few or build.types[first].is_integer:
        return ELSEWHERE
    shapes = [build.types[value].shape for value in (first, second)]
    whole = np.broadcast_shapes(known.shape, *shapes)
    sizes = [int(np.prod(shape)) for shape in shapes]
    if whole[:1] != (1,):
        return ELSEWHERE
    own, its = (np.arange(n).reshape(shape) for n, shape in zip(sizes, shapes, strict=True))
    places = np.where(known.astype(bool), own, its + sizes[0])
    rows = [build.node(Reshape((1, n)), [v]) for n, v in zip(sizes, (first, second), strict=True)]
    joined = build.node(Concat(1), rows)
    taken = build.node(Take(tuple(places.reshape(-1).tolist()), (places.size,), 1), [joined])
    return build.node(Reshape(whole), [taken])


def _orders(op: TensorOp, shape: tuple[int, ...], moved: tuple[int, ...]) -> bool:
    """Whether an operator transposes, or only adds or leaves out axes of extent 1."""
    kept = [n for n in shape if n > 1] == [n for n in moved if n > 1]
    return isinstance(op, Transpose) or (kept and isinstance(op, Reshape | Squeeze | Unsqueeze))


def _moved_back(build: GraphBuilder, value: str, move: Node) -> str:
    """A constant as an operand of what a move moves."""
    shape, moved = (build.types[name].shape for name in (move.inputs[0], move.output))
    places = np.asarray(move.op.evaluate(np, np.arange(np.prod(shape)).reshape(shape)))
    back = np.argsort(places.reshape(-1))
    whole = np.broadcast_to(build.constants[value], moved).reshape(-1)[back].reshape(shape)
    for axis in range(len(shape)):
        first = whole.take([0], axis)
        whole = first if np.array_equal(np.broadcast_to(first, whole.shape), whole) else whole
    return build.constant(build.fresh(f"{value}_moved"), whole, build.types[value].element)


def _expanded(build: GraphBuilder, value: str, shape: tuple[int, ...]) -> str:
    """A computed value broadcast to ``shape``, in front of the pointwise operators and the Dequantize that give it."""
    before, move = build.producer(value), Expand(shape)
    if before is not None and isinstance(before.op, DequantizeLinear):
        sunk = _above_dequantize(build, Node(before.name, move, (value,), value))
        if not isinstance(sunk, Reason):
            return sunk
    elif before is not None and before.op.pointwise:
        operands = [
            v if build.known(v) is not None else _expanded(build, v, shape) for v in before.inputs
        ]
        return build.node(before.op, operands, name=before.name)
    return build.node(move, [value])


def _above_dequantize(build: GraphBuilder, node: Node) -> str | Reason:
    """A move of dequantised operands as a Dequantize of the moved integers."""
    producers = [build.producer(value) for value in node.inputs]
    dequantizers = [p for p in producers if p is not None and isinstance(p.op, DequantizeLinear)]
    if len(dequantizers) != len(producers):
        return ELSEWHERE
    sources = [before.inputs[0] for before in dequantizers]
    quantisations = {
        (before.op.resolved(build.types[source]), build.types[source].element)
        for before, source in zip(dequantizers, sources, strict=True)
        if isinstance(before.op, DequantizeLinear)
    }
    if len(quantisations) > 1:
        return Reason("its operands differ in scale, zero point or type")
    ((quantisation, element),) = quantisations
    if quantisation.axis is not None:
        if not isinstance(node.op, Transpose):
            return Reason(f"{node.op.name} moves what is quantised along an axis")
        moved = node.op.permutation.index(quantisation.axis)
        quantisation = replace(quantisation, axis=moved)
    op = _on_integers(node.op, quantisation, element)
    if isinstance(op, Reason):
        return op
    value = build.node(op, sources, name=node.name)
    return build.node(DequantizeLinear(quantisation), [value], name=dequantizers[0].name)


def _on_integers(op: TensorOp, quantisation: Quantisation, element: Element) -> TensorOp | Reason:
    """The move of integers that is ``op`` on what they stand for; a reason where it puts in a real that no integer stands for."""
    exact = True

    def integer(real: float) -> int:
        nonlocal exact
        assert isinstance(element, ElementType), "Dequantize takes integers"
        zero = quantisation.zero_point[0]
        if not np.isfinite(real):
            exact = False
            return zero
        number = int(np.rint(real / np.float64(quantisation.scale[0]))) + zero
        back = np.float32(number - zero) * np.float32(quantisation.scale[0])
        exact &= element.minimum <= number <= element.maximum and back == np.float32(real)
        return number

    moved = op.commuted(integer, integer=True)
    return (
        moved if exact else Reason("it puts in a value that no integer of its operand stands for")
    )
