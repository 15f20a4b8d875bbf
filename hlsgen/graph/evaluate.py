"""The meaning of a graph: its operators' meanings, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.errors import TypeMismatch
from hlsgen.graph.ir import Graph
from hlsgen.ops.float_format import rounded
from hlsgen.ops.tensor_type import AnyArray, Element, storage

SAMPLES_AT_ONCE = 16


def evaluate(
    graph: Graph,
    inputs: Mapping[str, Any],
    xp: Any = np,
    device: Any = None,
    every: bool = False,
) -> dict[str, Any]:
    """The outputs (or with ``every``, all computed values) for samples along axis 0 of every input.

    ``xp`` is an array-API namespace (numpy, or array_api_compat's cupy or torch) and ``device`` one of its devices. A value of
    type [1, ...] comes back as [samples, ...]. Raises TypeMismatch for wrong names, shapes and types.
    """
    count = check_inputs(graph, inputs)
    batched = all(
        graph.types[name].shape[:1] == (1,) for name in graph.types if name not in graph.constants
    ) and all(node.op.keeps_batch(graph.input_types(node)) for node in graph.nodes)
    step = SAMPLES_AT_ONCE if batched else 1
    constants = {name: xp.asarray(a, device=device) for name, a in graph.constants.items()}
    returned = [node.output for node in graph.nodes] if every else list(graph.outputs)
    parts: dict[str, list[Any]] = {name: [] for name in returned}
    for start in range(0, count, step):
        values = dict(constants)
        for name in graph.inputs:
            values[name] = xp.asarray(inputs[name][start : start + step], device=device)
        _run(graph, values, xp, returned)
        for name in returned:
            parts[name].append(values[name])
    return {name: xp.concat(part, axis=0) for name, part in parts.items() if part}


def run_once(
    graph: Graph, inputs: Mapping[str, Any], xp: Any = np, device: Any = None
) -> dict[str, Any]:
    """The outputs for one set of inputs of exactly the graph's own types: axis 0 is not an axis of samples here."""
    arrays = {**graph.constants, **{name: inputs[name] for name in graph.inputs}}
    values = {name: xp.asarray(array, device=device) for name, array in arrays.items()}
    _run(graph, values, xp, list(graph.outputs))
    return {name: values[name] for name in graph.outputs}


def held(xp: Any, array: AnyArray, element: Element) -> AnyArray:
    """A result as values of ``element`` are held: of its storage type, a narrow float rounded, an integer of int64 modulo 2**bits."""
    if isinstance(element, ElementType) and array.dtype == xp.int64:
        array = element.decode(array)
    return xp.astype(rounded(xp, array, element), getattr(xp, storage(element).name))


def _run(graph: Graph, values: dict[str, Any], xp: Any, returned: list[str]) -> None:
    """Computes every node; values that nobody reads any more are dropped. Raises TypeMismatch for indices beyond an axis."""
    last = {name: node for node in graph.nodes for name in node.inputs}
    keep = {*returned, *graph.constants}
    for node in graph.nodes:
        try:
            result = node.op.evaluate(xp, *(values[name] for name in node.inputs))
        except (
            IndexError
        ) as error:  # of samples: that of constants was found when the graph was read
            raise TypeMismatch(
                f"{graph.name}, node {node.name}, {node.op.name}",
                f"expected samples whose indices lie inside their axes, found: {error}",
                "Correct the samples.",
            ) from None
        values[node.output] = held(xp, result, graph.types[node.output].element)
        for name in set(node.inputs):
            if last[name] is node and name not in keep:
                del values[name]


def check_inputs(graph: Graph, inputs: Mapping[str, Any]) -> int:
    """The number of samples; raises TypeMismatch for inputs of other names, shapes or types than the graph has."""
    expected, given = sorted(graph.inputs), sorted(inputs)
    if expected != given:
        raise TypeMismatch(
            f"{graph.name}, inputs",
            f"expected {expected}, found {given}",
            "Name the arrays of the npz file as the model's inputs.",
        )
    counts = set()
    for name in graph.inputs:
        type, array = graph.types[name], inputs[name]
        kind = storage(type.element).name
        shape, dtype = tuple(array.shape), str(array.dtype).rpartition(".")[2]
        if not shape or shape[1:] != type.shape[1:] or dtype != kind:
            raise TypeMismatch(
                f"{graph.name}, input {name}",
                f"expected [samples, {', '.join(map(str, type.shape[1:]))}] of {kind}, found {list(shape)} of {dtype}",
                "Give samples of the model's own shape and type, along axis 0.",
            )
        counts.add(shape[0])
    if len(counts) > 1:
        raise TypeMismatch(
            f"{graph.name}, inputs",
            f"expected as many samples of every input, found {sorted(counts)}",
            "Give arrays with equal first dimensions.",
        )
    return counts.pop() if counts else 1
