"""From a graph as read to an integer graph with its host parts."""

from __future__ import annotations

from collections.abc import Callable

from hlsgen.graph.ir import Graph
from hlsgen.passes.dead_code import RemoveDead
from hlsgen.passes.fold_constants import FoldConstants
from hlsgen.passes.fold_into_weights import FoldIntoWeights
from hlsgen.passes.host_cut import IntegerModel, cut_host
from hlsgen.passes.pipeline import Pass, Pipeline
from hlsgen.passes.qdq_to_integer import QdqToInteger
from hlsgen.passes.sink_moves import SinkMoves
from hlsgen.passes.split_batch_norm import SplitBatchNorm

PASSES: tuple[Pass, ...] = (
    FoldConstants(),
    SplitBatchNorm(),
    FoldIntoWeights(),
    SinkMoves(),
    FoldConstants(),
    FoldIntoWeights(),
    QdqToInteger(),
    RemoveDead(),
)


def to_integer(graph: Graph, observe: Callable[[str, Graph], None] | None = None) -> IntegerModel:
    """The integer model of a quantised graph. ``observe(pass name, graph)`` sees every step. Raises HlsgenError."""
    return cut_host(Pipeline(PASSES, observe).run(graph))


__all__ = ["PASSES", "IntegerModel", "Pass", "Pipeline", "to_integer"]
