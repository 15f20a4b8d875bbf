"""Constant factors and sums after a product with weights are folded into its weights and bias."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.add import Add
from hlsgen.ops.multiply import Mul
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.tensor_type import F32, Quantisation
from hlsgen.passes.rewrite import Refused, rewrite, unheard


@dataclass(frozen=True)
class FoldIntoWeights:
    """For a weighted operator (Conv, Gemm, MatMul) whose weights w and bias b are constant or dequantised constants:

    1. Mul(op(x, w, b), c) -> op(x, w * c, b * c)         of dequantised weights the scales are multiplied, the integers stay
    2. Add(op(x, w, b), c) -> op(x, w, b + c)
    3. Dequantize(Quantize(x)) -> x where both have scale 1 and 32 bits (ConvInteger, then Cast)

    c is one number, or one for each output channel.
    """

    name = "fold_into_weights"
    summary = "fold constant factors and sums into weights and biases"

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
    if constant is None or product is None or not product.op.weighted:
        return Reason("not a constant after a product with weights")
    factors = _per_channel(build, product, constant)
    if factors is None:
        return Reason("the constant is not one number or one for each output channel")
    build.within(product.name)
    if isinstance(node.op, Add):
        return _add(build, product, factors)
    return _multiply(build, product, factors)


def _cancel(build: GraphBuilder, node: Node, op: DequantizeLinear) -> str | Reason:
    before = build.producer(node.inputs[0])
    plain = Quantisation((1.0,), (0,))
    if before is None or not isinstance(before.op, QuantizeLinear):
        return ELSEWHERE
    exact = before.op.quantisation == op.quantisation == plain and before.op.element.bits == 32
    return before.inputs[0] if exact else ELSEWHERE


def _per_channel(build: GraphBuilder, product: Node, constant: np.ndarray) -> np.ndarray | None:
    """The constant as one number for each output channel; None if it varies otherwise or broadcasts the product."""
    weights = build.types[product.inputs[1]].shape
    shape = build.types[product.output].shape
    channels = weights[product.op.weight_axis]
    # the channel is axis 1 of (N, C, ...) and the last of (N, C) and of a matrix product
    axis = 1 if product.op.weight_axis == 0 and len(shape) > 2 else len(shape) - 1
    if constant.size == 1 and constant.ndim <= len(shape):
        return np.full(channels, constant.reshape(()), np.float32)
    aligned = (1,) * (len(shape) - constant.ndim) + constant.shape
    channel_shape = tuple(channels if k == axis else 1 for k in range(len(shape)))
    return constant.reshape(-1).astype(np.float32) if aligned == channel_shape else None


def _real(build: GraphBuilder, value: str) -> np.ndarray | None:
    """The reals of a constant or a dequantised constant."""
    if value in build.constants:
        return build.constants[value]
    before = build.producer(value)
    if before is None or not isinstance(before.op, DequantizeLinear):
        return None
    integers = build.constants.get(before.inputs[0])
    return None if integers is None else before.op.evaluate(np, integers)


def _float(build: GraphBuilder, product: Node, role: str, array: np.ndarray) -> str:
    return build.constant(build.fresh(f"{product.name}_{role}"), array.astype(np.float32), F32)


def _add(build: GraphBuilder, product: Node, addend: np.ndarray) -> str | Reason:
    bias: np.ndarray | None = np.zeros(addend.shape, np.float32)
    if len(product.inputs) == 3:
        bias = _real(build, product.inputs[2])
    if bias is None or (len(product.inputs) == 3 and bias.size != addend.size):
        return Reason("the bias is not constant, or of another size")
    name = _float(build, product, "bias", bias.reshape(-1) + addend)
    return build.node(product.op.with_bias(), [*product.inputs[:2], name])


def _multiply(build: GraphBuilder, product: Node, factors: np.ndarray) -> str | Reason:
    operands = [product.inputs[0]]
    weights = _scaled(build, product, product.inputs[1], product.op.weight_axis, factors, "weights")
    if isinstance(weights, Reason):
        return weights
    operands.append(weights)
    if len(product.inputs) == 3:
        bias = _real(build, product.inputs[2])
        if bias is None or bias.size != factors.size:
            return Reason("the bias is not constant, or of another size")
        operands.append(_float(build, product, "bias", bias.reshape(-1) * factors))
    return build.node(product.op, operands)


def _scaled(
    build: GraphBuilder, product: Node, value: str, axis: int, factors: np.ndarray, role: str
) -> str | Reason:
    """Weights times factors along ``axis``; integers keep their values but for the sign."""
    shape = [1] * len(build.types[value].shape)
    shape[axis] = -1
    if value in build.constants:
        return _float(build, product, role, build.constants[value] * factors.reshape(shape))
    before = build.producer(value)
    if before is None or not isinstance(before.op, DequantizeLinear) or not factors.all():
        return Reason("the weights are computed, or a factor is 0")
    source = before.inputs[0]
    integers, old = build.constants.get(source), before.op.resolved(build.types[source])
    if integers is None or old.axis not in (None, axis):
        return Reason("the weights are computed, or quantised along another axis")
    zero = old.zero_points().reshape(shape if old.axis is not None else ())
    signed = (integers.astype(np.int64) - zero) * np.sign(factors).astype(np.int64).reshape(shape)
    scales = tuple(float(s) for s in old.scales() * np.abs(factors))
    quantisation = replace(old, scale=scales, zero_point=(0,) * len(scales), axis=axis)
    name = build.integers(f"{product.name}_{role}", signed)
    return build.node(DequantizeLinear(quantisation), [name])
