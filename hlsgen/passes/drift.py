"""By how much outputs of an integer graph can differ where one of its values differs by a known amount."""

from __future__ import annotations

from math import ceil

import numpy as np

from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Lookup
from hlsgen.ops.add import QuantisedAdd
from hlsgen.ops.axes import AxisSum
from hlsgen.ops.pool import WindowSum
from hlsgen.ops.requantise import Requantise


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
    if op.weighted:
        weights = graph.constants[node.inputs[1]].astype(np.int64)
        return moved * int(np.abs(weights).reshape(len(weights), -1).sum(axis=1).max())
    return moved  # moves, maxima and bounds
