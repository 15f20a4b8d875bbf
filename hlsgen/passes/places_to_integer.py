"""Functions of one quantised operand whose constants differ from place to place, and slopes by channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Lookup
from hlsgen.ops.arithmetic import PRelu
from hlsgen.ops.quantise import QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.step_function import StepFunction, Term
from hlsgen.ops.tensor_type import TensorType
from hlsgen.passes.islands import Island, island_of
from hlsgen.passes.pairs import COMBINATIONS
from hlsgen.passes.rewrite import Refused, rewrite, unheard
from hlsgen.requantise.cells import find_pair_form, find_signed_form

_MOST_PLACES = 1 << 16
_MOST_DIFFERENT = 1 << 10


class PlacesToInteger:
    """Quantize(f(Dequantize(x), constants)), where a constant differs from place to place, or f is a PRelu with a slope for each channel:

    1. g(h(x) + constant), g(h(x) * constant) -> StepFunction(Lookup(x) + constant)
    2. g(PRelu(h(x), slopes))                 -> StepFunction(x above 0 + Lookup(x) * slope)

    What the rules before have left; each is proved for every integer at every place.
    """

    name = "places_to_integer"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _function, refused)


@dataclass(frozen=True, eq=False)
class _Function:
    """What an island makes of its only leaf: ``results`` (entries, *places), ``values`` of all its nodes."""

    island: Island
    type: TensorType
    results: np.ndarray
    values: dict[str, np.ndarray]
    element: ElementType

    @property
    def entries(self) -> int:
        return len(self.results)

    def by_place(self, integers: np.ndarray) -> np.ndarray:
        """One integer for each place, as a term of a StepFunction takes them."""
        return integers.reshape(1, *self.results.shape[1:])


def _function(build: GraphBuilder, node: Node) -> str | Reason:
    if not isinstance(node.op, QuantizeLinear) or not node.op.quantisation.per_tensor:
        return ELSEWHERE
    island = island_of(build, node.inputs[0])
    if len(island.leaves) != 1 or not build.types[island.leaves[0]].is_integer:
        return ELSEWHERE
    type = build.types[island.leaves[0]]
    rank = len(type.shape)
    larger = build.types[island.output].shape != type.shape
    if larger or rank < 2 or type.shape[0] != 1 or type.integer.bits > 8:
        return ELSEWHERE
    entries = np.arange(type.integer.minimum, type.integer.maximum + 1)
    values = island.values({island.leaves[0]: entries.reshape(-1, *(1,) * (rank - 1))})
    reals = values[island.output]
    if reals.ndim != rank or len(reals) != len(entries) or reals[0].size > _MOST_PLACES:
        return ELSEWHERE
    results = node.op.evaluate(np, reals.astype(np.float32)).astype(np.int64)
    function = _Function(island, type, results, values, node.op.element)
    build.within(island.named.name)
    for rule in (_met, _slopes):
        if (result := rule(build, function)) is not None:
            return result
    return ELSEWHERE


def _met(build: GraphBuilder, f: _Function) -> str | None:
    """A sum or product of the operand's table and a constant by place, and a function of it."""
    meets = _meeting(f)
    if meets is None or type(meets.op) not in COMBINATIONS or len(meets.inputs) != 2:
        return None
    combination, of_second = COMBINATIONS[type(meets.op)]
    if combination not in ("sum", "product"):
        return None
    with np.errstate(all="ignore"):
        sides = [f.values[name].astype(np.float64) for name in meets.inputs]
        sides[1] = of_second(sides[1])
    fixed = f.island.values_of_constants()
    leaf = 1 if meets.inputs[0] in fixed else 0
    if meets.inputs[1 - leaf] not in fixed or sides[leaf].size != f.entries:
        return None
    constants = np.broadcast_to(sides[1 - leaf], (1, *f.results.shape[1:])).reshape(-1)
    unique, first, number = np.unique(constants, return_index=True, return_inverse=True)
    flat = f.results.reshape(f.entries, -1)
    truth = flat[:, first]
    if len(unique) > _MOST_DIFFERENT or not np.array_equal(truth[:, number.reshape(-1)], flat):
        return None
    form = find_pair_form(truth, sides[leaf].reshape(-1), unique, combination)
    if isinstance(form, int):
        return None
    kind: Term = "addend" if combination == "sum" else "factor"
    table = _looked_up(build, f, form.first)
    integers = f.by_place(form.second[number.reshape(-1)])
    return StepFunction.add(build, "sum", [(table, kind, integers)], form.steps, f.element)


def _slopes(build: GraphBuilder, f: _Function) -> str | None:
    """The operand above 0 plus what is below times a slope by place, and a function of it."""
    meets = _meeting(f)
    if meets is None or not isinstance(meets.op, PRelu):
        return None
    reals, slopes = (f.values[name].astype(np.float64) for name in meets.inputs)
    if reals.size != f.entries or (len(slopes) != 1 and slopes.ndim == reals.ndim):
        return None
    slopes = np.broadcast_to(slopes, (1, *f.results.shape[1:])).reshape(-1)
    unique, first, number = np.unique(slopes, return_index=True, return_inverse=True)
    distances = np.diff(np.unique(reals))
    if distances.size == 0 or len(unique) > _MOST_DIFFERENT:
        return None
    multiples = np.rint(reals.reshape(-1) / distances.min()).astype(np.int64)
    flat = f.results.reshape(f.entries, -1)
    truth = flat[:, first]
    signed = find_signed_form(truth, multiples, unique)
    if signed is None or not np.array_equal(truth[:, number.reshape(-1)], flat):
        return None
    bits, factors, steps = signed
    below = _looked_up(build, f, np.minimum(multiples, 0))
    terms: list[tuple[str, Term, np.ndarray]] = [
        (f.island.leaves[0], "table", np.maximum(multiples, 0) << bits),
        (below, "factor", f.by_place(factors[number.reshape(-1)])),
    ]
    return StepFunction.add(build, "sum", terms, steps, f.element)


def _meeting(f: _Function) -> Node | None:
    """The first node whose result differs from place to place."""
    return next((n for n in f.island.nodes if _varies(f, n)), None)


def _varies(f: _Function, node: Node) -> bool:
    value = f.values[node.output]
    return value.ndim > 0 and len(value) == f.entries and value[0].size > 1


def _looked_up(build: GraphBuilder, f: _Function, table: np.ndarray) -> str:
    element = ElementType.holding(min(int(table.min()), -1), max(int(table.max()), 0))
    return build.node(Lookup(tuple(table.tolist()), element), [f.island.leaves[0]])
