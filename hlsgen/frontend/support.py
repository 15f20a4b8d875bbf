"""What becomes of every node of a model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from hlsgen.errors import HlsgenError, IllegalGraph, UnsupportedOp
from hlsgen.frontend.bind import NodeSource, find_binding
from hlsgen.frontend.onnx_reader import domain_of, load, read_model
from hlsgen.graph.ir import Graph
from hlsgen.passes import PASSES, Pipeline
from hlsgen.passes.host_cut import divide

if TYPE_CHECKING:
    import onnx


class NodeSupport(NamedTuple):
    """A node of the file; ``where`` is hardware, host or unsupported."""

    node: str
    operator: str
    where: str
    reason: str


def support(model: str | os.PathLike[str] | onnx.ModelProto) -> list[NodeSupport]:
    """Where every node of a model runs, and why. Raises HlsgenError for a file that cannot be read at all."""
    proto, folder, file = load(model)
    opsets = {domain_of(entry.domain): entry.version for entry in proto.opset_import}
    sources = [NodeSource(node, file, folder, opsets) for node in proto.graph.node]
    refused = _unknown(sources)
    if not refused:
        try:
            return _classified(sources, Pipeline(PASSES).run(read_model(model)))
        except HlsgenError as error:
            blamed = [source for source in sources if error.where.startswith(source.where)]
            if not blamed or isinstance(error, IllegalGraph):
                raise
            refused = {source.name: error.problem for source in blamed}
    return [_by_operator(source, refused) for source in sources]


def _by_operator(source: NodeSource, refused: Mapping[str, str]) -> NodeSupport:
    """A node of a model that cannot be read as a whole: where its operator runs in models that can."""
    name, operator = source.name, source.node.op_type
    if name in refused:
        return NodeSupport(name, operator, "unsupported", refused[name])
    host = operator != "Constant" and find_binding(source)[0].place == "host"
    return NodeSupport(
        name, operator, "host" if host else "hardware", "if the others are supported"
    )


def _unknown(sources: list[NodeSource]) -> dict[str, str]:
    """Nodes whose operator hlsgen does not have, and why."""
    refused: dict[str, str] = {}
    for source in sources:
        try:
            if (source.domain, source.node.op_type) != ("", "Constant"):
                find_binding(source)
        except UnsupportedOp as error:
            refused[source.name] = error.problem
    return refused


def _classified(sources: list[NodeSource], graph: Graph) -> list[NodeSupport]:
    parts = divide(graph)
    becomes: dict[str, list[str]] = {}
    for node in parts.hardware:
        becomes.setdefault(node.name, []).append(node.op.name)
    host = {node.name for node in (*parts.before, *parts.after)}
    stuck = {node.name for node in parts.between}
    if not parts.hardware:  # nothing is quantised
        stuck, host = {source.name for source in sources}, set()
    return [_row(source, becomes, host, stuck) for source in sources]


def _row(
    source: NodeSource, becomes: Mapping[str, list[str]], host: set[str], stuck: set[str]
) -> NodeSupport:
    name, operator = source.name, source.node.op_type
    if name in becomes:
        return NodeSupport(name, operator, "hardware", " + ".join(becomes[name]))
    if name in stuck:
        return NodeSupport(
            name, operator, "unsupported", "works on reals; quantise it, or use --calibrate"
        )
    if name in host:
        return NodeSupport(name, operator, "host", "works on reals before or after the hardware")
    return NodeSupport(name, operator, "hardware", "part of a neighbouring operator")
