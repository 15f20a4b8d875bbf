"""Scales of states in a model that hlsgen quantises itself: one for all parts of a state, which is kept as it was quantised once."""

from __future__ import annotations

from collections.abc import Collection

from hlsgen.frontend.mean_scales import QUANTISED
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.quantise import QuantizeLinear
from hlsgen.ops.tensor_type import Quantisation


def scales_of_states(graph: Graph, inputs: Collection[str]) -> dict[str, tuple[float, int]]:
    """Scale and zero point, by name of the tensor, for what reads each of ``inputs``, perhaps moved, where there are several of them:
    those whose range has all of theirs."""
    scales: dict[str, tuple[float, int]] = {}
    for name in inputs:
        readers = _quantizers(graph, name)
        kinds = {_one(node).scale[0]: _one(node).zero_point[0] for node in readers}
        if len(kinds) < 2:
            continue
        most = max(
            node.op.element.maximum for node in readers if isinstance(node.op, QuantizeLinear)
        )
        least = min(-zero * scale for scale, zero in kinds.items())
        scale = (max((most - z) * s for s, z in kinds.items()) - least) / most
        for node in readers:
            scales[node.output.removesuffix(QUANTISED)] = scale, round(-least / scale)
    return scales


def _one(node: Node) -> Quantisation:
    assert isinstance(node.op, QuantizeLinear), "found as one"
    return node.op.quantisation


def _quantizers(graph: Graph, name: str) -> list[Node]:
    """The Quantizes through which an input is read, behind operators that only move elements."""
    quantizers: list[Node] = []
    waiting = list(graph.consumers.get(name, ()))
    while waiting:
        node = waiting.pop()
        if isinstance(node.op, QuantizeLinear):
            quantizers.append(node)
        elif node.op.moves_data and len(node.inputs) == 1:
            waiting += graph.consumers.get(node.output, ())
    return quantizers
