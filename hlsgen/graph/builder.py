"""Building graphs: every node is typed as it is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.errors import HlsgenError, IllegalGraph
from hlsgen.graph.evaluate import held
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.limits import check_shape
from hlsgen.ops.op import TensorOp
from hlsgen.ops.tensor_type import Element, Quantisation, TensorType, storage


class GraphBuilder:
    """Collects values and nodes in topological order. Names that are asked for twice get a number appended."""

    def __init__(self, name: str, given: Mapping[str, np.ndarray] | None = None) -> None:
        """``given``: arrays of inputs, in the storage type of their elements, which ``known`` may take for constants."""
        self.name = name
        self._known: dict[str, np.ndarray | None] = dict(given or {})
        self.types: dict[str, TensorType] = {}
        self.constants: dict[str, np.ndarray] = {}
        self._inputs: list[str] = []
        self._nodes: list[Node] = []
        self._producers: dict[str, Node] = {}
        self._reserved: set[str] = set()
        self._context = ""

    def reserve(self, names: Sequence[str]) -> None:
        """Keeps names from being given to new values."""
        self._reserved.update(names)

    def within(self, context: str) -> None:
        """Names the source node whose replacement follows, for new names and for errors."""
        self._context = context

    def input(self, name: str, type: TensorType) -> str:
        """Declares an input of the graph."""
        self._define(name, type)
        self._inputs.append(name)
        return name

    def constant(
        self,
        name: str,
        array: np.ndarray,
        element: Element,
        quantisation: Quantisation | None = None,
    ) -> str:
        """Defines a constant; ``array`` is stored in the storage type of ``element``."""
        self._define(name, TensorType(tuple(array.shape), element, quantisation))
        self.constants[name] = np.ascontiguousarray(array, storage(element)).reshape(array.shape)
        return name

    def integers(self, hint: str, array: np.ndarray) -> str:
        """A new integer constant of the narrowest signed type that holds it."""
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        return self.constant(
            self.fresh(hint), array, ElementType.holding(min(low, -1), max(high, 0))
        )

    def node(
        self,
        op: TensorOp,
        inputs: Sequence[str],
        output: str | None = None,
        name: str | None = None,
    ) -> str:
        """Adds a node and returns its value's name. Type errors are reported at this node."""
        name = name or self._context or output or op.name
        output = output or self.fresh(f"{name}_{op.name.lower()}")
        if missing := [value for value in inputs if value not in self.types]:
            raise IllegalGraph(
                f"{self.name}, node {name} ({op.name})",
                f"expected operands that are defined before, found {missing}",
                "Repair the model: a value is read that no node, input or initializer defines.",
            )
        types = tuple(self.types[value] for value in inputs)
        asks = op.asks_values
        constants = tuple(self.known(v) if asks else self.constants.get(v) for v in inputs)
        place = f"{self.name}, node {name} ({op.name})"
        try:
            result = op.infer(types, constants)
        except HlsgenError as error:
            raise type(error)(place, error.problem, error.remedy) from error
        check_shape(result.shape, place)
        self._define(output, result)
        self._producers[output] = node = Node(name, op, tuple(inputs), output)
        self._nodes.append(node)
        return output

    def take(self, graph: Graph, value: str) -> str:
        """Brings a constant over from another graph, if it is one and not here yet."""
        if value not in self.types and value in graph.constants:
            type = graph.types[value]
            self.constant(value, graph.constants[value], type.element, type.quantisation)
        return value

    def producer(self, value: str) -> Node | None:
        """The node added so far that computes a value; None for inputs and constants."""
        return self._producers.get(value)

    def known(self, name: str) -> np.ndarray | None:
        """The array of a value that no sample decides: a constant, what is computed from constants, or from types alone; else None.

        Each node is evaluated once, and only for those who ask.
        """
        waiting = [name]
        while waiting:
            node = self._producers.get(waiting[-1])
            if node is None or waiting[-1] in self._known:
                waiting.pop()
                continue
            array = node.op.from_types(tuple(self.types[value] for value in node.inputs))
            if array is None:
                inner = [v for v in node.inputs if v in self._producers and v not in self._known]
                if inner:
                    waiting.append(inner[0])
                    continue
                operands = [self.constants.get(v, self._known.get(v)) for v in node.inputs]
                if not any(operand is None for operand in operands):
                    array = np.asarray(node.op.evaluate(np, *operands))
            self._known[waiting.pop()] = (
                None if array is None else held(np, array, self.types[node.output].element)
            )
        return self.constants.get(name, self._known.get(name))

    def fresh(self, hint: str) -> str:
        """A name that no value has."""
        name, count = hint, 1
        while name in self.types or name in self._reserved:
            count += 1
            name = f"{hint}_{count}"
        return name

    def finish(self, outputs: Sequence[str]) -> Graph:
        """The graph."""
        return Graph(
            self.name,
            tuple(self._inputs),
            tuple(outputs),
            tuple(self._nodes),
            dict(self.constants),
            dict(self.types),
        )

    def _define(self, name: str, type: TensorType) -> None:
        if name in self.types:
            raise IllegalGraph(
                f"{self.name}, value {name}",
                "expected every value to be defined once, found a second definition",
                "Repair the model: two nodes, inputs or initializers have this name.",
            )
        self.types[name] = type
