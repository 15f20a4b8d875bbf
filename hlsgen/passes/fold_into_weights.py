"""Constant factors and sums after a product with weights are folded into its weights and bias."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.add import Add
from hlsgen.ops.matmul import MatMul
from hlsgen.ops.multiply import Mul
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.tensor_type import F32, Quantisation
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class FoldIntoWeights:
    """For a weighted operator (Conv, Gemm, MatMul) whose weights w and bias b are constant or dequantised constants:

    1. Mul(op(x, w, b), c) -> op(x, w * c, b * c)         of dequantised weights the scales are multiplied, the integers stay
    2. Add(op(x, w, b), c) -> op(x, w, b + c)             without b, c may be dequantised
    3. Dequantize(Quantize(x)) -> x where both have scale 1 and 32 bits (ConvInteger, then Cast)

    c is one number, or one for each output channel.
    """

    name = "fold_into_weights"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _fold, refused)


def _fold(build: GraphBuilder, node: Node) -> str | Reason:
    if isinstance(node.op, DequantizeLinear):
        return _cancel(build, node, node.op)
    if not isinstance(node.op, Mul | Add) or len(node.inputs) != 2:
        return ELSEWHERE
    values, constant = node.inputs, build.constants.get(node.inputs[1])
    if constant is None:
        values, constant = values[::-1], build.constants.get(values[0])
    product = build.producer(values[0])
    if constant is None:
        return _dequantised_bias(build, node)
    if product is None or not product.op.weighted:
        return Reason("not a constant after a product with weights")
    factors = _per_channel(build, product, constant)
    if isinstance(factors, Reason):
        return factors
    build.within(product.name)
    if isinstance(node.op, Add):
        return _add(build, product, factors)
    return _multiply(build, product, factors)


def _dequantised_bias(build: GraphBuilder, node: Node) -> str | Reason:
    """The product that takes a dequantised constant (C,), which is added to it, as its bias."""
    for value, addend in (node.inputs, node.inputs[::-1]):
        product, before = build.producer(value), build.producer(addend)
        if before is None or not isinstance(before.op, DequantizeLinear) or product is None:
            continue
        weighted = product.op.weighted and len(product.inputs) == 2
        if not weighted or before.inputs[0] not in build.constants:
            continue
        shape = build.types[product.output].shape
        channels = build.types[product.inputs[1]].shape[product.op.weight_axis]
        last = product.op.result_axis(len(shape)) == len(shape) - 1
        if not isinstance(node.op, Add) or not last or build.types[addend].shape != (channels,):
            continue
        biased = product.op.with_bias(len(shape))
        if isinstance(biased, Reason):
            return biased
        build.within(product.name)
        return build.node(biased, [*product.inputs, addend])
    return ELSEWHERE


def _cancel(build: GraphBuilder, node: Node, op: DequantizeLinear) -> str | Reason:
    before = build.producer(node.inputs[0])
    plain = Quantisation((1.0,), (0,))
    if before is None or not isinstance(before.op, QuantizeLinear):
        return ELSEWHERE
    exact = before.op.quantisation == op.quantisation == plain and before.op.element.bits == 32
    return before.inputs[0] if exact else ELSEWHERE


def _per_channel(build: GraphBuilder, product: Node, constant: np.ndarray) -> np.ndarray | Reason:
    """The constant as one number for each output channel; a reason if it varies otherwise or broadcasts the product."""
    weights = build.types[product.inputs[1]].shape
    shape = build.types[product.output].shape
    if isinstance(product.op, MatMul) and len(weights) > 2:
        return Reason("the product is with several matrices")
    channels = weights[product.op.weight_axis]
    axis = product.op.result_axis(len(shape))
    if constant.size == 1 and constant.ndim <= len(shape):
        return np.full(channels, constant.reshape(()), np.float32)
    aligned = (1,) * (len(shape) - constant.ndim) + constant.shape
    channel_shape = tuple(channels if k == axis else 1 for k in range(len(shape)))
    if aligned != channel_shape:
        return Reason(
            f"the constant {list(constant.shape)} is not one number or one for each of {channels} output channels"
        )
    return constant.reshape(-1).astype(np.float32)


def _real_bias(build: GraphBuilder, product: Node, count: int) -> np.ndarray | Reason:
    """The reals of a product's bias, a constant or a dequantised one of ``count`` elements (0 without a bias)."""
    if len(product.inputs) < 3:
        return np.zeros(count, np.float32)
    value = product.inputs[2]
    before = build.producer(value)
    bias = build.constants.get(value)
    if before is not None and isinstance(before.op, DequantizeLinear):
        integers = build.constants.get(before.inputs[0])
        bias = None if integers is None else before.op.evaluate(np, integers)
    if bias is None:
        return Reason(f"the bias {value} is computed, not constant")
    if bias.size != count:
        return Reason(f"the bias has {bias.size} elements for {count} output channels")
    return bias.reshape(-1)


def _float(build: GraphBuilder, product: Node, role: str, array: np.ndarray) -> str:
    return build.constant(build.fresh(f"{product.name}_{role}"), array.astype(np.float32), F32)


def _add(build: GraphBuilder, product: Node, addend: np.ndarray) -> str | Reason:
    biased = product.op.with_bias(len(build.types[product.output].shape))
    if isinstance(biased, Reason):
        return biased
    bias = _real_bias(build, product, addend.size)
    if isinstance(bias, Reason):
        return bias
    name = _float(build, product, "bias", bias + addend)
    return build.node(biased, [*product.inputs[:2], name])


def _multiply(build: GraphBuilder, product: Node, factors: np.ndarray) -> str | Reason:
    operands = [product.inputs[0]]
    weights = _scaled(build, product, product.inputs[1], product.op.weight_axis, factors, "weights")
    if isinstance(weights, Reason):
        return weights
    operands.append(weights)
    if len(product.inputs) == 3:
        bias = _real_bias(build, product, factors.size)
        if isinstance(bias, Reason):
            return bias
        operands.append(_float(build, product, "bias", bias * factors))
    return build.node(product.op, operands)


def _scaled(
    build: GraphBuilder, product: Node, value: str, axis: int, factors: np.ndarray, role: str
) -> str | Reason:
    """Weights times factors along ``axis``; integers keep their values but for the sign, and are 0 where the factor is."""
    shape = [1] * len(build.types[value].shape)
    axis %= len(shape)
    shape[axis] = -1
    if value in build.constants:
        return _float(build, product, role, build.constants[value] * factors.reshape(shape))
    before = build.producer(value)
    if before is None or not isinstance(before.op, DequantizeLinear):
        return Reason("the weights are computed, not constant")
    source = before.inputs[0]
    integers, old = build.constants.get(source), before.op.resolved(build.types[source])
    if integers is None or old.axis not in (None, axis):
        return Reason("the weights are computed, or quantised along another axis")
    zero = old.zero_points().reshape(shape if old.axis is not None else ())
    scale = (old.scales() * np.abs(factors)).astype(np.float32)
    dead = scale < np.finfo(np.float32).tiny
    if dead.all():
        return Reason("all factors are 0")
    signs = np.where(dead, 0, np.sign(factors)).astype(np.int64)
    signed = (integers.astype(np.int64) - zero) * signs.reshape(shape)
    scales = tuple(map(float, np.where(dead, scale.max(), scale)))
    quantisation = replace(old, scale=scales, zero_point=(0,) * len(scales), axis=axis)
    name = build.integers(f"{product.name}_{role}", signed)
    return build.node(DequantizeLinear(quantisation), [name])
