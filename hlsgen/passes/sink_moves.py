"""Operators that only move elements are brought out from between Dequantize and Quantize."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.op import TensorOp
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.tensor_type import Element, Quantisation
from hlsgen.ops.transpose import Transpose
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class SinkMoves:
    """With ``move`` an operator that moves data or selects the greatest (Reshape, Concat, Pad, MaxPool), per-tensor quantisation:

    1. move(Dequantize(x))  -> Dequantize(move(x))      of several operands (Concat): if all have one quantisation
    2. Quantize(move(x))    -> move(Quantize(x))
    3. relu(move(x))        -> move(relu(x))         any elementwise operator; a monotone one where the move selects
    4. add(Transpose(x), c) -> Transpose(add(x, transposed c))   any pointwise operator on reals with one operand that is not constant

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
        return _above_transpose(build, node)
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


def _above_transpose(build: GraphBuilder, node: Node) -> str | Reason:
    """A transposed operand and constants as a Transpose of the operand and constants in its order."""
    computed = [value for value in node.inputs if value not in build.constants]
    before = build.producer(computed[0]) if len(computed) == 1 else None
    if before is None or not isinstance(before.op, Transpose):
        return ELSEWHERE
    type = build.types[before.output]
    back = tuple(int(k) for k in np.argsort(before.op.permutation))
    operands = []
    for value in node.inputs:
        if value == before.output:
            operands.append(before.inputs[0])
            continue
        array = build.constants[value]
        if type.is_integer or np.broadcast_shapes(array.shape, type.shape) != type.shape:
            return Reason("a constant broadcasts its operand")
        full = array.reshape((*(1,) * (len(type.shape) - array.ndim), *array.shape))
        name = build.fresh(f"{value}_transposed")
        operands.append(build.constant(name, full.transpose(back), build.types[value].element))
    return build.node(before.op, [build.node(node.op, operands)], name=before.name)


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
