"""Float operators that are made of others, taken apart: each part gets a format of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from hlsgen.fixed_point.parts import Parts
from hlsgen.fixed_point.traced import NotTraced, taken_apart
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Clip
from hlsgen.ops.add import Add
from hlsgen.ops.arithmetic import Div, Pow, Sub
from hlsgen.ops.functions import Exp, Log, Reciprocal, Sqrt
from hlsgen.ops.gemm import Gemm
from hlsgen.ops.matmul import MatMul
from hlsgen.ops.move import Slice
from hlsgen.ops.multiply import Mul
from hlsgen.ops.normalise import (
    LRN,
    GroupNormalization,
    LayerNormalization,
    MeanVarianceNormalization,
    RMSNormalization,
)
from hlsgen.ops.op import TensorOp
from hlsgen.ops.piecewise import HardSigmoid, HardSwish
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.recurrent_cells import GRU, LSTM, RNN
from hlsgen.ops.reduce import (
    FloatReduction,
    ReduceL2,
    ReduceLogSum,
    ReduceLogSumExp,
    ReduceMax,
    ReduceMean,
    ReduceProd,
    ReduceSum,
    ReduceSumSquare,
)
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.shapes import CumSum
from hlsgen.ops.softmax import LogSoftmax, Softmax
from hlsgen.ops.tensor_type import F32
from hlsgen.ops.transpose import Transpose
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class Decompose:
    """1. Softmax(x) -> e / sum(e), e = exp(x - max(x)); LogSoftmax(x) -> d - log(sum(exp(d))), d = x - max(x)
    2. Div(a, b) -> a * (1 / b), of reals
    3. LayerNormalization and its like -> c * (mean(c * c) + epsilon) ** -0.5, c = x - mean(x); gain and offset
    4. HardSigmoid, HardSwish -> Mul, Add, Clip
    5. ReduceL2, ReduceLogSum, ReduceLogSumExp, ReduceProd -> sums or products, and a function
    6. CumSum(x) -> x times a triangular matrix
    7. Gemm(a, b, c) -> Gemm(a, b) + c where c is computed, or has several rows
    8. RNN, GRU, LSTM, LRN, MeanVarianceNormalization -> the steps of their meaning, for every element of a sequence
    """

    name = "decompose"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _decomposed, refused)


Parting: TypeAlias = Callable[[Parts, Any, tuple[str, ...]], "str | Reason"]


def _decomposed(build: GraphBuilder, node: Node) -> str | Reason:
    rule = _RULES.get(type(node.op))
    reals = all(build.types[name].element == F32 for name in node.inputs)
    if rule is None or not reals:
        return ELSEWHERE
    return rule(Parts(build, node), node.op, node.inputs)


def _softmax(p: Parts, op: Softmax, values: tuple[str, ...]) -> str:
    (x,) = values
    rank = len(p.shape(x))
    axis = op.axis % rank
    axes = tuple(range(axis, rank)) if op.flatten else (axis,)
    distance = p(Sub(), x, p(ReduceMax(axes), x))
    powers = p(Exp(), distance)
    total = p(ReduceSum(axes), powers)
    if isinstance(op, LogSoftmax):
        return p(Sub(), distance, p(Log(), total))
    return p(Mul(), powers, p(Reciprocal(), total))


def _div(p: Parts, op: Div, values: tuple[str, ...]) -> str:
    a, b = values
    constant = p.build.constants.get(b)
    if constant is not None and np.all(constant != 0):
        return p(Mul(), a, 1.0 / constant.astype(np.float64))
    return p(Mul(), a, p(Reciprocal(), b))


def _standard(p: Parts, x: str, axes: tuple[int, ...], epsilon: float) -> tuple[str, str, str]:
    """The standardised operand, its mean, and one over its deviation."""
    mean = p(ReduceMean(axes), x)
    centred = p(Sub(), x, mean)
    variance = p(ReduceMean(axes), p(Mul(), centred, centred))
    rate = p(Pow(), p(Add(), variance, epsilon), -0.5)
    return p(Mul(), centred, rate), mean, rate


def _layer(p: Parts, op: LayerNormalization, values: tuple[str, ...]) -> str:
    x, gain, *offset = values
    rank = len(p.shape(x))
    results = _standard(p, x, tuple(range(op.axis % rank, rank)), op.epsilon)
    if op.result:
        return results[op.result]
    y = p(Mul(), results[0], gain)
    return p(Add(), y, offset[0]) if offset else y


def _rms(p: Parts, op: RMSNormalization, values: tuple[str, ...]) -> str:
    x, gain = values
    rank = len(p.shape(x))
    square = p(ReduceMean(tuple(range(op.axis % rank, rank))), p(Mul(), x, x))
    rate = p(Pow(), p(Add(), square, op.epsilon), -0.5)
    return p(Mul(), p(Mul(), x, rate), gain)


def _group(p: Parts, op: GroupNormalization, values: tuple[str, ...]) -> str | Reason:
    x, gain, offset = values
    shape = p.shape(x)
    split = (shape[0], op.groups, int(np.prod(shape[1:])) // op.groups)
    y, _, _ = _standard(p, p(Reshape(split), x), (2,), op.epsilon)
    if op.of_groups and op.groups != shape[1]:
        column = (1, op.groups, 1)
        y = p(Mul(), y, p(Reshape(column), gain))
        return p(Reshape(shape), p(Add(), y, p(Reshape(column), offset)))
    column_of = (1, shape[1], *(1,) * (len(shape) - 2))
    y = p(Mul(), p(Reshape(shape), y), p(Reshape(column_of), gain))
    return p(Add(), y, p(Reshape(column_of), offset))


def _gemm(p: Parts, op: Gemm, values: tuple[str, ...]) -> str | Reason:
    """A bias that is computed, or one for each row, is added behind."""
    if len(values) < 3:
        return ELSEWHERE
    shape = p.shape(values[2])
    if values[2] in p.build.constants and (len(shape) < 2 or shape[0] == 1):
        return ELSEWHERE
    bias = values[2] if op.beta == 1.0 else p(Mul(), values[2], op.beta)
    return p(Add(), p(op, *values[:2]), bias)


def _hard_sigmoid(p: Parts, op: HardSigmoid, values: tuple[str, ...]) -> str:
    line = p(Add(), p(Mul(), values[0], op.slope), op.offset)
    return p(Clip(0.0, 1.0), line)


def _hard_swish(p: Parts, op: HardSwish, values: tuple[str, ...]) -> str:
    line = p(Add(), p(Mul(), values[0], 1 / 6), 0.5)
    return p(Mul(), values[0], p(Clip(0.0, 1.0), line))


def _of_sum(inner: type[FloatReduction], outer: TensorOp) -> Parting:
    def rule(p: Parts, op: FloatReduction, values: tuple[str, ...]) -> str | Reason:
        if not op.axes and op.none_if_empty:
            return Reason("it reduces no axes")
        return p(outer, p(inner(op.axes, op.keep), values[0]))

    return rule


def _log_sum_exp(p: Parts, op: ReduceLogSumExp, values: tuple[str, ...]) -> str | Reason:
    if not op.axes and op.none_if_empty:
        return Reason("it reduces no axes")
    top = p(ReduceMax(op.axes), values[0])
    total = p(ReduceSum(op.axes), p(Exp(), p(Sub(), values[0], top)))
    return _dropped(p, p(Add(), p(Log(), total), top), op)


def _dropped(p: Parts, value: str, op: FloatReduction) -> str:
    """The value without the axes, of extent 1, of a reduction that does not keep them."""
    if op.keep:
        return value
    shape = p.shape(value)
    axes = {axis % len(shape) for axis in op.axes}
    return p(Reshape(tuple(n for k, n in enumerate(shape) if k not in axes)), value)


def _product(p: Parts, op: ReduceProd, values: tuple[str, ...]) -> str | Reason:
    """Axis by axis, halves times halves."""
    if not op.axes and op.none_if_empty:
        return Reason("it reduces no axes")
    value = values[0]
    for axis in op.axes:
        while (extent := p.shape(value)[axis]) > 1:
            half = extent // 2
            first, second = (
                p(Slice((start,), (start + half,), (axis,), (1,)), value) for start in (0, half)
            )
            product = p(Mul(), first, second)
            if extent % 2:
                last = p(Slice((extent - 1,), (extent,), (axis,), (1,)), value)
                head = p(Slice((0,), (1,), (axis,), (1,)), product)
                head = p(Mul(), head, last)
                if half == 1:
                    product = head
                else:
                    rest = p(Slice((1,), (half,), (axis,), (1,)), product)
                    product = _joined(p, axis, head, rest)
            value = product
    return _dropped(p, value, op)


def _joined(p: Parts, axis: int, *values: str) -> str:
    from hlsgen.ops.join import Concat

    return p(Concat(axis), *values)


def _cumulative(p: Parts, op: CumSum, values: tuple[str, ...]) -> str | Reason:
    if len(values) > 1:
        return Reason("its axis is computed")
    x = values[0]
    rank = len(p.shape(x))
    axis = getattr(op, "axis", 0) % rank
    extent = p.shape(x)[axis]
    ones = np.triu(np.ones((extent, extent)), 1 if op.exclusive else 0)
    if op.reverse:
        ones = ones.T
    order = (*(k for k in range(rank) if k != axis), axis)
    rows = p(Transpose(order), x) if axis != rank - 1 else x
    rows = p(Reshape((1, extent)), rows) if rank == 1 else rows
    result = p(MatMul(), rows, ones)
    if rank == 1:
        return p(Reshape((extent,)), result)
    back = tuple(int(k) for k in np.argsort(order))
    return p(Transpose(back), result) if axis != rank - 1 else result


def _by_meaning(p: Parts, op: TensorOp, values: tuple[str, ...]) -> str | Reason:
    try:
        return taken_apart(p, op, values)
    except NotTraced as reason:
        return Reason(f"its meaning takes {reason}")


_RULES: Mapping[type[TensorOp], Parting] = {
    Softmax: _softmax,
    LogSoftmax: _softmax,
    Div: _div,
    LayerNormalization: _layer,
    RMSNormalization: _rms,
    GroupNormalization: _group,
    HardSigmoid: _hard_sigmoid,
    HardSwish: _hard_swish,
    ReduceL2: _of_sum(ReduceSumSquare, Sqrt()),
    ReduceLogSum: _of_sum(ReduceSum, Log()),
    ReduceLogSumExp: _log_sum_exp,
    ReduceProd: _product,
    CumSum: _cumulative,
    Gemm: _gemm,
    **dict.fromkeys((RNN, GRU, LSTM, LRN, MeanVarianceNormalization), _by_meaning),
}
