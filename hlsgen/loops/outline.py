"""Which operation of a loop graph reads which value, as reports hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlsgen.loops.ir import LoopGraph


def outline(graph: LoopGraph, times: Mapping[str, int]) -> list[dict[str, Any]]:
    """JSON objects, one for each operation: ``name``, ``operator``, ``array`` (of loads and stores, else null), the ``cycle`` of its issue in
    iteration 0, and the values that it ``reads``: each the operation that makes it and how many iterations before (``distance``)."""
    return [
        {
            "name": operation.name,
            "operator": operation.operator,
            "array": operation.array,
            "cycle": times[operation.name],
            "reads": [
                {"operation": value.operation, "distance": value.distance}
                for value in operation.values
            ],
        }
        for operation in graph.operations
    ]
