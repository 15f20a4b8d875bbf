"""By how much outputs of an integer graph can differ where one of its values differs by a known amount."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, tanh

import numpy as np

from hlsgen.algebra import scalar
from hlsgen.algebra.expression import Expression, Literal, Operand, expression_type
from hlsgen.algebra.types import ElementType
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Lookup
from hlsgen.ops.add import QuantisedAdd
from hlsgen.ops.axes import AxisSum
from hlsgen.ops.formula import ElementFormula
from hlsgen.ops.logarithmic_function import LogarithmicFunction
from hlsgen.ops.matrix_product import MatrixProduct
from hlsgen.ops.pool import WindowSum
from hlsgen.ops.quantised_norm import QuantisedNorm
from hlsgen.ops.quantised_softmax import QuantisedSoftmax
from hlsgen.ops.requantise import Requantise
from hlsgen.ops.step_function import StepFunction


def drifts(graph: Graph, value: str, bound: int) -> dict[str, int]:
    """Of every output that depends on ``value``, which differs by at most ``bound``: the most by which it differs."""
    drift = {value: bound}
    for node in graph.nodes:
        moved = max((drift[name] for name in node.inputs if name in drift), default=0)
        if moved and node.output not in drift:
            element = graph.types[node.output].integer
            drift[node.output] = min(_drift(graph, node, moved), element.maximum - element.minimum)
    return {name: drift[name] for name in graph.outputs if name in drift}


def _drift(graph: Graph, node: Node, moved: int) -> int:
    """The most by which a node's result moves, where its operands move by ``moved``."""
    op = node.op
    if isinstance(op, Requantise):
        return ceil(moved * max(op.scale)) + 1
    if isinstance(op, WindowSum):
        return moved * int(np.prod(op.kernel))
    if isinstance(op, AxisSum):
        return moved * int(np.prod([graph.types[node.inputs[0]].shape[axis] for axis in op.axes]))
    if isinstance(op, QuantisedAdd):
        return ceil(moved * (op.scale_a + op.scale_b) / op.scale) + 1
    if isinstance(op, Lookup):
        table = np.array(op.values)
        steps = range(1, min(moved, len(table) - 1) + 1)
        return max(int(np.abs(table[k:] - table[:-k]).max()) for k in steps)
    if isinstance(op, StepFunction):
        return _of_steps(graph, node, op, moved)
    if isinstance(op, LogarithmicFunction):
        factors = graph.constants[node.inputs[1]].astype(np.int64)
        return _most_within(*_changes(graph, node), moved * int(np.abs(factors).max()))
    if isinstance(op, QuantisedNorm):
        return graph.types[node.output].integer.maximum - graph.types[node.output].integer.minimum
    if isinstance(op, QuantisedSoftmax):
        # each share moves by at most tanh(d / 2) where every operand moves by d
        return ceil(op.units * tanh(moved * op.step / 2)) + 1
    if isinstance(op, ElementFormula):
        return _of_formula(graph, node, op, moved)
    if isinstance(op, MatrixProduct):
        return _of_products(graph, node, op, moved)
    if op.weighted:
        weights = graph.constants[node.inputs[1]].astype(np.int64)
        return moved * int(np.abs(weights).reshape(len(weights), -1).sum(axis=1).max())
    return moved  # moves, maxima and bounds


def _of_products(graph: Graph, node: Node, op: MatrixProduct, moved: int) -> int:
    """The most by which a sum of products moves, where both factors may."""
    a, b = (graph.types[name] for name in node.inputs)
    largest = (
        max(abs(end - zero) for end in (type.integer.minimum, type.integer.maximum))
        for type, zero in zip((a, b), op.zeros, strict=True)
    )
    return a.shape[-1] * moved * (sum(largest) + moved)


def _of_formula(graph: Graph, node: Node, op: ElementFormula, moved: int) -> int:
    """The most that a formula moves, where every operand that is not constant may."""
    types = {f"r{k}": graph.types[name].integer for k, name in enumerate(node.inputs)}
    fixed = {f"r{k}" for k, name in enumerate(node.inputs) if name in graph.constants}
    return _of_expression(op.tree, types, {name: 0 if name in fixed else moved for name in types})


def _of_expression(
    expression: Expression, types: Mapping[str, ElementType], moved: Mapping[str, int]
) -> int:
    """The most that the value of an expression moves; what compares is taken to move by its whole range."""
    if isinstance(expression, Operand):
        return moved[expression.name]
    if isinstance(expression, Literal):
        return 0
    parts = [_of_expression(part, types, moved) for part in expression.arguments]
    whole = expression_type(expression, types)
    if not any(parts):
        return 0
    if isinstance(expression.op, scalar.Add | scalar.Subtract):
        return sum(parts)
    if isinstance(expression.op, scalar.Maximum | scalar.Minimum | scalar.Clamp):
        return max(parts)
    if isinstance(expression.op, scalar.ShiftRight):
        return (parts[0] >> expression.op.bits) + 1
    if isinstance(expression.op, scalar.Multiply):
        a, b = (expression_type(part, types) for part in expression.arguments)
        most_a, most_b = (max(-t.minimum, t.maximum) for t in (a, b))
        return parts[0] * most_b + parts[1] * most_a + parts[0] * parts[1]
    return whole.maximum - whole.minimum


def _of_steps(graph: Graph, node: Node, op: StepFunction, moved: int) -> int:
    """The most that the changes within the reach of the combined terms add up to."""
    reaches, largest = [], []
    for kind, (operand, place) in zip(op.terms, op.places, strict=True):
        integers = graph.constants[node.inputs[place]].astype(np.int64)
        element = graph.types[node.inputs[operand]].integer
        if kind == "given":
            reaches.append(0)
            largest.append(int(np.abs(integers).max()))
        elif kind == "table":
            steps = range(1, min(moved, len(integers) - 1) + 1)
            reaches.append(max(int(np.abs(integers[n:] - integers[:-n]).max()) for n in steps))
            largest.append(int(np.abs(integers).max()))
        else:
            factor = int(np.abs(integers).max()) if kind == "factor" else 1
            reaches.append(moved * factor)
            largest.append(factor * max(-element.minimum, element.maximum))
    reach = sum(reaches)
    if op.combination == "product":
        (a, b), (most_a, most_b) = reaches, largest
        reach = a * most_b + b * most_a + a * b
    apart = max((abs(addend) for *_, addend in op.exceptions), default=0)
    return _most_within(*_changes(graph, node), reach) + 2 * apart


def largest_jump(graph: Graph, node: Node) -> int:
    """The most by which the result of a StepFunction or LogarithmicFunction changes from one integer to the next."""
    return int(np.abs(np.diff(_changes(graph, node)[1])).max(initial=0))


def _changes(graph: Graph, node: Node) -> tuple[np.ndarray, np.ndarray]:
    """The places at which a function of steps changes, or does not, each with the result from there on."""
    op, cells = node.op, graph.constants[node.inputs[-1]].astype(np.int64)
    if isinstance(op, StepFunction):
        places = np.stack([op.origin + (np.arange(len(cells)) << op.shift), cells[:, 0]], axis=1)
        return np.maximum.accumulate(places.reshape(-1)), cells[:, 1:].reshape(-1)
    assert isinstance(op, LogarithmicFunction)
    right: np.ndarray = cells[: op.positive]
    left: np.ndarray = cells[op.positive :] if len(cells) > op.positive else right * [1, -1, -1]
    right, left = (side[side[:, 1] != side[:, 2]] for side in (right, left))
    places = np.concatenate([-left[::-1, 0], right[:, 0]])
    values = np.concatenate([left[::-1, 1], right[:, 2]])
    before = left[-1:, 2] if len(left) else right[:1, 1]
    return np.concatenate([places[:1], places]), np.concatenate([before, values])


def _most_within(places: np.ndarray, values: np.ndarray, reach: int) -> int:
    """The most by which results change within ``reach``."""
    changes = np.concatenate([[0], np.abs(np.diff(values))])
    total = np.concatenate([[0], np.cumsum(changes)])
    first = np.searchsorted(places, places - reach, side="left")
    return int((total[1:] - total[first]).max())
