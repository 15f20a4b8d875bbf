"""Dequantize - operator - Quantize becomes integer operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Clamp, Lookup
from hlsgen.ops.arithmetic import Max, Min
from hlsgen.ops.clamp_channels import ClampChannels
from hlsgen.ops.op import QuantisedOutput, QuantisedValue
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason, unless
from hlsgen.ops.step_function import RoundedBy
from hlsgen.ops.tensor_type import Quantisation
from hlsgen.passes.clamps import clamp_bounds
from hlsgen.passes.islands import Island, island_of, tabulate
from hlsgen.passes.kernel_tables import kernel_core, kernel_results, stored_pair
from hlsgen.passes.pairs import channel_function, pair_function
from hlsgen.passes.positions import by_channel, channel_values, differing
from hlsgen.passes.rewrite import Refused, rewrite, unheard
from hlsgen.passes.several_operands import chosen, weighted_sum
from hlsgen.passes.sums import SUMS, function_of_two_sums, function_of_wide, sum_function


@dataclass(frozen=True)
class QdqToInteger:
    """1. Quantize(relu?(op(Dequantize(x), constants))) -> Requantise(op(x)), bounds from relu and clip: ``op.quantised``
    2. Quantize(f(Dequantize(x), constants))          -> x, Clamp(x) or Lookup(x), f any pointwise operators
    3. Quantize(f(g(Dequantize(x), Dequantize(y))))   -> StepFunction(x, y), g a sum, product, quotient or extremum, where all pairs are right
    4. Quantize(f(op(...))), Quantize(f(op(...) + Dequantize(y))) -> StepFunction(op(...), y), op with sums as results; also of op(...) + op(...)
    5. Quantize(f(Where(c, g, h))), Quantize(f(Max(g, h, ...))) -> ElementFormula: a choice among Quantize(f(g)), Quantize(f(h)), ...
    6. Quantize(f(a * g(x) + b * h(y) + c * op(...) + ...)) -> StepFunction(ElementFormula: the weighted sum), any number of operands
    7. Quantize(max(f(op(...)), c))                   -> ClampChannels(Quantize(f(op(...)))), also min; c constants that differ
    """

    takes_last: bool = False
    """Whether operators at the end of a network, which the host can compute as well, become integers too."""

    name: ClassVar[str] = "qdq_to_integer"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        inner = _before_others(graph)

        def rule(build: GraphBuilder, node: Node) -> str | Reason:
            return _integer(build, node, self.takes_last or node.output in inner)

        return rewrite(graph, rule, refused)


def _before_others(graph: Graph) -> set[str]:
    """The values on which some Quantize, or product with weights, depends."""
    needed: set[str] = set()
    for node in reversed(graph.nodes):
        if isinstance(node.op, QuantizeLinear) or node.op.weighted or node.output in needed:
            needed.update(node.inputs)
    return needed


def _integer(build: GraphBuilder, node: Node, inner: bool) -> str | Reason:
    if not isinstance(node.op, QuantizeLinear):
        return ELSEWHERE
    if not node.op.quantisation.per_tensor:
        return Reason("its result is quantised per channel")
    island = island_of(build, node.inputs[0])
    if not island.leaves:
        return _known(build, island, node.op)
    if len(island.leaves) == 1 and build.types[island.leaves[0]].is_integer:
        table = _function(build, island, node.op)
        return replace(table, node=island.named.name) if isinstance(table, Reason) else table
    bound = _bounded(build, node.inputs[0])
    if bound is not None:
        return _clamped(build, bound, node, node.op, inner)
    result: str | Reason = ELSEWHERE
    if node.op.to_nearest:
        result = _operator(build, node.inputs[0], node.op, inner)
        core = build.producer(island.output)
        alone = not island.nodes and not (core is not None and core.op.weighted)
        if not isinstance(result, Reason) or alone:
            return result
    other = _of_several(build, island, node, node.op, inner)
    if not isinstance(other, Reason):
        return other
    if not island.nodes:
        return other if result is ELSEWHERE else result
    return result if other is ELSEWHERE else replace(other, node=island.named.name)


def _known(build: GraphBuilder, island: Island, quantize: QuantizeLinear) -> str:
    """The integers of what depends on no operand."""
    reals = island.values({})[island.output].astype(np.float32)
    integers = quantize.evaluate(np, reals)
    return build.constant(build.fresh(island.output), integers, quantize.element)


def _bounded(build: GraphBuilder, value: str) -> tuple[Node, str, np.ndarray] | None:
    """The Max or Min with constants that differ that computes a value, its other operand, and the constants of the operand's rank."""
    node = build.producer(value)
    if node is None or not isinstance(node.op, Max | Min) or len(node.inputs) != 2:
        return None
    operands = [v for v in node.inputs if v not in build.constants]
    given = [build.constants[v] for v in node.inputs if v in build.constants]
    if len(given) != 1 or given[0].size == 1:
        return None
    rank = len(build.types[operands[0]].shape)
    return node, operands[0], given[0].reshape(*(1,) * (rank - given[0].ndim), *given[0].shape)


def _clamped(
    build: GraphBuilder,
    bound: tuple[Node, str, np.ndarray],
    node: Node,
    quantize: QuantizeLinear,
    inside: bool,
) -> str | Reason:
    """Quantisation never decreases: the bounds of reals are bounds of the integers."""
    limit, operand, constants = bound
    shape = build.types[operand].shape
    if build.types[limit.output].shape != shape:
        return Reason("a constant broadcasts its operand", limit.name)
    inner = _integer(build, Node(node.name, quantize, (operand,), node.output), inside)
    if isinstance(inner, Reason):
        return inner
    axes = differing(constants) or [1]
    integers = channel_values(quantize.evaluate(np, constants.astype(np.float32)), shape, axes)
    ends = tuple(int(n) for n in integers.reshape(-1))
    element = quantize.element
    low, high = ((element.minimum,) * len(ends), (element.maximum,) * len(ends))
    clamp = ClampChannels(ends, high) if isinstance(limit.op, Max) else ClampChannels(low, ends)
    build.within(limit.name)
    return by_channel(build, inner, axes, lambda x: build.node(clamp, [x]))


def _of_several(
    build: GraphBuilder, island: Island, node: Node, quantize: QuantizeLinear, inner: bool
) -> str | Reason:
    """The integer form of an island of any operands: as one function where that is proved, else a choice among functions of fewer of them, or a
    weighted sum of all."""
    sums: dict[str, str] = {}
    asked = replace(SUMS, bias_below=_asks_sign(island, quantize))
    for leaf in island.leaves:
        if build.types[leaf].is_integer:
            continue
        value = _sums(build, leaf, asked)
        if isinstance(value, Reason):
            return value
        sums[leaf] = value
    first: str | Reason = ELSEWHERE
    if len(island.leaves) <= 2:
        first = _island(build, island, sums, quantize)
    if not isinstance(first, Reason) or not island.nodes:
        return first

    def integer(value: str, quantize: QuantizeLinear) -> str | Reason:
        return _integer(build, Node(node.name, quantize, (value,), node.output), inner)

    result = chosen(build, island, quantize, integer)
    if result is ELSEWHERE:
        result = weighted_sum(build, island, sums, quantize)
    return first if isinstance(result, Reason) and first is not ELSEWHERE else result


def _island(
    build: GraphBuilder, island: Island, sums: Mapping[str, str], quantize: QuantizeLinear
) -> str | Reason:
    """The integer form of an island of two quantised operands, of the sums of one operator and perhaps a quantised operand, or of two operators'
    sums."""
    if not sums:
        return pair_function(build, island, quantize)
    if len(sums) == 2:
        first, second = (sums[leaf] for leaf in island.leaves)
        return function_of_two_sums(build, island, (first, second), quantize)
    ((real, value),) = sums.items()
    return sum_function(build, island, real, value, quantize)


def _sums(build: GraphBuilder, real: str, asked: QuantisedOutput) -> str | Reason:
    """What the operator that computes ``real`` gives where sums are asked for."""
    core = build.producer(real)
    if core is None or not (core.op.accumulates or core.op.weighted):
        return ELSEWHERE
    operands: list[QuantisedValue] = []
    for name in core.inputs:
        operand = quantised_value(build, name)
        if isinstance(operand, Reason):
            return operand
        operands.append(operand)
    build.within(core.name)
    return core.op.quantised(build, operands, asked)


def _asks_sign(island: Island, quantize: QuantizeLinear) -> bool:
    """Whether all that decides the result is if the sums are 0 or more."""
    monotone = all(node.op.elementwise and node.op.monotone for node in island.nodes)
    if not monotone or quantize.bounds_of_result != (-1, 1) or len(island.leaves) != 1:
        return False
    around = np.array([-1e30, -1e-30, 0.0, 1e30], np.float32).reshape(-1, 1)
    reals = island.evaluate({island.leaves[0]: around}) if island.nodes else around
    return bool(np.array_equal(quantize.evaluate(np, reals).reshape(-1), [-1, -1, 1, 1]))


def _operator(
    build: GraphBuilder, value: str, quantize: QuantizeLinear, inner: bool
) -> str | Reason:
    """The integer form of the operator behind ``value`` and of the clamps between; ``inner``: another Quantize depends on it."""
    chain: list[Node] = []
    core = build.producer(value)
    while core is not None and core.op.elementwise:
        chain.insert(0, core)
        core = build.producer(core.inputs[0])
    if core is None:
        return ELSEWHERE
    if core.op.place == "host" and not inner:
        return Reason("the host computes it, at the end of the network", core.name)
    bounds = clamp_bounds(chain, quantize)
    if isinstance(bounds, Reason):
        return replace(bounds, node=core.name)
    operands: list[QuantisedValue] = []
    for name in core.inputs:
        operand = quantised_value(build, name)
        if isinstance(operand, Reason):
            return replace(operand, node=core.name)
        operands.append(operand)
    quantisation, element = quantize.quantisation, quantize.element
    adjacent = bounds == (element.minimum, element.maximum)
    zero = quantisation.zero_point[0]
    output = QuantisedOutput(quantisation.scale[0], zero, *bounds, element, adjacent)
    build.within(core.name)
    result = core.op.quantised(build, operands, output)
    return replace(result, node=core.name) if isinstance(result, Reason) else result


def quantised_value(build: GraphBuilder, name: str) -> QuantisedValue | Reason:
    """The integers behind a real operand: of its Dequantize, or the reals themselves where it is a float constant."""
    if name in build.constants:
        return QuantisedValue(
            name, build.types[name], Quantisation((1.0,), (0,)), build.constants[name]
        )
    producer = build.producer(name)
    if producer is None or not isinstance(producer.op, DequantizeLinear):
        return Reason(f"no Dequantize gives its operand {name}")
    source = producer.inputs[0]
    type = build.types[source]
    return QuantisedValue(source, type, producer.op.resolved(type), build.constants.get(source))


def _function(build: GraphBuilder, island: Island, quantize: QuantizeLinear) -> str | Reason:
    """The table of an island with one quantised operand; its operand where that is the same, or a clamp of it."""
    (source,) = island.leaves
    type = build.types[source]
    if type.integer.bits > 8:
        exact = function_of_wide(build, island, quantize)
        if not isinstance(exact, Reason):
            return exact
        near = weighted_sum(build, island, {}, quantize)
        return exact if isinstance(near, Reason) else near
    larger = build.types[island.output].shape != type.shape
    failed = unless((not larger, "its constants make it larger than its operand"))
    reals = failed or tabulate(island, type)
    if isinstance(reals, Reason):
        return reals
    core = kernel_core(build, island, quantize)
    kernel: RoundedBy = "floats" if core is None else "integers"
    results = (
        quantize.evaluate(np, reals)
        if core is None
        else kernel_results(core, reals.ndim).reshape(reals.shape)
    )
    axes = differing(results)
    build.within(island.named.name)
    if axes:
        stored = ELSEWHERE if core is None else stored_pair(build, core, axes)
        if not isinstance(stored, Reason):
            return stored
        tables = channel_values(results[:, None].astype(np.int64), type.shape, axes)
        return by_channel(
            build,
            source,
            axes,
            lambda x: channel_function(build, x, tables, quantize.element, kernel),
        )
    values = results.reshape(len(results), -1)[:, 0].astype(np.int64)
    low, high = int(values.min()), int(values.max())
    entries = np.arange(type.integer.minimum, type.integer.maximum + 1)
    if type.element == quantize.element and np.array_equal(np.clip(entries, low, high), values):
        full = (quantize.element.minimum, quantize.element.maximum)
        return source if (low, high) == full else build.node(Clamp(low, high), [source])
    return build.node(Lookup(tuple(map(int, values)), quantize.element, kernel), [source])
