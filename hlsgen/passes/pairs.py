"""Islands of two quantised operands, and of sums: their integer form as cells of a function that changes at few places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Node
from hlsgen.ops.add import Add
from hlsgen.ops.arithmetic import Div, Max, Min, Sub, Sum
from hlsgen.ops.multiply import Mul
from hlsgen.ops.op import TensorOp
from hlsgen.ops.quantise import QuantizeLinear
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.step_function import RoundedBy, StepFunction
from hlsgen.passes.islands import Island
from hlsgen.requantise.cells import Combination, find_pair_form, find_steps

COMBINATIONS: dict[type[TensorOp], tuple[Combination, Callable[[np.ndarray], np.ndarray]]] = {
    Add: ("sum", np.positive),
    Sum: ("sum", np.positive),
    Sub: ("sum", np.negative),
    Mul: ("product", np.positive),
    Div: ("product", np.reciprocal),
    Min: ("minimum", np.positive),
    Max: ("maximum", np.positive),
}
"""How an operator combines its operands, and what becomes of the second one first."""


def pair_function(build: GraphBuilder, island: Island, quantize: QuantizeLinear) -> str | Reason:
    """The integer form of an island of two operands of at most 8 bits, proved for all pairs; else the count of pairs that have none."""
    types = [build.types[leaf] for leaf in island.leaves]
    rank, whole = len(types[0].shape), build.types[island.output].shape
    same = rank > 0 and all(len(type.shape) == rank for type in types)
    failed = unless(
        (
            all(type.integer.bits <= 8 for type in types),
            f"an operand is not quantised to 8 bits: {types[0]} and {types[1]}",
        ),
        (
            same and tuple(map(max, *(type.shape for type in types))) == whole,
            f"the operands {types[0]} and {types[1]} do not make {list(whole)} alone",
        ),
    )
    meets = failed or meeting(island)
    if isinstance(meets, Reason):
        return meets
    node, operands = meets
    entries = [np.arange(t.integer.minimum, t.integer.maximum + 1) for t in types]
    a = entries[0].reshape(-1, *(1,) * (rank - 1))
    first, second = island.leaves
    sides = [
        island.values(
            {
                leaf: x.reshape(-1, *a.shape[1:])
                for leaf, x in zip(island.leaves, entries, strict=True)
            }
        )[operand].astype(np.float64)
        for operand in operands
    ]
    # every pair along the batch, since ``evaluate`` of all operators takes any number of samples
    grid = [x.reshape(-1, *a.shape[1:]) for x in np.meshgrid(*entries, indexing="ij")]
    reals = island.evaluate({first: grid[0], second: grid[1]})
    if any(
        side.size != len(e) for side, e in zip(sides, entries, strict=True)
    ) or reals.size != len(grid[0]):
        return Reason("its constants differ from channel to channel")
    truth = quantize.evaluate(np, reals.astype(np.float32)).reshape([len(e) for e in entries])
    combination, second_first = COMBINATIONS[type(node.op)]
    with np.errstate(all="ignore"):
        reals_b = second_first(sides[1].reshape(-1))
    form = find_pair_form(truth.astype(np.int64), sides[0].reshape(-1), reals_b, combination)
    if isinstance(form, int):
        return Reason(
            f"{form:,} of {truth.size:,} pairs of its operands have no arithmetic form ({combination} of two tables)"
        )
    build.within(island.named.name)
    return StepFunction.of_pair(build, island.leaves, form, quantize.element, "floats")


def channel_function(
    build: GraphBuilder,
    source: str,
    results: np.ndarray,
    element: ElementType,
    kernel: RoundedBy,
) -> str | Reason:
    """A table for each channel of ``source``; ``results`` (entries, channels) are those of ``kernel``. Equal tables are stored once."""
    type = build.types[source]
    tables, number = np.unique(results.T, axis=0, return_inverse=True)
    steps = find_steps(np.arange(tables.size), tables.reshape(-1))
    if steps is None:
        return Reason(f"its {len(tables)} different tables of {len(results)} entries are too many")
    addends = len(results) * number.reshape(-1) - type.integer.minimum
    return StepFunction.add(build, "sum", [(source, "addend", addends)], steps, element, kernel)


def meeting(island: Island) -> tuple[Node, tuple[str, str]] | Reason:
    """The one node that brings both leaves together, and its operands of the first and of the second leaf."""
    depends: dict[str, frozenset[str]] = {leaf: frozenset((leaf,)) for leaf in island.leaves}
    both = frozenset(island.leaves)
    meetings: list[tuple[Node, tuple[str, str]]] = []
    for node in island.nodes:
        operands = [depends.get(value, frozenset()) for value in node.inputs]
        depends[node.output] = frozenset().union(*operands)
        if depends[node.output] != both:
            continue
        mixed = [value for value in node.inputs if depends.get(value) == both]
        single = [value for value in node.inputs if len(depends.get(value, ())) == 1]
        if len(mixed) == 1 and not single and meetings:
            continue
        if mixed or len(single) != 2 or type(node.op) not in COMBINATIONS or meetings:
            return Reason(f"{node.op.name} of two quantised operands has no arithmetic form")
        meetings.append((node, (single[0], single[1])))
    node, operands_of = meetings[0]
    if depends[operands_of[0]] != {island.leaves[0]}:
        return Reason("its operands come in another order")
    return node, operands_of
