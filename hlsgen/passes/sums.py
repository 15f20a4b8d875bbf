"""Float operators behind the sums of a convolution or matrix product, with no Quantize between: a function of the sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.errors import HlsgenError
from hlsgen.graph.builder import GraphBuilder
from hlsgen.ops.logarithmic_function import LogarithmicFunction
from hlsgen.ops.op import QuantisedOutput, TensorOp
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import Reason
from hlsgen.ops.requantise import Requantise, RequantiseSteps
from hlsgen.ops.shift import ShiftRequantise
from hlsgen.ops.step_function import StepFunction, Term
from hlsgen.passes.clamps import clamp_bounds
from hlsgen.passes.islands import Island
from hlsgen.passes.pairs import COMBINATIONS, meeting
from hlsgen.requantise import FloatStep, choose_for
from hlsgen.requantise.cells import Combination, find_changes, find_steps
from hlsgen.requantise.logarithmic_cells import find_logarithmic

_S32 = ElementType(32, True)
SUMS = QuantisedOutput(1.0, 0, _S32.minimum, _S32.maximum, _S32, False)
"""Asked for of an operator whose sums are wanted: the scale of what it gives is that of the sums."""
_FACTOR_BITS = 24  # of float32
_OPERAND_BITS = 12
_MANY_CHANGES = 1 << 14
"""So many changes have no form in cells of a logarithmic scale either, and the search for one takes minutes."""
_MANY_CELLS = 512

Terms = list[tuple[str | None, Term, np.ndarray]]


@dataclass(frozen=True, eq=False)
class ScaledSums:
    """Integers ``value``, what they stand for: times ``scale`` plus ``addends``, float64 for all or for each channel; ``moves``: how the
    results that were asked for are moved behind them."""

    value: str
    scale: np.ndarray
    addends: np.ndarray
    moves: tuple[TensorOp, ...]

    @property
    def is_plain(self) -> bool:
        """Whether one factor makes reals of them."""
        return len(self.scale) == 1 and not np.any(self.addends)


def sum_function(
    build: GraphBuilder, island: Island, real: str, sums: str, quantize: QuantizeLinear
) -> str | Reason:
    """The integer form of an island of ``real``, of which ``sums`` is what an operator gives for ``SUMS``, and at most one quantised operand.

    Sums are multiplied by their scales, as integers of 24 bits in steps of a power of two, so that one function serves all channels; where it
    changes is found by bisection. It is the island's function of exact sums; float32 sums differ next to the changes.
    """
    source = scaled_sums(build, sums, stays=len(island.leaves) == 1)
    if isinstance(source, Reason):
        return source
    if source.is_plain and len(island.leaves) == 1:
        factor, step = np.ones(1, np.int64), float(source.scale[0])
    else:
        factor, step = _whole_factors(source.scale, source.scale.max())
    terms: Terms = [(source.value, "factor", factor)]
    terms += _addend(source.addends, step)
    combination: Combination = "sum"
    rest = island
    if len(island.leaves) == 2:
        joined = _joined(build, island, real, terms, step)
        if isinstance(joined, Reason):
            return joined
        combination, step, rest = joined
    result = function_of_steps(build, rest, real, (combination, terms, step), quantize)
    if isinstance(result, Reason):
        return result
    for op in source.moves:
        result = build.node(op, [result])
    return result


def function_of_two_sums(
    build: GraphBuilder, island: Island, sums: tuple[str, str], quantize: QuantizeLinear
) -> str | Reason:
    """The integer form of an island whose leaves are two products' results, which it adds or subtracts at once; ``sums`` as of ``sum_function``."""
    meets = meeting(island)
    if isinstance(meets, Reason):
        return meets
    node, operands = meets
    combination, of_second = COMBINATIONS[type(node.op)]
    if combination != "sum" or operands != island.leaves:
        return Reason(f"{node.op.name} of functions of two products has no arithmetic form")
    if len({build.types[value].shape for value in (*operands, node.output)}) > 1:
        return Reason("the results of its two products differ in shape")
    sources = []
    for value in sums:
        source = scaled_sums(build, value, stays=False)
        if isinstance(source, Reason):
            return source
        sources.append(source)
    most = max(source.scale.max() for source in sources)
    signs = np.ones(1), of_second(np.ones(1))
    terms: Terms = []
    addends, step = np.zeros(1), 1.0
    for source, sign in zip(sources, signs, strict=True):
        factor, step = _whole_factors(source.scale * sign, most)
        terms.append((source.value, "factor", factor))
        addends = addends + sign * source.addends
    terms += _addend(addends, step)
    return function_of_steps(
        build, island.behind(node.output), node.output, ("sum", terms, step), quantize
    )


def _whole_factors(scale: np.ndarray, most: float) -> tuple[np.ndarray, float]:
    """Scales, of at most ``most``, as integers of 24 bits in steps of a power of two, and that step."""
    exponent = _FACTOR_BITS - int(np.frexp(most)[1])
    return np.rint(np.ldexp(scale, exponent)).astype(np.int64), 2.0**-exponent


def _addend(addends: np.ndarray, step: float) -> Terms:
    """The term that adds reals in steps; none where all are 0."""
    whole = np.rint(addends / step).astype(np.int64)
    return [(None, "given", whole)] if np.any(whole) else []


def scaled_sums(build: GraphBuilder, sums: str, stays: bool) -> ScaledSums | Reason:
    """The integers in front of a requantisation of sums, and what they stand for; moved as its result is, or if they may differ by channel
    and ``stays``, to be moved later."""
    moves: list[TensorOp] = []
    producer = build.producer(sums)
    while producer is not None and producer.op.moves_data and len(producer.inputs) == 1:
        moves.insert(0, producer.op)
        producer = build.producer(producer.inputs[0])
    scale, addends = np.ones(1), np.zeros(1)
    if producer is None or not isinstance(producer.op, Requantise):
        return ScaledSums(sums, scale, addends, ())
    scale, value = np.array(producer.op.scale, np.float64), producer.inputs[0]
    if isinstance(producer.op, RequantiseSteps):
        given = {kind: np.array(v, np.float64) for kind, v in producer.op.steps}
        scale, addends = given["multiply"], given.get("add", addends)
        scale = scale[:1] if np.all(scale == scale[0]) else scale
    if moves and (len(scale) > 1 or np.any(addends != addends[0])):
        if not stays:
            return Reason("its sums are moved, and their scales or biases differ by channel")
        return ScaledSums(value, scale, addends, tuple(moves))
    for op in moves:
        value = build.node(op, [value])
    return ScaledSums(
        value,
        scale,
        addends if len(scale) > 1 or np.any(addends != addends[0]) else addends[:1],
        (),
    )


def function_of_steps(
    build: GraphBuilder,
    rest: Island,
    real: str,
    combined: tuple[Combination, Terms, float],
    quantize: QuantizeLinear,
) -> str | Reason:
    """The function that ``rest``, of one leaf with the shape of ``real``, is of the combination of terms in steps."""
    combination, terms, step = combined
    sums, _, factor = terms[0]
    assert sums is not None
    low, high = _range(build, terms, combination)

    def function(points: np.ndarray) -> np.ndarray:
        shape = (-1, *(1,) * (len(build.types[real].shape) - 1))
        reals = rest.evaluate({rest.leaves[0]: (points * step).astype(np.float32).reshape(shape)})
        return np.asarray(quantize.evaluate(np, reals.astype(np.float32)))

    if max(-low, high) >= 1 << 62:
        return Reason(f"its sums reach {max(-low, high):.3g} steps, more than 63 bits hold")
    if function(np.array([low, high])).size != 2:
        return Reason("a constant behind its sums is not one number")
    points = find_changes(lambda p: function(p).reshape(-1).astype(np.int64), low, high)
    results = function(points).reshape(-1).astype(np.int64)
    if len(terms) == 1 and np.array_equal(terms[0][2], [1]):
        ramp = _ramp(points, results, quantize.element)
        if ramp is not None:
            return build.node(ramp, [sums])
    steps = find_steps(points, results)
    if steps is None and np.count_nonzero(np.diff(results)) > _MANY_CHANGES:
        return Reason("the function of its sums changes at too many places")
    if len(terms) == 1 and (steps is None or len(steps.cells) > _MANY_CELLS):
        rounded = find_logarithmic(points, results)
        if rounded is not None and (steps is None or len(steps.cells) > 4 * rounded.cells):
            return LogarithmicFunction.add(build, sums, factor, rounded, quantize.element)
    if steps is None:
        return Reason("the function of its sums changes at too many places")
    if rest.nodes:
        build.within(rest.named.name)
    return StepFunction.add(build, combination, terms, steps, quantize.element)


def _ramp(points: np.ndarray, results: np.ndarray, element: ElementType) -> ShiftRequantise | None:
    """The shift to the right that a function of sums is, whose ``results`` at ``points`` are those on both sides of every change."""
    before = np.flatnonzero(np.diff(results))
    if len(before) < 2 or np.any(np.diff(results)[before] != 1):
        return None
    changes = points[before + 1]
    step = int(changes[1] - changes[0])
    if step & (step - 1) or np.any(np.diff(changes) != step):
        return None
    addend = int(results[before[0] + 1]) * step - int(changes[0])
    ends = int(results[0]), int(results[-1])
    return ShiftRequantise.ramp(step.bit_length() - 1, addend, *ends, element)


def _joined(
    build: GraphBuilder, island: Island, real: str, terms: Terms, step: float
) -> tuple[Combination, float, Island] | Reason:
    """Adds the term of the quantised operand; how both are combined, the step of the result, and what is behind it."""
    meets = meeting(island)
    if isinstance(meets, Reason):
        return meets
    node, operands = meets
    combination, of_second = COMBINATIONS[type(node.op)]
    (leaf,) = (value for value in island.leaves if value != real)
    type_ = build.types[leaf]
    if real not in operands or combination not in ("sum", "product"):
        return Reason(f"{node.op.name} of sums and a quantised operand has no arithmetic form")
    if type_.integer.bits > 8 or type_.shape != build.types[real].shape:
        return Reason(f"the operand beside its sums, {type_}, is not of 8 bits and their shape")
    if combination == "product" and len(terms) > 1:
        return Reason("a product of its sums, whose bias is not a whole number of their steps")
    other = operands[1 - operands.index(real)]
    entries = np.arange(type_.integer.minimum, type_.integer.maximum + 1)
    given = entries.reshape(-1, *(1,) * (len(type_.shape) - 1))
    zeros = np.zeros(given.shape, np.float32)
    values = island.values({leaf: given, real: zeros})[other].astype(np.float64).reshape(-1)
    if values.size != entries.size or not np.all(np.isfinite(values)):
        return Reason("a constant beside its sums is not one number")
    second = operands.index(real) == 0
    with np.errstate(all="ignore"):
        values = of_second(values) if second else values
    if not second and of_second is np.reciprocal:
        return Reason("sums that divide a quantised operand have no arithmetic form")
    if not second and of_second is np.negative:
        terms[:] = [(value, kind, -factor) for value, kind, factor in terms]
    if combination == "sum":
        table = np.rint(values / step)
    else:
        exponent = _OPERAND_BITS - int(np.frexp(np.abs(values).max() or 1.0)[1])
        table, step = np.rint(np.ldexp(values, exponent)), step * 2.0**-exponent
    terms.insert(1, (leaf, "table", table.astype(np.int64)))  # what is given stays the last
    return combination, step, island.behind(node.output)


def _range(build: GraphBuilder, terms: Terms, combination: Combination) -> tuple[int, int]:
    """The least and the greatest combination of terms."""
    ends: list[tuple[int, int]] = []
    for value, kind, integers in terms:
        if value is None or kind == "table":
            ends.append((int(integers.min()), int(integers.max())))
            continue
        element = build.types[value].integer
        bounds = [element.minimum * int(f) for f in integers] + [
            element.maximum * int(f) for f in integers
        ]
        ends.append((min(bounds), max(bounds)))
    if combination == "sum":
        return sum(low for low, _ in ends), sum(high for _, high in ends)
    corners = [a * b for a in ends[0] for b in ends[1]]
    return min(corners), max(corners)


@cache
def _proved(op: RequantiseSteps, element: ElementType) -> bool:
    """Whether a requantisation of every integer of a type has an exact form; of 16 bits to 16 a search of seconds."""
    try:
        choose_for(op.rounding(np.array([element.minimum]), np.array([element.maximum])))
    except HlsgenError:
        return False
    return True


def function_of_wide(build: GraphBuilder, island: Island, quantize: QuantizeLinear) -> str | Reason:
    """The integer form of an island of one quantised operand of more than 8 bits: the requantisation that it is where its operators only clamp, else
    a function that changes at few places."""
    (source,) = island.leaves
    type = build.types[source]
    if type.integer.bits > _FACTOR_BITS:
        return Reason(f"its operand {type} has more than {_FACTOR_BITS} bits")
    dequantize, *chain = island.nodes
    bounds = clamp_bounds(chain, quantize) if quantize.to_nearest else Reason("")
    if isinstance(dequantize.op, DequantizeLinear) and not isinstance(bounds, Reason):
        quantisation, element = dequantize.op.resolved(type), quantize.element
        step = quantize.quantisation.scale[0], quantize.quantisation.zero_point[0]
        if quantisation.per_tensor:
            own: FloatStep = ("multiply", quantisation.scale)
            zero = quantisation.zero_point[0]
            op = RequantiseSteps.of(zero, (own,), QuantisedOutput(*step, *bounds, element))
            if _proved(op, type.integer):
                return build.node(op, [source])  # else it may still be a function of few changes
    if build.types[island.output].shape != type.shape:
        return Reason("its constants make it larger than its operand")
    if quantize.element.bits > 8:
        return Reason(
            f"a function of {type.integer.bits} bits to {quantize.element.bits} bits has no table"
        )
    terms: Terms = [(source, "factor", np.ones(1, np.int64))]
    return function_of_steps(build, island, source, ("sum", terms, 1.0), quantize)
