"""Which reals the values of a float graph are: measured on samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from hlsgen.errors import TypeMismatch
from hlsgen.graph.evaluate import check_inputs, held
from hlsgen.graph.ir import Graph

Ranges: TypeAlias = Mapping[str, tuple[float, float]]
"""The least and the greatest real of each value."""


def measured(graph: Graph, samples: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """The ranges over samples along axis 0 of every input, each evaluated by itself. Raises TypeMismatch for samples that do not fit."""
    count = check_inputs(graph, samples)
    ranges: dict[str, tuple[float, float]] = {}
    for k in range(count):
        row = {name: array[k : k + 1] for name, array in samples.items()}
        for name, (low, high) in of_one(graph, row).items():
            least, most = ranges.get(name, (low, high))
            ranges[name] = min(low, least), max(high, most)
    return ranges


def of_one(graph: Graph, inputs: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """The ranges for one set of inputs of exactly the graph's own types. Raises TypeMismatch where a value is infinite or not a number."""
    values: dict[str, Any] = {**graph.constants, **{name: inputs[name] for name in graph.inputs}}
    ranges = {name: _range(graph, name, values[name]) for name in graph.inputs}
    with np.errstate(all="ignore"):  # what is not finite is refused below
        for node in graph.nodes:
            result = node.op.evaluate(np, *(values[name] for name in node.inputs))
            values[node.output] = held(np, result, graph.types[node.output].element)
            ranges[node.output] = _range(graph, node.output, values[node.output], node.name)
    return ranges


def _range(graph: Graph, name: str, array: Any, node: str = "") -> tuple[float, float]:
    values = np.asarray(array)
    if not values.size:
        return 0.0, 0.0
    if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
        raise TypeMismatch(
            f"{graph.name}, node {node}" if node else f"{graph.name}, input {name}",
            "expected finite numbers on every sample, found NaN or infinity",
            "Give samples for which the model is defined; fixed-point numbers have no infinity.",
        )
    return float(values.min()), float(values.max())
