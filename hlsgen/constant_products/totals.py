"""What sharing leaves of an output, added up: the cheapest two terms first."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from hlsgen.algebra.adder_graph import Addition, ShiftedNode
from hlsgen.constant_products.growing import GrowingGraph
from hlsgen.constant_products.subexpressions import TermPlace

LEVEL_PRICE = 0.3
"""Bits of carry chain that one level less is worth."""
NEIGHBOURS = 8
"""Terms that are compared with each other, those of the lowest levels and fewest bits first."""


def total(graph: GrowingGraph, terms: Mapping[TermPlace, int], constant: int) -> ShiftedNode | int:
    """The output that is the sum of ``terms`` (1 or -1 of each place) and ``constant``."""
    left = [ShiftedNode(node, shift, sign < 0) for (shift, node), sign in terms.items()]
    if not left:
        return constant
    added = constant == 0
    while len(left) > 1 or not added:
        left.sort(key=lambda term: (graph.levels[term.node], graph.ranges[term.node][1], term))
        near = left[:NEIGHBOURS]
        choices: list[tuple[float, tuple[Addition, int, bool], tuple[ShiftedNode, ...]]] = [
            (_price(graph, addition[0]), addition, pair)
            for pair in combinations(near, 2)
            for addition in [_sum(*pair, last=len(left) == 2 and added)]
        ]
        if not added:
            choices += [
                (_price(graph, addition[0]), addition, (term,))
                for term in near
                for addition in [_with_constant(term, constant)]
            ]
        _, (addition, shift, negative), used = min(choices, key=lambda choice: choice[0])
        added = added or len(used) == 1
        left = [term for term in left if term not in used]
        left = _joined(left, ShiftedNode(graph.add(addition), shift, negative))
    (last,) = left
    if last.negative:
        return ShiftedNode(graph.add(Addition(ShiftedNode(last.node, 0, True), 0)), last.shift)
    return last


def _joined(terms: list[ShiftedNode], new: ShiftedNode) -> list[ShiftedNode]:
    """The terms with a new one; of a node that is there already at the same shift, both together are one, or nothing."""
    for term in terms:
        if (term.node, term.shift) == (new.node, new.shift):
            rest = [other for other in terms if other is not term]
            if term.negative != new.negative:
                return rest
            return _joined(rest, ShiftedNode(new.node, new.shift + 1, new.negative))
    return [*terms, new]


def _price(graph: GrowingGraph, addition: Addition) -> float:
    return graph.bits(addition) + LEVEL_PRICE * graph.level(addition)


def _sum(a: ShiftedNode, b: ShiftedNode, last: bool) -> tuple[Addition, int, bool]:
    """(sum, shift, negative) of two terms. The one that is shifted less is not negative, so that its low bits pass; but the ``last`` sum
    of an output is not negative."""
    a, b = sorted((a, b), key=lambda term: (term.shift, term.negative, term.node))
    shift = a.shift
    if last and a.negative != b.negative:
        return (
            Addition(
                ShiftedNode(a.node, 0, a.negative), ShiftedNode(b.node, b.shift - shift, b.negative)
            ),
            shift,
            False,
        )
    different = a.negative != b.negative
    return (
        Addition(ShiftedNode(a.node), ShiftedNode(b.node, b.shift - shift, different)),
        shift,
        a.negative,
    )


def _with_constant(term: ShiftedNode, constant: int) -> tuple[Addition, int, bool]:
    """The same of a term and a constant: what remains is never negative."""
    shift = min(term.shift, (constant & -constant).bit_length() - 1)
    return (
        Addition(ShiftedNode(term.node, term.shift - shift, term.negative), constant >> shift),
        shift,
        False,
    )
