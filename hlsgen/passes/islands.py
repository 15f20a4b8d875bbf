"""Islands of operators that work element by element, before a Quantize: which they are, and what they compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Node
from hlsgen.ops.quantise import DequantizeLinear
from hlsgen.ops.reason import Reason
from hlsgen.ops.tensor_type import TensorType

MOST_POSITIONS = 1 << 16
"""The most positions in which constants may differ."""


@dataclass(frozen=True, eq=False)
class Island:
    """``nodes`` compute ``output`` element by element, operands first, from ``leaves`` and ``constants``.

    ``leaves``: values that other operators compute, integers where a Dequantize of the island reads them.
    """

    nodes: tuple[Node, ...]
    leaves: tuple[str, ...]
    constants: Mapping[str, np.ndarray]
    output: str

    @property
    def named(self) -> Node:
        """The node that stands for the island in names and reasons: the last that does not only dequantise."""
        computing = [node for node in self.nodes if not isinstance(node.op, DequantizeLinear)]
        return (computing or list(self.nodes))[-1]

    def evaluate(self, leaves: Mapping[str, np.ndarray]) -> np.ndarray:
        """The output for arrays of the leaves, by the float operators themselves; what is not a number stays so."""
        return self.values(leaves)[self.output]

    def values(self, leaves: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every value for arrays of the leaves."""
        values = {**self.constants, **leaves}
        with np.errstate(all="ignore"):
            for node in self.nodes:
                operands = [values[name] for name in node.inputs]
                values[node.output] = np.asarray(node.op.evaluate(np, *operands))
        return values

    def behind(self, value: str) -> Island:
        """The part that computes the output from one of the values, which is its only leaf."""
        known = {value}
        nodes = []
        for node in self.nodes:
            if node.output != value and any(name in known for name in node.inputs):
                known.add(node.output)
                nodes.append(node)
        constants = {
            name: array
            for name, array in self.values_of_constants().items()
            if any(name in node.inputs for node in nodes)
        }
        return Island(tuple(nodes), (value,), constants, self.output)

    def values_of_constants(self) -> dict[str, np.ndarray]:
        """The constants, and every value that depends on them alone."""
        values = dict(self.constants)
        with np.errstate(all="ignore"):
            for node in self.nodes:
                if all(name in values for name in node.inputs):
                    operands = [values[name] for name in node.inputs]
                    values[node.output] = np.asarray(node.op.evaluate(np, *operands))
        return values


def island_of(build: GraphBuilder, output: str) -> Island:
    """The largest island that computes ``output``; without nodes where another operator computes it."""
    nodes: list[Node] = []
    leaves: list[str] = []
    constants: dict[str, np.ndarray] = {}
    seen: set[str] = set()
    waiting = [(output, False)]
    while waiting:
        value, ready = waiting.pop()
        producer = build.producer(value)
        if ready and producer is not None:
            nodes.append(producer)
            continue
        if value in seen:
            continue
        seen.add(value)
        if value in build.constants:
            constants[value] = build.constants[value]
        elif producer is not None and producer.op.pointwise:
            waiting.append((value, True))
            waiting += [(operand, False) for operand in reversed(producer.inputs)]
        else:
            leaves.append(value)
    return Island(tuple(nodes), tuple(leaves), constants, output)


def tabulate(island: Island, leaf: TensorType) -> np.ndarray | Reason:
    """The reals of an island whose only leaf are integers, for every integer of their type.

    float32 (entries, ...) of the leaf's rank, with extents above 1 where constants differ; entry 0 is for the least integer.
    """
    entries = np.arange(leaf.integer.minimum, leaf.integer.maximum + 1)
    rank = len(leaf.shape)
    positions = max((array.size for array in island.constants.values()), default=1)
    if positions > MOST_POSITIONS:
        return Reason(
            f"its constants differ in {positions:,} positions, of at most {MOST_POSITIONS:,}"
        )
    reals = island.evaluate({island.leaves[0]: entries.reshape(-1, *(1,) * (rank - 1))})
    if rank == 0 or reals.ndim != rank or reals.shape[0] != len(entries):
        return Reason("its constants have more dimensions than its operand")
    return reals.astype(np.float32)
