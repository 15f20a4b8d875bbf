"""Islands of several operands before a Quantize: weighted sums of all of them, and choices among functions of fewer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal as Choice

import numpy as np

from hlsgen.algebra import scalar
from hlsgen.algebra.expression import (
    Call,
    Expression,
    Literal,
    Operand,
    expression_type,
)
from hlsgen.algebra.types import U8, ElementType
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Node
from hlsgen.ops.activation import Lookup
from hlsgen.ops.add import Add
from hlsgen.ops.arithmetic import Div, Max, MeanOf, Min, PRelu, Sub, Sum
from hlsgen.ops.compare import Where
from hlsgen.ops.formula import ElementFormula
from hlsgen.ops.functions import Neg
from hlsgen.ops.multiply import Mul
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.shift import ShiftRequantise
from hlsgen.ops.tensor_type import Quantisation
from hlsgen.passes.clamps import clamp_bounds
from hlsgen.passes.islands import Island
from hlsgen.passes.sums import Terms, function_of_steps, scaled_sums

_NEGLIGIBLE = 2.0**-10
"""Of a step of the result: by so much the fixed point may move a weighted sum."""
_MOST_BITS = 56
_MOST_BITS_OF_OPERAND = 16
_ONE = Quantisation((1.0,), (0,))

Sums = Mapping[str, str]
"""Of every leaf that is real: the integers that an operator gives where sums are asked for."""


@dataclass(frozen=True, eq=False)
class _Weighted:
    """The sum of ``terms``, values that depend on one leaf each, times their weights, and a constant."""

    terms: Mapping[str, float]
    constant: float = 0.0

    def plus(self, other: _Weighted, sign: float = 1.0) -> _Weighted:
        terms = dict(self.terms)
        for value, weight in other.terms.items():
            terms[value] = terms.get(value, 0.0) + sign * weight
        return _Weighted(terms, self.constant + sign * other.constant)

    def times(self, factor: float) -> _Weighted:
        terms = {value: weight * factor for value, weight in self.terms.items()}
        return _Weighted(terms, self.constant * factor)


@dataclass(frozen=True, eq=False)
class _Term:
    """An integer operand of the sum: ``slope`` real steps for each integer (one, or one per channel), or a table of reals. ``side``: what of the
    integer counts, all of it or what is above or below 0; ``offset`` and ``addends``, one per channel, are added."""

    operand: str
    slope: np.ndarray
    table: np.ndarray | None = None
    offset: float = 0.0
    addends: np.ndarray = field(default_factory=lambda: np.zeros(1))
    side: Choice["all", "above", "below"] = "all"

    def reach(self, build: GraphBuilder) -> float:
        """The most by which rounding of the slope is multiplied."""
        element = build.types[self.operand].integer
        return 1.0 if self.table is not None else float(max(-element.minimum, element.maximum))


def weighted_sum(
    build: GraphBuilder, island: Island, sums: Sums, quantize: QuantizeLinear
) -> str | Reason:
    """The integer form of a function of a weighted sum of all leaves, of functions of single ones that are quantised to 8 bits among them.

    The sum is exact in fixed point, in steps so fine that its rounding moves the result by a negligible part; float32 sums differ next to halves.
    """
    met = _meeting(island)
    if met is None:
        return Reason(
            f"it is not a function of a weighted sum of its {len(island.leaves)} operands"
        )
    value, weighted = met
    if not all(weighted.terms.values()):
        return Reason("an operand counts nothing in its sum")
    terms: list[_Term] = []
    for name, weight in weighted.terms.items():
        of_one = _terms(build, island, sums, name, weight)
        if isinstance(of_one, Reason):
            return of_one
        terms += of_one
    rest = island.behind(value)
    chain = list(rest.nodes)
    bounds = clamp_bounds(chain, quantize) if quantize.to_nearest else Reason("")
    if isinstance(bounds, Reason) and quantize.element.bits > 8 and _is_wide(build, terms):
        return Reason(
            f"a function of more than 8 bits to {quantize.element.bits} bits has no table"
        )
    finest = [float(quantize.quantisation.scale[0])]
    if isinstance(bounds, Reason):
        finest += [float(np.abs(term.slope).max()) for term in terms if term.table is None]
    base, reach = min(finest), sum(term.reach(build) for term in terms)
    bits = int(np.ceil(np.log2(max(reach, 1.0) / _NEGLIGIBLE)))
    step = base * 2.0**-bits
    build.within(island.named.name)
    total = _summed(build, terms, weighted.constant, step)
    if isinstance(total, Reason):
        return total
    if build.types[total].shape != build.types[island.output].shape:
        return Reason(
            f"its constants make {list(build.types[island.output].shape)} of its operands"
        )
    terms_of_one: Terms = [(total, "factor", np.ones(1, np.int64))]
    if isinstance(bounds, Reason):
        return function_of_steps(build, rest, value, ("sum", terms_of_one, step), quantize)
    return _rounded(build, total, bits, quantize, bounds)


def _is_wide(build: GraphBuilder, terms: list[_Term]) -> bool:
    """Whether some operand has more than 8 bits, so that a function changes at tens of thousands of places, whose search takes minutes."""
    return any(build.types[term.operand].integer.bits > 8 for term in terms)


def _rounded(
    build: GraphBuilder, total: str, bits: int, quantize: QuantizeLinear, bounds: tuple[int, int]
) -> str:
    """A sum in 2**-bits of the result's steps as these, halves to the even one: an odd step below is what makes a half more."""
    whole, twice = (_call(scalar.ShiftRight(n), Operand("r0")) for n in (bits, bits + 1))
    odd = _call(scalar.Subtract(), whole, _call(scalar.Multiply(), twice, Literal(2)))
    nudged = _call(scalar.Add(), Operand("r0"), odd)
    element = expression_type(nudged, {"r0": _own(build, total)})
    total = build.node(ElementFormula.of(nudged, element), [total])
    half = (1 << (bits - 1)) - 1 + (quantize.quantisation.zero_point[0] << bits)
    return build.node(ShiftRequantise.ramp(bits, half, *bounds, quantize.element), [total])


def _meeting(island: Island) -> tuple[str, _Weighted] | None:
    """The last value that is a weighted sum of all leaves, and of which alone the output is a function; None where there is none."""
    depends = {leaf: frozenset((leaf,)) for leaf in island.leaves}
    sums: dict[str, _Weighted] = {leaf: _Weighted({leaf: 1.0}) for leaf in island.leaves}
    constants = island.values_of_constants()
    sums |= {
        name: _Weighted({}, float(array.reshape(())))
        for name, array in constants.items()
        if array.size == 1
    }
    meets = None
    for node in island.nodes:
        depends[node.output] = frozenset().union(*(depends.get(v, ()) for v in node.inputs))
        if node.output in constants:
            continue
        whole = _combined(node, [sums.get(value) for value in node.inputs])
        alone = len(depends[node.output]) == 1  # a function of one leaf
        if alone and (len(island.leaves) > 1 or isinstance(node.op, PRelu | DequantizeLinear)):
            whole = _Weighted({node.output: 1.0})
        if whole is not None:
            sums[node.output] = whole
        if len(depends[node.output]) == len(island.leaves) and whole is not None:
            behind = island.behind(node.output)
            computed = {node.output, *(n.output for n in behind.nodes)}
            if all(v in computed or v in constants for n in behind.nodes for v in n.inputs):
                meets = node.output, whole
    return meets


def _combined(node: Node, operands: list[_Weighted | None]) -> _Weighted | None:
    """What a node makes of weighted sums; None where that is none."""
    known = [operand for operand in operands if operand is not None]
    if len(known) < len(operands):
        return None
    first, *others = known
    if isinstance(node.op, Add | Sum | MeanOf):
        for other in others:
            first = first.plus(other)
        return first.times(1 / len(known)) if isinstance(node.op, MeanOf) else first
    if isinstance(node.op, Sub):
        return first.plus(others[0], -1.0)
    if isinstance(node.op, Neg):
        return first.times(-1.0)
    if isinstance(node.op, Mul) and not (first.terms and others[0].terms):
        scaled, factor = (first, others[0]) if first.terms else (others[0], first)
        return scaled.times(factor.constant)
    if isinstance(node.op, Div) and not others[0].terms and others[0].constant:
        return first.times(1 / others[0].constant)
    return None


def _terms(
    build: GraphBuilder, island: Island, sums: Sums, value: str, weight: float
) -> list[_Term] | Reason:
    """A function of one leaf, times a weight, as operands of the integer sum."""
    part = _before(island, value)
    (leaf,) = part.leaves
    if leaf in sums:
        source = scaled_sums(build, sums[leaf], stays=False)
        if isinstance(source, Reason):
            return source
        operand, scale = source.value, source.scale
        if value == leaf:
            return [_Term(operand, scale * weight, addends=source.addends * weight)]
        if np.any(source.addends):
            return Reason("the bias of a product is not a whole number of its sums' steps")
        slopes = _slopes(part, build.types[leaf].shape)
        if slopes is None:
            return Reason(f"{part.named.op.name} stands between a product and the sum")
        below = _Term(operand, scale * weight * slopes, side="below")
        return [_Term(operand, scale * weight, side="above"), below]
    type = build.types[leaf]
    if type.integer.bits > _MOST_BITS_OF_OPERAND:
        return Reason(f"its operand {type} has more than {_MOST_BITS_OF_OPERAND} bits")
    entries = np.arange(type.integer.minimum, type.integer.maximum + 1)
    shape = (-1, *(1,) * (len(type.shape) - 1))
    reals = part.evaluate({leaf: entries.reshape(shape)}).astype(np.float64)
    if reals.size != entries.size or not np.all(np.isfinite(reals)):
        return Reason("a constant beside its operands is not one number")
    reals = reals.reshape(-1) * weight
    slope = (reals[-1] - reals[0]) / max(entries.size - 1, 1)
    offset = float(reals[0] - slope * entries[0])
    if np.abs(reals - (offset + slope * entries)).max() <= 1e-6 * np.abs(reals).max(initial=1e-30):
        return [_Term(leaf, np.array([slope]), None, offset)]
    if type.integer.bits > 8:
        return Reason(f"its operand {type} has more than 8 bits")
    return [_Term(leaf, np.ones(1), reals)]


def _slopes(part: Island, shape: tuple[int, ...]) -> np.ndarray | None:
    """The slopes below 0, one or one per channel of ``shape``, of a PRelu of the leaf; None for any other function."""
    *constants, node = part.nodes
    known = part.values_of_constants()
    if not isinstance(node.op, PRelu) or any(other.output not in known for other in constants):
        return None
    slopes = known[node.inputs[1]].astype(np.float64)
    aligned = (1,) * (len(shape) - slopes.ndim) + slopes.shape
    if slopes.size > 1 and aligned != tuple(n if k == 1 else 1 for k, n in enumerate(shape)):
        return None
    return slopes.reshape(-1)


def _before(island: Island, value: str) -> Island:
    """The part of an island that computes ``value``."""
    needed = {value}
    nodes: list[Node] = []
    for node in reversed(island.nodes):
        if node.output in needed:
            needed.update(node.inputs)
            nodes.insert(0, node)
    leaves = tuple(leaf for leaf in island.leaves if leaf in needed)
    constants = {name: array for name, array in island.constants.items() if name in needed}
    return Island(tuple(nodes), leaves, constants, value)


def _summed(build: GraphBuilder, terms: list[_Term], constant: float, step: float) -> str | Reason:
    """The sum of terms and a constant in steps."""
    total: Expression = Literal(round((constant + sum(t.offset for t in terms)) / step))
    operands: list[str] = []
    addends = np.rint(sum((t.addends for t in terms), np.zeros(1)) / step).astype(np.int64)
    for term in terms:
        operand, multiples = term.operand, np.rint(term.slope / step)
        if np.abs(multiples).max() >= 2.0**_MOST_BITS:
            return Reason(f"its terms differ by more than {_MOST_BITS} bits")
        if term.table is not None:
            table = np.rint(term.table / step).astype(np.int64)
            element = ElementType.holding(min(int(table.min()), -1), max(int(table.max()), 0))
            operand = build.node(Lookup(tuple(table.tolist()), element), [operand])
            multiples = np.ones(1)
        if operand not in operands:
            operands.append(operand)
        value: Expression = Operand(f"r{operands.index(operand)}")
        if term.side != "all":
            bound = scalar.Maximum() if term.side == "above" else scalar.Minimum()
            value = _call(bound, value, Literal(0))
        factor: Expression = Literal(int(multiples[0]))
        if multiples.size > 1:
            factor = _by_channel(build, operands, f"{operand}_factors", multiples.astype(np.int64))
        total = _call(scalar.Add(), total, _call(scalar.Multiply(), value, factor))
    if np.any(addends):
        total = _call(scalar.Add(), total, _by_channel(build, operands, "addends", addends))
    element = expression_type(total, {f"r{k}": _own(build, v) for k, v in enumerate(operands)})
    if element.bits > _MOST_BITS:
        return Reason(f"its sum needs {element.bits} bits, of at most {_MOST_BITS}")
    return build.node(ElementFormula.of(total, element), operands)


def _by_channel(
    build: GraphBuilder, operands: list[str], hint: str, integers: np.ndarray
) -> Expression:
    """Integers, one or one per channel of the first of ``operands``, which are added to these if they are several."""
    if integers.size == 1:
        return Literal(int(integers[0]))
    rank = len(build.types[operands[0]].shape)
    operands.append(build.integers(hint, integers.reshape(1, -1, *(1,) * (rank - 2))))
    return Operand(f"r{len(operands) - 1}")


def _own(build: GraphBuilder, value: str) -> ElementType:
    """A type that holds a value where it is read; the process that adds up sums gives them a bit more than they need."""
    array = build.constants.get(value)
    if array is None:
        own = build.types[value].integer
        return ElementType(own.bits + 1, True) if own.bits > 8 else own
    return ElementType.holding(min(int(array.min()), -1), max(int(array.max()), 0))


def chosen(
    build: GraphBuilder,
    island: Island,
    quantize: QuantizeLinear,
    integer: Callable[[str, QuantizeLinear], str | Reason],
) -> str | Reason:
    """The integer form of f(Where(c, a, b)), or of f(Max(a, b, ...)) or Min with f that never decreases, f of single elements: a choice among
    those of its operands, which ``integer`` gives, with a Quantize of their own."""
    behind: list[Node] = []
    node = build.producer(island.output)
    while node is not None and node.op.elementwise:
        behind.insert(0, node)
        node = build.producer(node.inputs[0])
    if node is None or not isinstance(node.op, Where | Max | Min):
        return ELSEWHERE
    extremum = not isinstance(node.op, Where)
    if extremum and not all(link.op.monotone or link.op.bounds(int) is not None for link in behind):
        return ELSEWHERE
    operands = list(node.inputs if extremum else node.inputs[1:])
    integers: list[str] = []
    for value in operands:
        for link in behind:
            value = build.node(link.op, [value], name=link.name)
        result = integer(value, quantize)
        if isinstance(result, Reason):
            return result
        integers.append(result)
    names = [Operand(f"r{k}") for k in range(len(integers))]
    if extremum:
        op = scalar.Maximum() if isinstance(node.op, Max) else scalar.Minimum()
        best: Expression = names[0]
        for name in names[1:]:
            best = _call(op, best, name)
    else:
        truth = build.node(DequantizeLinear(_ONE), [node.inputs[0]], name=node.name)
        condition = integer(truth, QuantizeLinear(_ONE, U8))
        if isinstance(condition, Reason):
            return condition
        integers.append(condition)
        gap = _call(scalar.Subtract(), names[0], names[1])
        best = _call(scalar.Add(), names[1], _call(scalar.Multiply(), gap, Operand("r2")))
    element = quantize.element
    best = _call(scalar.Clamp(element.minimum, element.maximum), best)
    build.within(node.name)
    return build.node(ElementFormula.of(best, element), integers)


def _call(op: scalar.ScalarOp, *operands: Expression) -> Expression:
    return Call(op, operands)
