"""Adder graphs: products of a vector with a constant matrix as shifted sums and differences, each of which may be used many times.

A node is an input or a sum of two terms; a term is a node, shifted to the left and perhaps negated. Nothing else is known to the circuit:
every node is an affine function of the inputs by construction, so that two graphs are equal for all inputs where their
coefficients are (``check`` compares them: a proof, not samples).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from hlsgen.algebra.types import narrowest
from hlsgen.errors import IllegalGraph

Range: TypeAlias = tuple[int, int]


@dataclass(frozen=True, order=True)
class ShiftedNode:
    """node * 2**shift, or what is 0 together with that."""

    node: int
    shift: int = 0
    negative: bool = False

    @property
    def factor(self) -> int:
        """What the node is multiplied by."""
        return -(1 << self.shift) if self.negative else 1 << self.shift


@dataclass(frozen=True)
class Addition:
    """first + second; of the two at most one is negative, and no power of two divides both. A number as ``second`` is a constant."""

    first: ShiftedNode
    second: ShiftedNode | int


@dataclass(frozen=True)
class AdderGraph:
    """``inputs``: the least and greatest value of each; nodes are the inputs, then the ``sums`` in order, which use earlier nodes.

    ``outputs``: a term that is not negative, or a constant. Equal and hashed by content.
    """

    inputs: tuple[Range, ...]
    sums: tuple[Addition, ...]
    outputs: tuple[ShiftedNode | int, ...]

    def evaluate(self, xp: Any, inputs: Sequence[Any]) -> list[Any]:
        """The outputs, from one integer array per input, element by element; ``xp`` is an array namespace."""
        nodes = list(inputs)
        for total in self.sums:
            first, second = total.first, total.second
            other = second if isinstance(second, int) else nodes[second.node] * second.factor
            nodes.append(nodes[first.node] * first.factor + other)
        zero = xp.zeros_like(nodes[0])
        return [
            zero + output if isinstance(output, int) else nodes[output.node] * output.factor
            for output in self.outputs
        ]

    @cached_property
    def coefficients(self) -> np.ndarray:
        """Every node as an affine function: (nodes, inputs + 1), the constant last; int64."""
        count = len(self.inputs)
        rows = np.zeros((count + len(self.sums), count + 1), np.int64)
        rows[:count, :count] = np.eye(count, dtype=np.int64)
        for k, total in enumerate(self.sums, count):
            rows[k] = rows[total.first.node] * total.first.factor
            if isinstance(total.second, int):
                rows[k, -1] += total.second
            else:
                rows[k] += rows[total.second.node] * total.second.factor
        return rows

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """The least and the greatest value of every node: exact, since the inputs are independent of each other."""
        ends = np.array([*self.inputs, (1, 1)], np.int64).reshape(-1, 2)
        products = self.coefficients[:, :, None] * ends
        low, high = products.min(axis=2).sum(axis=1), products.max(axis=2).sum(axis=1)
        return tuple(zip(low.tolist(), high.tolist(), strict=True))

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Adders one after the other from an input to every node, that of the node included."""
        levels = [0] * len(self.inputs)
        for total in self.sums:
            before = levels[total.first.node]
            if isinstance(total.second, ShiftedNode):
                before = max(before, levels[total.second.node])
            levels.append(before + 1)
        return tuple(levels)

    @property
    def depth(self) -> int:
        """Adders one after the other, at most."""
        return max(self.levels, default=0)

    @cached_property
    def carry_bits(self) -> int:
        """Bits of all carry chains: what the graph costs on a device whose LUTs add."""
        ranges = self.ranges
        return sum(
            chain_bits(total, ranges, ranges[k])
            for k, total in enumerate(self.sums, len(self.inputs))
        )


def passed_bits(total: Addition) -> int:
    """The lowest bits of a sum that are bits of one operand: below them the other one is 0, and nothing is taken from it."""
    first, second = total.first, total.second
    if isinstance(second, int):
        zeros = (second & -second).bit_length() - 1 if second else 0
        return first.shift if first.negative else max(first.shift, zeros)
    if first.negative == second.negative:
        return max(first.shift, second.shift)
    subtracted = first if first.negative else second
    return subtracted.shift


def joined(total: Addition, ranges: Sequence[Range]) -> bool:
    """Whether the sum is two operands beside each other: the lower one is never negative and ends where the other begins."""
    first, second = total.first, total.second
    if isinstance(second, int) or first.negative or second.negative:
        return False
    lower, upper = sorted((first, second), key=lambda term: term.shift)
    least, most = ranges[lower.node]
    return least >= 0 and most << lower.shift < 1 << upper.shift


def chain_bits(total: Addition, ranges: Sequence[Range], result: Range) -> int:
    """The bits of a sum's carry chain; ``ranges`` of the nodes, ``result`` of the sum."""
    if joined(total, ranges):
        return 0
    return max(0, narrowest(*result)[0] - passed_bits(total))


def check(graph: AdderGraph, matrix: np.ndarray, constants: np.ndarray) -> None:
    """Raise IllegalGraph unless ``graph`` is well formed and its outputs are ``matrix @ inputs + constants``, for all inputs.

    ``matrix`` (outputs, inputs) and ``constants`` (outputs,), integers.
    """
    count = len(graph.inputs)
    for k, total in enumerate(graph.sums, count):
        terms = [t for t in (total.first, total.second) if isinstance(t, ShiftedNode)]
        if not all(0 <= term.node < k and term.shift >= 0 for term in terms):
            raise _illegal(k, "terms of earlier nodes, shifted to the left", total)
        if sum(term.negative for term in terms) > 1:
            raise _illegal(k, "at most one negative term", total)
    rows = np.zeros((len(graph.outputs), count + 1), np.int64)
    for k, output in enumerate(graph.outputs):
        if isinstance(output, int):
            rows[k, -1] = output
        elif output.negative or not 0 <= output.node < count + len(graph.sums):
            raise _illegal(k, "an output that is a node, shifted to the left", output)
        else:
            rows[k] = graph.coefficients[output.node] * output.factor
    coefficients = np.concatenate(
        [np.asarray(matrix, np.int64), np.asarray(constants)[:, None]], axis=1
    )
    wrong = np.flatnonzero((rows != coefficients).any(axis=1))
    if wrong.size:
        k = int(wrong[0])
        raise _illegal(k, f"an output of coefficients {coefficients[k].tolist()}", rows[k].tolist())


def _illegal(number: int, expected: str, found: object) -> IllegalGraph:
    return IllegalGraph(
        f"adder graph, number {number}",
        f"expected {expected}, found {found}",
        "Make the graph with hlsgen.constant_products.",
    )
