"""What becomes of every node of a model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from hlsgen.errors import HlsgenError, IllegalGraph, UnsupportedOp
from hlsgen.frontend.bind import find_binding
from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.float_weights import computes_on_reals, takes_reals
from hlsgen.frontend.model_file import domain_of, load, naming_file
from hlsgen.frontend.node_source import NodeSource
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.sequences import sequence_samples
from hlsgen.frontend.state_shapes import with_states_of_one_sample
from hlsgen.graph.ir import Graph
from hlsgen.numbers import SampleSource
from hlsgen.ops.tensor_type import F32, storage
from hlsgen.passes import explained
from hlsgen.passes.host_cut import divide, refuse_empty
from hlsgen.passes.states import check_states, with_integer_states

if TYPE_CHECKING:
    import onnx

    Model: TypeAlias = str | os.PathLike[str] | onnx.ModelProto

READ = ("Constant", "If")
"""Operators that the reader itself takes."""
QUANTISED_LATER = "hardware after quantisation"


class NodeSupport(NamedTuple):
    """A node of the file; ``where`` is hardware, hardware after quantisation, host, supported (but others are not) or unsupported."""

    node: str
    operator: str
    where: str
    reason: str


def support(
    model: Model,
    samples: SampleSource | None = None,
    further: Callable[[Model], None] | None = None,
    states: Mapping[str, str] = MappingProxyType({}),
) -> list[NodeSupport]:
    """Where every node of a model runs, and why. Raises HlsgenError for a file that cannot be read at all.

    ``further``: called with the quantised model where every node is supported; what it raises about a node counts as the node's.

    A float model is judged as it is after quantisation with ``samples`` (as for ``calibrate``) or, since ranges do not
    decide what becomes hardware, with seeded noise where there are none.
    """
    proto, folder, file, *_ = load(model)
    opsets = {domain_of(entry.domain): entry.version for entry in proto.opset_import}
    sources = [NodeSource(node, file, folder, opsets) for node in proto.graph.node]
    try:
        with naming_file(model):
            one_sample = with_states_of_one_sample(model, states)
            return _classified(sources, one_sample, samples, further, states)
    except HlsgenError as error:
        blamed = [source for source in sources if error.where.startswith(source.where)]
        unknown = _unknown(sources)
        if not (unknown or blamed) or isinstance(error, IllegalGraph):
            raise
        refused = unknown | {source.name: error.problem for source in blamed}
    return [_by_operator(source, refused) for source in sources]


def is_float(graph: Graph) -> bool:
    """Whether nothing in a model but its weights is quantised: it takes reals (and what chooses them), and no node turns them into integers."""
    return takes_reals(graph) and computes_on_reals(graph)


def _by_operator(source: NodeSource, refused: Mapping[str, str]) -> NodeSupport:
    """A node of a model that cannot be read as a whole."""
    name, operator = source.name, source.node.op_type
    if name in refused:
        return NodeSupport(name, operator, "unsupported", refused[name])
    host = operator not in READ and find_binding(source)[0].place == "host"
    place = "on the host" if host else "in hardware"
    return NodeSupport(name, operator, "supported", f"{place}, once the others are supported")


def _unknown(sources: list[NodeSource]) -> dict[str, str]:
    """Nodes whose operator hlsgen does not have, and why."""
    refused: dict[str, str] = {}
    for source in sources:
        try:
            if source.domain or source.node.op_type not in READ:
                find_binding(source)
        except UnsupportedOp as error:
            refused[source.name] = error.problem
    return refused


def _classified(
    sources: list[NodeSource],
    model: Model,
    samples: SampleSource | None,
    further: Callable[[Model], None] | None,
    states: Mapping[str, str],
) -> list[NodeSupport]:
    graph, hardware = read_model(model), "hardware"
    check_states(graph, states)
    if is_float(graph) or samples is not None:
        given = _noise(graph) if samples is None else samples
        model = calibrate(model, sequence_samples(model, given, states), states.values())
        graph = read_model(model)
        hardware = QUANTISED_LATER
    reasons: dict[str, str] = {}
    integer = explained(with_integer_states(graph, states)[0], reasons)
    parts = divide(integer)
    becomes: dict[str, list[str]] = {}
    for node in parts.hardware:
        becomes.setdefault(node.name, []).append(node.op.name)
    host = {node.name for node in (*parts.before, *parts.after)}
    stuck = {node.name for node in parts.between}
    if not parts.hardware:  # no operator has an integer form
        refuse_empty(integer)
        stuck, host = {source.name for source in sources}, set()
    rows = [_row(source, hardware, becomes, host, stuck, reasons) for source in sources]
    if further is not None and not any(row.where == "unsupported" for row in rows):
        further(model)
    return rows


def _noise(graph: Graph) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    noise = {}
    for name in graph.inputs:
        type = graph.types[name]
        drawn = random.normal(size=(4, *type.shape[1:])).astype(np.float32)
        # 0 is always the number of a row
        noise[name] = drawn if type.element == F32 else np.zeros(drawn.shape, storage(type.element))
    return noise


def _row(
    source: NodeSource,
    hardware: str,
    becomes: Mapping[str, list[str]],
    host: set[str],
    stuck: set[str],
    reasons: Mapping[str, str],
) -> NodeSupport:
    name, operator = source.name, source.node.op_type
    why = reasons.get(name, "")
    if name in becomes:
        return NodeSupport(name, operator, hardware, " + ".join(becomes[name]))
    if name in stuck and not why and not stuck.isdisjoint(reasons):
        return NodeSupport(name, operator, "supported", "once the others are supported")
    if name in stuck:
        return NodeSupport(name, operator, "unsupported", why or "works on reals; quantise it")
    if name in host:
        text = "works on reals before or after the hardware"
        return NodeSupport(name, operator, "host", f"{text}: {why}" if why else text)
    return NodeSupport(name, operator, hardware, "part of a neighbouring operator")
