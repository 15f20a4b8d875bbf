"""Tensors of floats of few bits become integers in steps of the least number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlsgen.algebra.types import ElementType, narrowest
from hlsgen.errors import UnsupportedOp
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.cast import Cast
from hlsgen.ops.float_tensors import SMALL_FLOATS, DequantizeFloat, QuantizeFloat
from hlsgen.ops.multiply import Mul
from hlsgen.ops.qonnx import integers_name
from hlsgen.ops.quantise import DequantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.small_float import QuantizeSmallFloat, SmallFloat
from hlsgen.ops.tensor_type import F32, Float, Quantisation, TensorType
from hlsgen.passes.rewrite import Refused, rewrite, unheard

ONE = Quantisation((1.0,), (0,))


class FloatsToIntegers:
    """1. QuantizeFloat(x) -> Dequantize(QuantizeSmallFloat(x))   the same numbers as float32; a Cast of float32 too, with scale 1
    2. DequantizeFloat(Dequantize(q)) -> Dequantize(q)            with both scales
    3. DequantizeFloat(constant)      -> Dequantize(integers)     a Cast of a constant to float32 too, with scale 1
    4. DequantizeFloat(Reshape(Dequantize(q))) -> Dequantize(Reshape(q))      any operators of one operand that move elements
    5. DequantizeFloat(x)             -> Mul(x, scale)            any other
    """

    name = "floats_to_integers"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _integers, refused)


def _integers(build: GraphBuilder, node: Node) -> str | Reason:
    op = node.op
    if isinstance(op, QuantizeFloat):
        return _quantised(build, node, op.quantisation, op.element, op.saturate)
    if isinstance(op, DequantizeFloat):
        return _reals(build, node, op.quantisation)
    if isinstance(op, Cast) and len(node.inputs) == 1:
        source = build.types[node.inputs[0]].element
        if isinstance(op.element, str) and op.element in SMALL_FLOATS and source == F32:
            return _quantised(build, node, ONE, op.element, bool(op.saturate))
        if op.element == F32 and (source == F32 or source in SMALL_FLOATS):
            return _reals(build, node, ONE)
    return ELSEWHERE


def integers_of(form: SmallFloat) -> ElementType:
    """The type of the integers that stand for the numbers of a format."""
    largest = int(form.maximum / form.step)
    return ElementType(*narrowest(-largest, largest))


def _quantised(
    build: GraphBuilder, node: Node, quantisation: Quantisation, element: Float, saturate: bool
) -> str:
    form = SMALL_FLOATS[element]
    if not saturate and element != "f4e2m1":
        raise UnsupportedOp(
            f"{build.name}, node {node.name} ({node.op.name})",
            f"expected numbers of at most {form.maximum:g}, found saturate = 0, which makes greater ones infinite or not numbers",
            "Export the model with saturate = 1.",
        )
    op = QuantizeSmallFloat(
        _in_steps(quantisation, form),
        integers_of(form),
        form.exponent,
        form.mantissa,
        form.bias,
        form.greatest,
        "ROUND",
    )
    integers = build.node(op, node.inputs, build.fresh(integers_name(node.output)))
    return build.node(DequantizeLinear(_in_steps(ONE, form)), [integers])


def _in_steps(quantisation: Quantisation, form: SmallFloat) -> Quantisation:
    """Scales of integers in steps of a format's least number, which is a power of two."""
    scales = tuple(float(np.float32(s) * np.float32(form.step)) for s in quantisation.scale)
    return replace(quantisation, scale=scales)


def _reals(build: GraphBuilder, node: Node, quantisation: Quantisation) -> str | Reason:
    """The reals that a float tensor stands for."""
    (value,) = node.inputs
    type = build.types[value]
    if value in build.constants and type.element in SMALL_FLOATS:
        return _constant(build, node, quantisation)
    if type.element != F32:
        return Reason(f"its operand {value} is not of numbers that are integers")
    if quantisation == ONE:
        return value
    moved: list[Node] = []
    producer = build.producer(value)
    while producer is not None and producer.op.moves_data and len(producer.inputs) == 1:
        moved.insert(0, producer)
        producer = build.producer(producer.inputs[0])
    if producer is not None and isinstance(producer.op, DequantizeLinear):
        before = producer.op.quantisation
        if before.per_tensor:
            steps = quantisation.scales() * np.float32(before.scale[0])
            (integers,) = producer.inputs
            for node in moved:
                integers = build.node(node.op, [integers])
            both = replace(quantisation, scale=tuple(map(float, steps)))
            return build.node(DequantizeLinear(both), [integers])
    return build.node(Mul(), [value, _scale(build, type, quantisation)])


def _scale(build: GraphBuilder, type: TensorType, quantisation: Quantisation) -> str:
    """A constant that is multiplied with a tensor of this type."""
    array = quantisation.scales().reshape(-1)
    if quantisation.per_tensor:
        return build.constant(build.fresh("scale"), array.reshape(()), F32)
    shape = [1] * len(type.shape)
    shape[1 if quantisation.axis is None else quantisation.axis] = -1
    return build.constant(build.fresh("scale"), array.reshape(shape), F32)


def _constant(build: GraphBuilder, node: Node, quantisation: Quantisation) -> str:
    (value,) = node.inputs
    array, element = build.constants[value], build.types[value].element
    if wrong := int(np.sum(~np.isfinite(array))):
        raise UnsupportedOp(
            f"{build.name}, node {node.name} ({node.op.name})",
            f"expected constants that are numbers, found {wrong} of {value} that are infinite or not numbers",
            "Quantise the model again, with saturation.",
        )
    form = SMALL_FLOATS[element]
    integers = np.rint(array.astype(np.float64) / form.step).astype(np.int64)
    name = build.constant(build.fresh(integers_name(value)), integers, integers_of(form))
    return build.node(DequantizeLinear(_in_steps(quantisation, form)), [name])
