"""The meaning of a graph with states: its samples are a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hlsgen.graph.evaluate import run_once
from hlsgen.graph.ir import Graph
from hlsgen.ops.tensor_type import storage


def evaluate_sequence(
    graph: Graph, inputs: Mapping[str, Any], xp: Any = np, device: Any = None
) -> dict[str, Any]:
    """The outputs that leave (``graph.sinks``) for samples along axis 0 of every ``graph.sources``, one after the other from the initial states on.

    Each result is (samples, *shape of the value).
    """
    kept = {}
    for state in graph.states:
        type = graph.types[state.input]
        array = np.full(type.shape, state.initial, storage(type.element))
        kept[state.input] = xp.asarray(array, device=device)
    rows: dict[str, list[Any]] = {name: [] for name in graph.sinks}
    for k in range(len(next(iter(inputs.values())))):
        sample = {n: xp.reshape(xp.asarray(a[k]), graph.types[n].shape) for n, a in inputs.items()}
        values = run_once(graph, {**sample, **kept}, xp, device)
        kept = {state.input: values[state.output] for state in graph.states}
        for name, row in rows.items():
            row.append(values[name])
    return {name: xp.stack(row) for name, row in rows.items()}
