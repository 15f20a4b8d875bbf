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
from hlsgen.passes.clamps import clamp_bounds
from hlsgen.passes.islands import MOST_POSITIONS
from hlsgen.passes.positions import by_channel, channel_values
from hlsgen.passes.rewrite import Refused, rewrite, unheard
from hlsgen.requantise import FloatStep, choose_for


class AffineToInteger:
    """With f a chain of Mul and Add with constants by channel or by position, then perhaps Relu and Clip, which become bounds; a Relu before them is taken
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
    if any(all(_constant(build, value) is None for value in link.inputs) for link in affine):
        return ELSEWHERE  # a function of several operands
    build.within(affine[-1].name)
    reading = _read(build, before, before.op, chain, node.op)
    return Reason(reading.text, affine[0].name) if isinstance(reading, Reason) else reading


def _constant(build: GraphBuilder, value: str) -> np.ndarray | None:
    """The reals of a constant or of a dequantised one; None for what is computed."""
    if value in build.constants:
        return build.constants[value]
    before = build.producer(value)
    if before is None or not isinstance(before.op, DequantizeLinear):
        return None
    integers = build.constants.get(before.inputs[0])
    return None if integers is None else np.asarray(before.op.evaluate(np, integers))


def _operand(build: GraphBuilder, node: Node) -> str:
    """The operand that is computed; the last where both are, or none."""
    return next((v for v in node.inputs if _constant(build, v) is None), node.inputs[-1])


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
    axes = sorted(
        {k for link in chain if isinstance(link.op, Mul | Add) for k in _axes(build, link)}
    )
    if len(type.shape) not in (2, 3, 4) or type.shape[0] != 1 or 0 in axes:
        return Reason(f"constants vary along axes {axes} of {type}")
    if len(axes) > 1 and type.size > MOST_POSITIONS:
        return Reason(f"constants vary in {type.size:,} positions, of at most {MOST_POSITIONS:,}")
    axes = axes or [1]
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
    slopes = _steps(build, links[:last], scale, type.shape, axes)
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
    return by_channel(build, source, axes, lambda x: _requantised(build, x, signs, zero, op))


def _range(type: TensorType, count: int) -> tuple[np.ndarray, np.ndarray]:
    element = type.integer
    return np.full(count, element.minimum), np.full(count, element.maximum)


def _values(build: GraphBuilder, node: Node) -> np.ndarray:
    """The constant of a sum or product with one, float32 of the result's rank."""
    arrays = [_constant(build, value) for value in node.inputs]
    array = next(array for array in arrays if array is not None)
    rank = len(build.types[node.output].shape)
    return array.astype(np.float32).reshape(*(1,) * (rank - array.ndim), *array.shape)


def _axes(build: GraphBuilder, node: Node) -> list[int]:
    """The axes along which a constant varies."""
    return [axis for axis, extent in enumerate(_values(build, node).shape) if extent > 1]


def _steps(
    build: GraphBuilder,
    chain: Sequence[Node],
    scale: float,
    shape: tuple[int, ...],
    axes: Sequence[int],
) -> tuple[np.ndarray | None, tuple[FloatStep, ...]] | Reason:
    """The signs of channels, None where all are positive, and the steps behind them with factors of 0 or more.

    (-1) * x through the rounded steps is exactly the negative of x through them, up to an addend; a negative factor there is taken as
    the sign of x.
    """
    steps: list[FloatStep] = [("multiply", (scale,))]
    channels = shape[axes[0]] if len(axes) == 1 else int(np.prod(shape))
    signs = np.ones(channels, np.int64)
    added = False
    for link in chain:
        values = _values(build, link)
        values = values.reshape(-1) if values.size == 1 else channel_values(values, shape, axes)
        if isinstance(link.op, Add):
            steps.append(("add", tuple(map(float, values))))
            added = True
            continue
        if np.any(values < 0) and added:
            return Reason("a negative factor stands behind an addend")
        signs = np.where(values < 0, -signs, signs)
        steps.append(("multiply", tuple(float(v) for v in np.abs(values))))
    return (signs if np.any(signs < 0) else None), tuple(steps)


def _requantised(
    build: GraphBuilder, value: str, signs: np.ndarray | None, zero: int, op: RequantiseSteps
) -> str:
    """The operators, of a value with the channels at axis 1."""
    if signs is None:
        return build.node(op, [value])
    shape = build.types[value].shape
    rank = len(shape)
    kernel = (1,) * max(1, rank - 2)
    flat = build.node(Reshape((*shape, 1)), [value]) if rank == 2 else value
    weights = build.integers(f"{value}_signs", signs.reshape(-1, 1, *kernel))
    conv = Conv(kernel, kernel, (0, 0) * len(kernel), kernel, shape[1], input_zero=zero)
    signed = build.node(op, [build.node(conv, [flat, weights])])
    return build.node(Reshape(shape), [signed]) if rank == 2 else signed
