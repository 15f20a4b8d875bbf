"""From a graph as read to an integer graph with its host parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.passes.affine_to_integer import AffineToInteger
from hlsgen.passes.dead_code import RemoveDead
from hlsgen.passes.floats_to_integers import FloatsToIntegers
from hlsgen.passes.fold_constants import FoldConstants
from hlsgen.passes.fold_into_weights import FoldIntoWeights
from hlsgen.passes.host_cut import IntegerModel, cut_host, divide
from hlsgen.passes.indices_to_integer import IndicesToInteger
from hlsgen.passes.merge_pads import MergePads
from hlsgen.passes.pipeline import GraphPass, GraphPasses
from hlsgen.passes.places_to_integer import PlacesToInteger
from hlsgen.passes.qdq_to_integer import QdqToInteger
from hlsgen.passes.round_biases import RoundBiases
from hlsgen.passes.sink_bounds import SinkBounds
from hlsgen.passes.sink_moves import SinkMoves
from hlsgen.passes.split_batch_norm import SplitBatchNorm
from hlsgen.passes.split_quant import SplitQuant
from hlsgen.passes.states import check_states, closed, with_integer_states, with_own_outputs
from hlsgen.passes.sums_to_integer import SumsToInteger
from hlsgen.passes.top_to_integer import TopToInteger

PASSES: tuple[GraphPass, ...] = (
    FoldConstants(),
    RoundBiases(),
    SplitQuant(),
    FloatsToIntegers(),
    FoldConstants(),
    SplitBatchNorm(),
    FoldIntoWeights(),
    SinkMoves(),
    FoldConstants(),
    SinkBounds(),
    FoldIntoWeights(),
    TopToInteger(),
    QdqToInteger(),
    AffineToInteger(),
    PlacesToInteger(),
    IndicesToInteger(),
    SumsToInteger(),
    FoldConstants(),
    MergePads(),
    RemoveDead(),
)


def to_integer(
    graph: Graph,
    observe: Callable[[str, Graph], None] | None = None,
    states: Mapping[str, str] = MappingProxyType({}),
) -> IntegerModel:
    """The integer model of a quantised graph. ``observe(pass name, graph)`` sees every step; ``states``: outputs that are kept in the circuit
    for the inputs of the next sample. Raises HlsgenError."""
    reasons: dict[str, str] = {}
    check_states(graph, states)
    graph, kept = with_integer_states(graph, states)
    integers, kept = with_own_outputs(explained(graph, reasons, observe), graph.outputs, kept)
    return closed(cut_host(integers, reasons), kept)


def explained(
    graph: Graph, reasons: dict[str, str], observe: Callable[[str, Graph], None] | None = None
) -> Graph:
    """The graph after all passes; ``reasons`` gets, by node name, why the last rule that concerns a node has left it.

    Operators that the host can compute at the end of a network stay there, but where nothing would be left for the circuit.
    """

    def refused(node: Node, reason: Reason) -> None:
        if reason is not ELSEWHERE:
            reasons[reason.node or node.name] = reason.text

    result = GraphPasses(PASSES, observe, refused).run(graph)
    if divide(result).hardware:
        return result
    reasons.clear()
    passes = (QdqToInteger(takes_last=True) if p == QdqToInteger() else p for p in PASSES)
    return GraphPasses(tuple(passes), observe, refused).run(graph)


__all__ = ["PASSES", "GraphPass", "GraphPasses", "IntegerModel", "explained", "to_integer"]
