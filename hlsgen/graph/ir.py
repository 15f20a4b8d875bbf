"""The graph IR: static single assignment of tensor operators on typed values.

Grammar (text form, see text.py)::

    graph    ::= name, value types, input*, constant*, node*, output*      nodes in topological order
    value    ::= name : tensor type                                        every name is defined exactly once
    node     ::= value = operator(attribute*)(value*)                      one result; operators are the classes of hlsgen.ops
    type     ::= element [ dimension* ] quantisation?
    element  ::= s<bits> | u<bits> | f32
    quantisation ::= scale*, zero point*, axis?                            real value = (integer - zero point) * scale

The first dimension of every value that depends on an input is the batch, bound to 1. Convolution and pooling tensors are
(1, C, H, W) or (1, C, L), as in ONNX. A graph without f32 values is an *integer graph*: what becomes hardware.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from hlsgen.algebra.types import ElementType

if TYPE_CHECKING:
    from hlsgen.ops.op import TensorOp

F32: Final = "f32"
Element: TypeAlias = ElementType | Literal["f32"]


@dataclass(frozen=True)
class Quantisation:
    """real = (integer - zero_point) * scale. ``scale`` holds float32 values, one or one per index of ``axis``."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None

    @property
    def per_tensor(self) -> bool:
        return len(self.scale) == 1

    def scales(self) -> np.ndarray:
        return np.array(self.scale, np.float32)

    def zero_points(self) -> np.ndarray:
        return np.array(self.zero_point, np.int64)


@dataclass(frozen=True)
class TensorType:
    """Shape, element type and, where an integer stands for a real number, its quantisation."""

    shape: tuple[int, ...]
    element: Element
    quantisation: Quantisation | None = None

    @property
    def is_integer(self) -> bool:
        return isinstance(self.element, ElementType)

    @property
    def integer(self) -> ElementType:
        """The element type of an integer tensor; asking this of a float tensor is hlsgen's own mistake."""
        assert isinstance(self.element, ElementType), "a float tensor has no integer element type"
        return self.element

    @property
    def size(self) -> int:
        return prod(self.shape)

    def with_shape(self, shape: tuple[int, ...]) -> TensorType:
        return replace(self, shape=shape)

    def __str__(self) -> str:
        return f"{self.element}[{','.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Node:
    """``output = op(inputs)``; ``name`` is the node's name in the source file, or made from the output's."""

    name: str
    op: TensorOp
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in topological order. ``types`` has every value; ``constants`` the arrays of those that are constant."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    types: Mapping[str, TensorType]

    @cached_property
    def producers(self) -> Mapping[str, Node]:
        """The node that computes each value (inputs and constants have none)."""
        return {node.output: node for node in self.nodes}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[Node, ...]]:
        """The nodes that read each value, in order; values that nobody reads are absent."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def input_types(self, node: Node) -> tuple[TensorType, ...]:
        return tuple(self.types[name] for name in node.inputs)

    def input_constants(self, node: Node) -> tuple[np.ndarray | None, ...]:
        return tuple(self.constants.get(name) for name in node.inputs)

    def is_only_read_by(self, value: str, node: Node) -> bool:
        """Whether ``node`` alone reads the value, and it is not an output of the graph."""
        return value not in self.outputs and self.consumers.get(value, ()) == (node,)


def storage(element: Element) -> np.dtype:
    """The NumPy type in which tensors of this element type are held: u8 in uint8, else the narrowest signed one.

    Wide unsigned types are held in signed ones since not every array library has them.
    """
    if not isinstance(element, ElementType):
        return np.dtype(np.float32)
    if not element.signed and element.bits <= 8:
        return np.dtype(np.uint8)
    needed = element.bits + (not element.signed)
    return np.dtype(f"int{next(width for width in (8, 16, 32, 64) if needed <= width)}")
