"""ONNX files to graphs. There is no code for single operators here: each operator class says what it stands for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.errors import BadFile, HlsgenError, IllegalGraph, TypeMismatch
from hlsgen.frontend.bind import bind
from hlsgen.frontend.fold import fold
from hlsgen.frontend.model_file import ModelFile, domain_of, load
from hlsgen.frontend.node_order import ordered, read_values, renamed
from hlsgen.frontend.node_source import NodeSource
from hlsgen.frontend.tensors import element_of, read_tensor, streamed_element
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph
from hlsgen.ops.limits import check_shape
from hlsgen.ops.tensor_type import TensorType

if TYPE_CHECKING:
    import onnx


def read_model(
    model: str | os.PathLike[str] | onnx.ModelProto,
    given: Mapping[str, np.ndarray] | None = None,
) -> Graph:
    """The graph of an ONNX file or ModelProto, with its batch bound to 1.

    ``given``: the inputs of one run, in storage types. The graph is then one for arrays of just these shapes, and what must be constant may
    be taken from them.
    Raises BadFile (missing, truncated, not ONNX, external data, sizes), IllegalGraph (cycle, dangling, doubly defined),
    TypeMismatch (dynamic shapes, scales, zero points) or UnsupportedOp, each naming the file and the node.
    """
    file = load(model, bound=given is None)
    graph, name = file.proto.graph, file.name
    reader = _Reader(file, GraphBuilder(name, given), given is not None)
    build = reader.build
    reader.constants(graph)
    constants = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        if value.name not in constants:
            with _reading(f"{name}, input {value.name}"):
                build.input(value.name, _input_type(value, name, given))
    build.reserve([value for node in graph.node for value in node.output])
    reader.nodes(graph)
    outputs = [value.name for value in graph.output]
    if missing := [value for value in outputs if value not in build.types]:
        raise IllegalGraph(
            name,
            f"expected outputs that a node computes, found none for {missing}",
            "Repair the model: its graph outputs must be defined.",
        )
    result = build.finish(outputs)
    if file.batch > 1:
        _refuse_mixed_samples(result, file.batch)
    return result


class _Reader:
    """Reads the parts of a model into a builder, one after the other."""

    def __init__(self, file: ModelFile, build: GraphBuilder, given: bool) -> None:
        self.file, self.build, self.given = file, build, given
        imports = file.proto.opset_import
        self.opsets = {domain_of(entry.domain): entry.version for entry in imports}
        self.read = read_values(file.proto.graph)

    def constants(self, graph: onnx.GraphProto) -> None:
        """The initializers that somebody reads; others are not looked at."""
        for tensor in graph.initializer:
            if tensor.name in self.read:
                with _reading(f"{self.file.name}, tensor {tensor.name}"):
                    array, element = read_tensor(tensor, self.file.folder, self.file.name)
                    self.build.constant(tensor.name, array, element)

    def nodes(self, graph: onnx.GraphProto) -> None:
        """The nodes, each after those that it reads."""
        for node in ordered(graph, set(self.build.types), self.file.name):
            source = NodeSource(node, self.file.name, self.file.folder, self.opsets, self.read)
            with _reading(source.where):
                self._node(source)

    def _node(self, source: NodeSource) -> None:
        node = source.node
        if not any(node.output):
            raise IllegalGraph(
                source.where,
                "expected a node with a named result, found none",
                "Repair the model: remove this node, or name one of its outputs.",
            )
        if (source.domain, node.op_type) == ("", "Constant"):
            if node.output[0] in self.read:
                array, element = source.constant_node()
                self.build.constant(node.output[0], array, element)
            return
        if (source.domain, node.op_type) == ("", "If"):
            condition = self.build.known(node.input[0])
            if condition is not None and condition.size == 1:
                self._branch(source, bool(condition.reshape(())))
                return
        try:
            bind(self.build, source)
        except HlsgenError as error:
            if not self.given and fold(self.build, source):
                return
            # an operator of hlsgen may have another name than the file's
            if not error.where.startswith(f"{source.file}, node {source.name} ("):
                raise
            raise type(error)(source.where, error.problem, error.remedy) from error

    def _branch(self, source: NodeSource, condition: bool) -> None:
        """The nodes of the branch of an If that a constant condition chooses, with names that nothing else has."""
        chosen = "then_branch" if condition else "else_branch"
        branch = next(a.g for a in source.node.attribute if a.name == chosen)
        inner = renamed(branch, source.node.output, f"{source.name}_{chosen}_")
        self.read |= read_values(inner)
        self.constants(inner)
        self.nodes(inner)


def _refuse_mixed_samples(graph: Graph, batch: int) -> None:
    """Raises TypeMismatch where a node does not compute every sample of a batch alike."""
    computed = set(graph.inputs)
    for node in graph.nodes:
        if computed.isdisjoint(node.inputs):
            continue
        computed.add(node.output)
        one = graph.types[node.output].shape[:1] == (1,)
        if not one or not node.op.keeps_batch(graph.input_types(node)):
            raise TypeMismatch(
                f"{graph.name}, node {node.name} ({node.op.name})",
                f"expected samples that are computed apart, so that the batch of {batch} can be bound to 1, found {node.op.name} over them",
                "Export the model for one sample, with the samples along the first axis (batch_first=True of PyTorch's cells).",
            )


@contextmanager
def _reading(where: str) -> Iterator[None]:
    """Turns any failure on a part of a user's file into an error that names the part."""
    try:
        yield
    except HlsgenError:
        raise
    except Exception as error:
        raise BadFile(
            where,
            f"expected a well-formed part of a model, found one that cannot be read: {error!r}",
            "Repair the model (onnx.checker may name the fault); where it is right, report this as a fault of hlsgen.",
        ) from error


def _input_type(
    value: onnx.ValueInfoProto, name: str, given: Mapping[str, np.ndarray] | None
) -> TensorType:
    """The type of a graph input; an unnamed or symbolic first dimension is bound to 1."""
    where = f"{name}, input {value.name}"
    tensor = value.type.tensor_type
    if given is not None and value.name in given:
        check_shape(given[value.name].shape, where)
        return TensorType(given[value.name].shape, element_of(tensor.elem_type, where))
    if not value.type.HasField("tensor_type") or not tensor.HasField("shape"):
        raise TypeMismatch(
            where, "expected a tensor with a shape, found none", "Export with input shapes."
        )
    shape = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim]
    if not shape and given is None:
        raise TypeMismatch(
            where,
            "expected a tensor with a dimension for the samples, found a single number",
            "Make it a constant of the model, or an input of shape [1].",
        )
    if shape and shape[0] in (-1, 0):
        shape[0] = 1
    if min(shape, default=1) < 1:
        raise TypeMismatch(
            where,
            f"expected fixed dimensions after the batch, found {['?' if n < 1 else n for n in shape]}",
            "Fix the input shape, e.g. with python -m onnxruntime.tools.make_dynamic_shape_fixed.",
        )
    if shape and shape[0] != 1:
        raise TypeMismatch(
            where,
            f"expected batch 1 (or dynamic) as the first dimension, found {shape}",
            "Export the model for one sample, with a first dimension of 1.",
        )
    element = streamed_element(tensor.elem_type, where)
    check_shape(tuple(shape), where)
    return TensorType(tuple(shape), element)
