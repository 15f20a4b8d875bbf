"""Islands of two quantised operands, and of sums: their integer form as cells of a function that changes at few places."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Node
from hlsgen.ops.add import Add
from hlsgen.ops.arithmetic import Div, Max, Min, Sub, Sum
from hlsgen.ops.compare import Compared
from hlsgen.ops.multiply import Mul
from hlsgen.ops.op import TensorOp
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.step_function import RoundedBy, StepFunction
from hlsgen.passes.islands import Island
from hlsgen.requantise.cells import (
    Combination,
    PairForm,
    find_class_form,
    find_pair_form,
    find_steps,
)

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
    rank, whole = max(len(type.shape) for type in types), build.types[island.output].shape
    padded = [(1,) * (rank - len(type.shape)) + type.shape for type in types]
    failed = unless(
        (
            all(type.integer.bits <= 8 for type in types),
            f"an operand is not quantised to 8 bits: {types[0]} and {types[1]}",
        ),
        (
            rank > 0 and tuple(map(max, *padded)) == whole,
            f"the operands {types[0]} and {types[1]} do not make {list(whole)} alone",
        ),
    )
    if failed is not None:
        return failed
    meets = meeting(island)
    entries = [np.arange(t.integer.minimum, t.integer.maximum + 1) for t in types]
    shape = (-1, *(1,) * (rank - 1))
    # every pair along the batch, since ``evaluate`` of all operators takes any number of samples
    grid = [x.reshape(shape) for x in np.meshgrid(*entries, indexing="ij")]
    values = island.values(dict(zip(island.leaves, grid, strict=True)))
    reals = values[island.output]
    if reals.size != len(grid[0]):
        return Reason("its constants differ from channel to channel")
    truth = quantize.evaluate(np, reals.astype(np.float32)).reshape([len(e) for e in entries])
    truth = truth.astype(np.int64)
    build.within(island.named.name)
    leaves = [
        leaf if len(type.shape) == rank else build.node(Reshape(shape), [leaf])
        for leaf, type, shape in zip(island.leaves, types, padded, strict=True)
    ]
    elements = types[0].integer, types[1].integer
    if isinstance(meets, Reason):
        form = find_class_form(truth) or _compared(island, values, truth)
        return (
            meets
            if form is None
            else StepFunction.of_pair(build, leaves, elements, form, quantize.element, "floats")
        )
    node, operands = meets
    sides = [
        np.moveaxis(values[o].reshape(truth.shape), k, 0)[:, 0] for k, o in enumerate(operands)
    ]
    combination, second_first = COMBINATIONS[type(node.op)]
    with np.errstate(all="ignore"):
        second = second_first(sides[1].astype(np.float64))
    pairs = find_pair_form(truth, sides[0].astype(np.float64), second, combination)
    form = find_class_form(truth) if isinstance(pairs, int) else pairs
    if form is None:
        return Reason(
            f"{pairs:,} of {truth.size:,} pairs of its operands have no arithmetic form ({combination} of two tables)"
        )
    return StepFunction.of_pair(build, leaves, elements, form, quantize.element, "floats")


def _compared(
    island: Island, values: Mapping[str, np.ndarray], truth: np.ndarray
) -> PairForm | None:
    """The form of a function of a comparison: of the difference, the lesser or the greater of what both leaves stand for."""
    reals = {
        node.inputs[0]: values[node.output].reshape(truth.shape).astype(np.float64)
        for node in island.nodes
        if isinstance(node.op, DequantizeLinear) and node.inputs[0] in island.leaves
    }
    if len(reals) < len(island.leaves) or not any(isinstance(n.op, Compared) for n in island.nodes):
        return None
    first, second = reals[island.leaves[0]][:, 0], reals[island.leaves[1]][0]
    trials: tuple[tuple[Combination, np.ndarray], ...] = (
        ("sum", -second),
        ("maximum", second),
        ("minimum", second),
    )
    for combination, other in trials:
        form = find_pair_form(truth, first, other, combination)
        if not isinstance(form, int):
            return form
    return None


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
