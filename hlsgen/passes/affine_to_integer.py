"""Factors and addends by channel between Dequantize and Quantize become one requantisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.errors import HlsgenError
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Clamp, Clip, Relu
from hlsgen.ops.add import Add
from hlsgen.ops.conv import Conv
from hlsgen.ops.multiply import Mul
from hlsgen.ops.op import QuantisedOutput
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.requantise import RequantiseSteps
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.tensor_type import TensorType
from hlsgen.ops.transpose import Transpose
from hlsgen.passes.qdq_to_integer import clamp_bounds
from hlsgen.passes.rewrite import Refused, rewrite, unheard
from hlsgen.requantise import FloatStep, choose_for


class AffineToInteger:
    """With f a chain of Mul and Add with constants by channel, then perhaps Relu and Clip, which become bounds; a Relu before them is taken
    as a clamp of integers first:

    1. Quantize(f(Dequantize(x))) -> RequantiseSteps(x)                  factors of 0 or more
    2. Quantize(f(Dequantize(x))) -> RequantiseSteps(Conv(x, signs))     negative factors of some channels, 1x1 and depthwise

    By the float32 steps of the float operators, proved for every integer.
    """

    name = "affine_to_integer"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _affine, refused)


def _affine(build: GraphBuilder, node: Node) -> str | Reason:
    if not isinstance(node.op, QuantizeLinear) or not node.op.quantisation.per_tensor:
        return ELSEWHERE
    if not node.op.to_nearest:
        return Reason("its Quantize does not round to the nearest")
    chain: list[Node] = []
    before = build.producer(node.inputs[0])
    while before is not None and isinstance(before.op, Mul | Add | Relu | Clip):
        chain.insert(0, before)
        before = build.producer(_operand(build, before))
    affine = [link for link in chain if isinstance(link.op, Mul | Add)]
    if before is None or not isinstance(before.op, DequantizeLinear) or not affine:
        return ELSEWHERE
    build.within(affine[-1].name)
    reading = _read(build, before, before.op, chain, node.op)
    return Reason(reading.text, affine[0].name) if isinstance(reading, Reason) else reading


def _operand(build: GraphBuilder, node: Node) -> str:
    """The operand that is computed; the last where both are."""
    return next((v for v in node.inputs if v not in build.constants), node.inputs[-1])


def _read(
    build: GraphBuilder,
    before: Node,
    dequantize: DequantizeLinear,
    chain: Sequence[Node],
    quantize: QuantizeLinear,
) -> str | Reason:
    source = before.inputs[0]
    type = build.types[source]
    if not dequantize.resolved(type).per_tensor:
        return Reason("its operand is quantised per channel")
    if any(build.types[link.output].shape != type.shape for link in chain):
        return Reason("a constant broadcasts its operand")
    axes = {_axis(build, link, type) for link in chain if isinstance(link.op, Mul | Add)}
    if None in axes:
        return Reason("a constant is not one number, or one for each index of one axis")
    channels = sorted(axis for axis in axes if axis is not None and axis >= 0)
    if len(channels) > 1:
        return Reason(f"constants vary along axes {channels}")
    axis = channels[0] if channels else 1
    if len(type.shape) not in (2, 3, 4) or type.shape[0] != 1 or axis == 0:
        return Reason(f"constants vary along axis {axis} of {type}")
    links = list(chain)
    if isinstance(links[0].op, Relu) and len(dequantize.quantisation.scale) == 1:
        zero = dequantize.quantisation.zero_point[0]
        source = build.node(Clamp(zero, type.integer.maximum), [source])
        links.pop(0)
    last = max(k for k, link in enumerate(links) if isinstance(link.op, Mul | Add)) + 1
    bounds = clamp_bounds(links[last:], quantize)
    if isinstance(bounds, Reason):
        return bounds
    if not all(isinstance(link.op, Mul | Add) for link in links[:last]):
        return Reason("a clamp stands between factors by channel")
    scale = float(dequantize.quantisation.scale[0])
    zero = dequantize.quantisation.zero_point[0]
    slopes = _steps(build, links[:last], scale, type.shape[axis])
    if isinstance(slopes, Reason):
        return slopes
    signs, steps = slopes
    element = quantize.element
    output = QuantisedOutput(
        quantize.quantisation.scale[0],
        quantize.quantisation.zero_point[0],
        *bounds,
        element,
    )
    op = RequantiseSteps.of(zero if signs is None else 0, steps, output)
    reach = max(abs(end - zero) for end in (type.integer.minimum, type.integer.maximum))
    ends = np.full(len(op.scale), reach if signs is not None else 0)
    low, high = (-ends, ends) if signs is not None else _range(type, len(op.scale))
    try:
        choose_for(op.rounding(low, high))
    except HlsgenError as error:
        return Reason(error.problem)
    return _build(build, source, type, axis, signs, zero, op)


def _range(type: TensorType, count: int) -> tuple[np.ndarray, np.ndarray]:
    element = type.integer
    return np.full(count, element.minimum), np.full(count, element.maximum)


def _axis(build: GraphBuilder, node: Node, type: TensorType) -> int | None:
    """The axis along which a constant varies, -1 where it does not; None where it is computed or varies along several."""
    constant = next((build.constants[v] for v in node.inputs if v in build.constants), None)
    if constant is None or constant.ndim > len(type.shape):
        return None
    offset = len(type.shape) - constant.ndim
    varying = [k + offset for k, extent in enumerate(constant.shape) if extent > 1]
    return -1 if not varying else varying[0] if len(varying) == 1 else None


def _steps(
    build: GraphBuilder, chain: Sequence[Node], scale: float, channels: int
) -> tuple[np.ndarray | None, tuple[FloatStep, ...]] | Reason:
    """The signs of channels, None where all are positive, and the steps behind them with factors of 0 or more.

    (-1) * x through the rounded steps is exactly the negative of x through them, up to an addend; a negative factor there is taken as
    the sign of x.
    """
    steps: list[FloatStep] = [("multiply", (scale,))]
    signs = np.ones(channels, np.int64)
    added = False
    for link in chain:
        value = next(build.constants[v] for v in link.inputs if v in build.constants)
        values = value.reshape(-1).astype(np.float32)
        if isinstance(link.op, Add):
            steps.append(("add", tuple(map(float, values))))
            added = True
            continue
        if np.any(values < 0) and added:
            return Reason("a negative factor stands behind an addend")
        signs = np.where(values < 0, -signs, signs)
        steps.append(("multiply", tuple(float(v) for v in np.abs(values))))
    return (signs if np.any(signs < 0) else None), tuple(steps)


def _build(
    build: GraphBuilder,
    source: str,
    type: TensorType,
    axis: int,
    signs: np.ndarray | None,
    zero: int,
    op: RequantiseSteps,
) -> str:
    """The operators, with the channel brought to axis 1 and back."""
    rank = len(type.shape)
    forth = (0, axis, *(k for k in range(1, rank) if k != axis))
    value = source if axis == 1 else build.node(Transpose(forth), [source])
    shape = tuple(type.shape[k] for k in forth)
    if signs is not None:
        kernel = (1,) * max(1, rank - 2)
        if rank == 2:
            value = build.node(Reshape((*shape, 1)), [value])
        weights = build.integers(f"{source}_signs", signs.reshape(-1, 1, *kernel))
        conv = Conv(kernel, kernel, (0, 0) * len(kernel), kernel, shape[1], input_zero=zero)
        value = build.node(conv, [value, weights])
    value = build.node(op, [value])
    if signs is not None and rank == 2:
        value = build.node(Reshape(shape), [value])
    back = tuple(int(k) for k in np.argsort(forth))
    return value if axis == 1 else build.node(Transpose(back), [value])
