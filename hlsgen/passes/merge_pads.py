"""Pads in front of convolutions become their own pads."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.conv import Conv
from hlsgen.ops.join import Pad
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class MergePads:
    """Conv(Pad(x, value)) -> Conv(x) with more pads, on integers: where ``value`` is the zero point, which a Conv's own pads read, and the Pad
    leaves batch and channels as they are and takes nothing away."""

    name = "merge_pads"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _merge, refused)


def _merge(build: GraphBuilder, node: Node) -> str | Reason:
    before = build.producer(node.inputs[0]) if node.inputs else None
    if before is None or not isinstance(before.op, Pad):
        return ELSEWHERE
    if not isinstance(node.op, Conv) or not build.types[node.inputs[0]].is_integer:
        return ELSEWHERE
    pad, window = before.op, node.op
    pads = (*pad.before[2:], *pad.after[2:])
    plain = pad.mode == "constant" and pad.number == window.input_zero
    if not plain or any((*pad.before[:2], *pad.after[:2])) or min(pads) < 0:
        return Reason("its value is not the zero point, or it pads channels", before.name)
    wider = tuple(own + more for own, more in zip(window.pads, pads, strict=True))
    return build.node(replace(window, pads=wider), [before.inputs[0], *node.inputs[1:]])
