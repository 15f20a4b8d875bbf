"""ONNX files to graphs. There is no code for single operators here: each operator class says what it stands for."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.errors import BadFile, BadOption, HlsgenError, IllegalGraph, TypeMismatch, UnsupportedOp
from hlsgen.frontend.bind import NodeSource, bind
from hlsgen.frontend.tensors import element_of, read_tensor, streamed_element
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph
from hlsgen.ops.limits import check_shape
from hlsgen.ops.tensor_type import TensorType

if TYPE_CHECKING:
    import onnx

OLDEST_OPSET = 7


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
    proto, folder, name = load(model)
    graph = proto.graph
    opsets = {domain_of(entry.domain): entry.version for entry in proto.opset_import}
    if given is None and opsets.get("", OLDEST_OPSET) < OLDEST_OPSET:
        raise UnsupportedOp(
            name,
            f"expected opset {OLDEST_OPSET} or newer, found {opsets['']}",
            "Convert the model with onnx.version_converter.",
        )
    build = GraphBuilder(name, given)
    for tensor in graph.initializer:
        with _reading(f"{name}, tensor {tensor.name}"):
            array, element = read_tensor(tensor, folder, name)
            build.constant(tensor.name, array, element)
    for value in graph.input:
        if value.name not in build.constants:
            with _reading(f"{name}, input {value.name}"):
                build.input(value.name, _input_type(value, name, given))
    defined = {value for node in graph.node for value in node.output}
    build.reserve([*defined])
    for node in ordered(graph, set(build.types), name):
        source = NodeSource(node, name, folder, opsets)
        with _reading(source.where):
            _read_node(build, source)
    outputs = [value.name for value in graph.output]
    if missing := [value for value in outputs if value not in build.types]:
        raise IllegalGraph(
            name,
            f"expected outputs that a node computes, found none for {missing}",
            "Repair the model: its graph outputs must be defined.",
        )
    return build.finish(outputs)


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


def _read_node(build: GraphBuilder, source: NodeSource) -> None:
    if not any(source.node.output):
        raise IllegalGraph(
            source.where,
            "expected a node with a named result, found none",
            "Repair the model: remove this node, or name one of its outputs.",
        )
    if (source.domain, source.node.op_type) == ("", "Constant"):
        array, element = source.constant_node()
        build.constant(source.node.output[0], array, element)
        return
    try:
        bind(build, source)
    except HlsgenError as error:  # an operator of hlsgen may have another name than the file's
        if not error.where.startswith(f"{source.file}, node {source.name} ("):
            raise
        raise type(error)(source.where, error.problem, error.remedy) from error


def domain_of(domain: str) -> str:
    """The name of an operator domain; ONNX's own is empty."""
    return "" if domain == "ai.onnx" else domain


def load(
    model: str | os.PathLike[str] | onnx.ModelProto,
) -> tuple[onnx.ModelProto, Path | None, str]:
    """The model, the folder of its external data and its name for messages; raises BadFile."""
    import onnx
    from google.protobuf.message import DecodeError

    if isinstance(model, onnx.ModelProto):
        return model, None, model.graph.name or "model"
    if not isinstance(model, str | os.PathLike) or not isinstance(os.fspath(model), str):
        raise BadOption(
            "model",
            f"expected the path of an ONNX file or an onnx.ModelProto, found {model!r:.80}",
            "Give a path as text, or a loaded model.",
        )
    path = Path(model)
    proto = onnx.ModelProto()
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise OSError(errno.EINVAL, "a device or a pipe")
        proto.ParseFromString(path.read_bytes())
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise BadFile(
            str(path),
            f"expected an ONNX file, found none: {getattr(error, 'strerror', error)}",
            "Give the path of a readable .onnx file.",
        ) from error
    except DecodeError as error:
        raise BadFile(
            str(path),
            f"expected an ONNX model, found {path.stat().st_size} bytes that are not one (truncated or another format)",
            "Export or download the model again.",
        ) from error
    if not proto.ir_version or not proto.graph.node or not proto.opset_import:
        raise BadFile(
            str(path),
            "expected an ONNX model with operators, found none",
            "Export or download the model again.",
        )
    return proto, path.parent, path.name


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
            "Export the model for one sample.",
        )
    element = streamed_element(tensor.elem_type, where)
    check_shape(tuple(shape), where)
    return TensorType(tuple(shape), element)


def ordered(graph: onnx.GraphProto, defined: set[str], name: str) -> list[onnx.NodeProto]:
    """The nodes in an order in which operands come first; raises IllegalGraph for a cycle or a dangling value."""
    known: set[str] = set(defined)
    for node in graph.node:
        for value in node.output:
            if value and value in known:
                raise IllegalGraph(
                    f"{name}, node {node.name} ({node.op_type})",
                    f"expected every value to be defined once, found a second definition of {value}",
                    "Repair the model: two nodes, inputs or initializers have this name.",
                )
            known.add(value)
    for node in graph.node:
        if missing := [value for value in node.input if value and value not in known]:
            raise IllegalGraph(
                f"{name}, node {node.name} ({node.op_type})",
                f"expected operands that are defined, found none for {missing}",
                "Repair the model: a value is read that no node, input or initializer defines.",
            )
    return _operands_first(graph, name)


def _operands_first(graph: onnx.GraphProto, name: str) -> list[onnx.NodeProto]:
    """Every node after those that it reads and else in the file's order; each node and operand is looked at once."""
    nodes = list(graph.node)
    producers = {value: k for k, node in enumerate(nodes) for value in node.output if value}
    order: list[onnx.NodeProto] = []
    entered, done = [False] * len(nodes), [False] * len(nodes)
    for start, first in enumerate(nodes):
        path = [] if entered[start] else [(start, iter(first.input))]
        entered[start] = True
        while path:
            k, operands = path[-1]
            before = next((producers[value] for value in operands if value in producers), None)
            if before is None:
                done[k] = True
                order.append(nodes[k])
                path.pop()
            elif not entered[before]:
                entered[before] = True
                path.append((before, iter(nodes[before].input)))
            elif not done[before]:
                waiting = [k for k, _ in path]
                raise _cyclic([nodes[k] for k in waiting[waiting.index(before) :]], name)
    return order


def _cyclic(cycle: list[onnx.NodeProto], name: str) -> IllegalGraph:
    """The error for nodes each of which waits for the next."""
    names = [node.name or node.output[0] for node in cycle]
    return IllegalGraph(
        f"{name}, node {names[0]} ({cycle[0].op_type})",
        f"expected a graph without cycles, found one through {names[:5]}",
        "Repair the model: a node must not need its own result.",
    )
