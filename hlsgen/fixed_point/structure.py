"""Rules of operators that move, add up or weigh elements."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from hlsgen.algebra.expression import Literal
from hlsgen.algebra.types import ElementType
from hlsgen.fixed_point import terms
from hlsgen.fixed_point.arithmetic import finish
from hlsgen.fixed_point.conversion import Asked, Conversion, Fixed, Operands, Value
from hlsgen.fixed_point.format import Format
from hlsgen.graph.ir import Node
from hlsgen.ops.axes import AxisMaximum, AxisSum
from hlsgen.ops.conv import Conv
from hlsgen.ops.conv_transpose import ConvTranspose
from hlsgen.ops.gemm import Gemm
from hlsgen.ops.matmul import MatMul
from hlsgen.ops.op import QuantisedValue, TensorOp
from hlsgen.ops.pool import AveragePool, MaxPool, WindowSum
from hlsgen.ops.reason import Reason
from hlsgen.ops.reduce import FloatReduction, ReduceL1, ReduceMean, ReduceMin, ReduceSumSquare
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.shift import ShiftRequantise
from hlsgen.ops.tensor_type import Quantisation, TensorType
from hlsgen.ops.transpose import Transpose

MOST_SUM_BITS = 52
"""Of accumulators: their meaning is computed in float64."""
MOST_PRODUCTS = 1 << 14
"""Of two computed matrices, each in a place of its own."""


def moved(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Elements of one operand in another order keep their format."""
    x = values[0]
    if not isinstance(x, Fixed) or len(values) > 1:
        return Reason("it moves elements of several operands")
    if isinstance(node.op, MaxPool) and x.type.shape[0] != 1:
        return Reason(f"it takes one sample at a time, and has {x.type.shape[0]}")
    op = node.op.commuted(lambda real: int(x.format.quantise(real)), True) if x.real else node.op
    name = c.node(op, [x.name])
    return Fixed(name, c.build.types[name], x.format, x.low, x.high, x.real)


def joined(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Concat, of operands in the format of the result."""
    names: list[str] = []
    element = asked.format.element if asked.real else asked.type.integer
    for value in values:
        if isinstance(value, Fixed):
            name = c.rescaled(value, asked.format) if asked.real else value.name
        else:
            integers = asked.format.quantise(value) if asked.real else value
            name = c.build.constant(c.build.fresh("constant"), integers, element)
        if isinstance(name, Reason):
            return name
        names.append(name)
    return c.finished(c.node(node.op, names), asked)


def same(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Identity: the elements as they are."""
    (x,) = values
    assert isinstance(x, Fixed), "constants are folded"
    name = c.node(Reshape(x.type.shape), [x.name])
    return replace(x, name=name)


def weighted(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Conv, ConvTranspose, Gemm, MatMul with constant weights: their integer form, with weights of as many bits as sums allow."""
    x, weights, *biases = values
    swapped = isinstance(weights, Fixed) and not isinstance(x, Fixed)
    if swapped:
        x, weights = weights, x
    if isinstance(x, Fixed) and isinstance(weights, Fixed) and isinstance(node.op, MatMul | Gemm):
        return _computed(c, node.op, values, asked)
    if not isinstance(x, Fixed) or isinstance(weights, Fixed):
        return Reason("both operands are computed")
    if any(isinstance(bias, Fixed) for bias in biases):
        return Reason("its bias is computed, not constant")
    if not x.real:
        return Reason("its operands are integers of the model, not reals")
    if isinstance(node.op, Conv | ConvTranspose) and x.type.shape[0] != 1:
        return Reason(f"it takes one sample at a time, and has {x.type.shape[0]}")
    op = node.op
    if isinstance(op, Gemm):
        weights = np.asarray(op.alpha * weights)
        biases = [np.asarray(op.beta * np.asarray(bias)) for bias in biases]
        op = replace(op, alpha=1.0, beta=1.0)
    format = _weight_format(c.bits, x, np.asarray(weights, np.float64), op)
    w = _constant(c, "weights", format.quantise(weights), format)
    operands = [w, c.quantised(x)] if swapped else [c.quantised(x), w]
    for bias in biases:
        steps = Format(ElementType(62, True), x.format.fraction + format.fraction)
        operands.append(_constant(c, "bias", steps.quantise(_bias(bias)), steps))
    name = op.quantised(c.build, operands, asked.format.output)
    return name if isinstance(name, Reason) else c.finished(name, asked)


def _computed(
    c: Conversion, op: MatMul | Gemm, values: tuple[Value, ...], asked: Asked
) -> Fixed | Reason:
    """The product of two computed matrices: every product of elements, then their sums."""
    a, b, *biases = values
    assert isinstance(a, Fixed) and isinstance(b, Fixed)
    if biases or (isinstance(op, Gemm) and (op.alpha != 1.0)):
        return Reason("both operands are computed, and there is a bias or a factor")
    if len(a.type.shape) < 2 or len(b.type.shape) < 2:
        return Reason("both operands are computed, and one is a vector")
    rows = _turned(c, a) if isinstance(op, Gemm) and op.transpose_a else a.name
    columns = b.name if isinstance(op, Gemm) and op.transpose_b else _turned(c, b)
    shape, other = (c.build.types[name].shape for name in (rows, columns))
    whole = (*np.broadcast_shapes(shape[:-2], other[:-2]), shape[-2], other[-2], shape[-1])
    if prod(whole) > MOST_PRODUCTS:
        return Reason(f"both operands are computed, and it has {prod(whole):,} products")
    operands = Operands()
    left = operands.of(c.node(Reshape((*shape[:-1], 1, shape[-1])), [rows]))
    right = operands.of(c.node(Reshape((*other[:-2], 1, *other[-2:])), [columns]))
    bits = ElementType(a.format.element.bits + b.format.element.bits, True)
    products = c.formula(terms.saturated(terms.multiply(left, right), bits), operands, bits)
    if isinstance(products, Reason):
        return products
    total = c.node(AxisSum((len(whole) - 1,), False), [products])
    return _rounded(c, total, a.format.fraction + b.format.fraction, 1.0, asked)


def _turned(c: Conversion, x: Fixed) -> str:
    rank = len(x.type.shape)
    return c.node(Transpose((*range(rank - 2), rank - 1, rank - 2)), [x.name])


def _bias(bias: Value) -> np.ndarray:
    assert isinstance(bias, np.ndarray), "computed biases are refused before"
    flat = bias.reshape(-1) if bias.ndim == 2 and 1 in bias.shape else bias
    return np.asarray(flat, np.float64)


def _weight_format(bits: int, x: Fixed, weights: np.ndarray, op: TensorOp) -> Format:
    """The finest format of at most ``bits`` bits whose sums have at most ``MOST_SUM_BITS`` bits."""
    format = Format.holding(bits, float(weights.min()), float(weights.max()))
    axis = op.weight_axis % weights.ndim
    sums = np.abs(weights).sum(axis=tuple(k for k in range(weights.ndim) if k != axis))
    largest = float(sums.max()) * max(-x.format.element.minimum, x.format.element.maximum)
    spare = MOST_SUM_BITS - (np.frexp(largest * 2.0**format.fraction)[1] + 1)
    return replace(format, fraction=format.fraction + min(0, int(spare)))


def _constant(c: Conversion, hint: str, integers: np.ndarray, format: Format) -> QuantisedValue:
    low, high = int(integers.min(initial=-1)), int(integers.max(initial=0))
    element = ElementType.holding(min(low, -1), high)
    type = TensorType(integers.shape, element)
    return QuantisedValue(hint, type, Quantisation((format.step,), (0,)), integers)


def reduced(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """ReduceSum, Mean, L1, SumSquare: exact sums, rounded once."""
    x, op = values[0], node.op
    assert isinstance(x, Fixed) and isinstance(op, FloatReduction)
    if not op.axes and op.none_if_empty:
        return same(c, node, (x,), asked) if not isinstance(op, ReduceL1) else Reason("no axes")
    fraction, operands = x.format.fraction, Operands()
    name: str | Reason = x.name
    if isinstance(op, ReduceL1):
        term = operands.of(x.name)
        square = isinstance(op, ReduceSumSquare)
        whole = terms.multiply(term, term) if square else terms.absolute(term)
        fraction = 2 * fraction if square else fraction
        bits = x.format.element.bits * (2 if square else 1)
        name = c.formula(
            terms.saturated(whole, ElementType(bits, True)), operands, ElementType(bits, True)
        )
    if isinstance(name, Reason):
        return name
    axes = tuple(sorted(axis % len(x.type.shape) for axis in op.axes))
    total = c.node(AxisSum(axes, op.keep), [name])
    count = prod(x.type.shape[axis] for axis in axes)
    factor = 1.0 / count if isinstance(op, ReduceMean) else 1.0
    return _rounded(c, total, fraction, factor, asked)


def _rounded(
    c: Conversion, total: str, fraction: int, factor: float, asked: Asked
) -> Fixed | Reason:
    if not asked.real:
        if factor != 1.0:
            return Reason("a mean of integers is not whole")
        operands = Operands()
        return finish(c, operands.of(total), 0, operands, asked)
    shift = ShiftRequantise.to(asked.format.output, 2.0**-fraction, factor)
    return c.finished(c.node(shift, [total]), asked)


def extreme(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """ReduceMax, and ReduceMin as the negative of the greatest negative."""
    x, op = values[0], node.op
    assert isinstance(x, Fixed) and isinstance(op, FloatReduction)
    axes = tuple(sorted(axis % len(x.type.shape) for axis in op.axes))
    if not axes:
        return same(c, node, (x,), asked)
    name: str | Reason = x.name
    if isinstance(op, ReduceMin):
        name = negative(c, x.name, x.type.integer)
    if isinstance(name, Reason):
        return name
    best: str | Reason = c.node(AxisMaximum(axes, op.keep), [name])
    if isinstance(op, ReduceMin) and isinstance(best, str):
        best = negative(c, best, x.type.integer)
    if isinstance(best, Reason):
        return best
    return Fixed(best, c.build.types[best], x.format, x.low, x.high, x.real)


def negative(c: Conversion, name: str, element: ElementType) -> str | Reason:
    """-1 - x, which every type holds."""
    operands = Operands()
    x = operands.of(name)
    turned = terms.subtract(Literal(-1 if element.signed else element.maximum), x)
    return c.formula(terms.saturated(turned, element), operands, element)


def averaged(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """AveragePool: sums of windows, times one over how many elements each has."""
    (x,), op = values, node.op
    assert isinstance(x, Fixed) and isinstance(op, AveragePool)
    if x.type.shape[0] != 1:
        return Reason(f"it takes one sample at a time, and has {x.type.shape[0]}")
    counts = op.counts((1, 1, *x.type.shape[2:])).astype(np.float64)
    sums = WindowSum(op.kernel, op.strides, op.pads, op.dilations, ceil=op.ceil)
    total = c.node(sums, [x.name])
    if counts.min() == counts.max():
        return _rounded(c, total, x.format.fraction, 1.0 / float(counts.max()), asked)
    operands = Operands()
    bits = c.bits + 2
    factors = np.rint(2.0**bits / np.maximum(counts, 1)).astype(np.int64)
    product = terms.multiply(operands.of(total), c.constant(factors, operands))
    return finish(c, product, x.format.fraction + bits, operands, asked)
