"""The graph IR: static single assignment of tensor operators on typed values.

Grammar (text form, see text.py)::

    graph    ::= name, value types, input*, constant*, node*, output*, state*    nodes in topological order
    state    ::= output, input, initial            what the output is in one sample, the input is in the next
    value    ::= name : tensor type                                        every name is defined exactly once
    node     ::= value = operator(attribute*)(value*)                      one result; operators are the classes of hlsgen.ops
    type     ::= element [ dimension* ] quantisation?
    element  ::= s<bits> | u<bits> | f32 | another float             u1: truth values
    quantisation ::= scale*, zero point*, axis?                            real value = (integer - zero point) * scale

The first dimension of every value that depends on an input is the batch, bound to 1. Convolution and pooling tensors are
(1, C, H, W) or (1, C, L), as in ONNX. A graph without float values is an *integer graph*: what becomes hardware.
An ONNX operator with several results is as many nodes of the same operands, each of which gives one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hlsgen.ops.op import TensorOp
from hlsgen.ops.tensor_type import TensorType


@dataclass(frozen=True)
class Node:
    """``output = op(inputs)``; ``name`` is the node's name in the source file, or made from the output's."""

    name: str
    op: TensorOp
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class StateValue:
    """What the value ``output`` is in one sample, the value ``input`` is in the next; in the first all its elements are ``initial``.

    ``of``: the output and the input of the model that it stands for.
    """

    output: str
    input: str
    initial: int
    of: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in topological order. ``types`` has every value; ``constants`` the arrays of those that are constant; ``states`` join outputs to inputs."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    types: Mapping[str, TensorType]
    states: tuple[StateValue, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The inputs that come from outside: no states."""
        kept = {state.input for state in self.states}
        return tuple(name for name in self.inputs if name not in kept)

    @property
    def sinks(self) -> tuple[str, ...]:
        """The outputs that leave: no states."""
        kept = {state.output for state in self.states}
        return tuple(name for name in self.outputs if name not in kept)

    @cached_property
    def producers(self) -> Mapping[str, Node]:
        """The node that computes each value (inputs and constants have none)."""
        return {node.output: node for node in self.nodes}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[Node, ...]]:
        """The nodes that read each value, in order; values that nobody reads are absent."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                readers.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in readers.items()}

    def input_types(self, node: Node) -> tuple[TensorType, ...]:
        return tuple(self.types[name] for name in node.inputs)

    def input_constants(self, node: Node) -> tuple[np.ndarray | None, ...]:
        return tuple(self.constants.get(name) for name in node.inputs)

    def is_only_read_by(self, value: str, node: Node) -> bool:
        """Whether ``node`` alone reads the value, and it is not an output of the graph."""
        return value not in self.outputs and self.consumers.get(value, ()) == (node,)
