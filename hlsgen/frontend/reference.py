"""ONNX Runtime as the reference for the integer part of a model.

ONNX Runtime does not always agree with itself. Measured with 1.32 on x86-64: its default session runs a Conv or Gemm of a
QDQ model in integers where the activations are u8, and mostly in *floats* where they are s8 (or where a value has
several readers). The float kernels round differently near ties: for the MLPerf Tiny ResNet-8, 42 of 200 samples
differ at the last quantised tensor between the default session and the same session with int8 kernels allowed; optimisation off agrees with
neither. hlsgen computes what the integer kernels compute, so ``kernels="integer"`` (session option ``session.qdqisint8allowed``) is the reference that is
matched bit for bit; ``kernels="default"`` tells how often the plain default session agrees.

A value that becomes a graph output is no longer fused with its readers; what computes it still is, with int8 kernels allowed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.artefact.declared import TITLES, Session
from hlsgen.errors import BadFile
from hlsgen.frontend.sessions import NoSession, first_line, open_session, readable
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.add import Add
from hlsgen.ops.arithmetic import Sub
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.tensor_type import storage
from hlsgen.passes.host_cut import IntegerModel

if TYPE_CHECKING:
    import onnx
    import onnxruntime


def ort_reference(
    model: str | os.PathLike[str] | onnx.ModelProto,
    inputs: Mapping[str, np.ndarray],
    integer: IntegerModel,
    kernels: Session = "integer",
) -> dict[str, np.ndarray]:
    """What ONNX Runtime computes for the outputs of ``integer.hardware``, [samples, ...], for samples along axis 0; those that are not
    values of the model are absent."""
    proto = _load(model)
    tails = _tails(proto, integer)
    if not tails:
        return {}
    values = run_session(proto, inputs, _sources(tails), kernels, integer.states)
    results: dict[str, np.ndarray] = {}
    for name, tail in tails.items():
        type = tail.types[tail.inputs[0]]
        source = values[tail.inputs[0]].reshape(-1, *type.shape[1:]).astype(storage(type.element))
        results[name] = evaluate(tail, {tail.inputs[0]: source})[name]
    return results


def comparable(model: onnx.ModelProto, integer: IntegerModel) -> tuple[str, ...]:
    """The outputs of ``integer.hardware`` that are values of the model, so that ONNX Runtime has them too."""
    return tuple(_tails(model, integer))


def exposed(model: onnx.ModelProto, integer: IntegerModel) -> tuple[str, ...]:
    """The values of the model of which ONNX Runtime is asked for ``comparable`` outputs; moved, they are these outputs."""
    return _sources(_tails(model, integer))


def _sources(tails: Mapping[str, Graph]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tail.inputs[0] for tail in tails.values()))


def _tails(model: onnx.ModelProto, integer: IntegerModel) -> dict[str, Graph]:
    known = {value for node in model.graph.node for value in node.output}
    known |= {value.name for value in model.graph.input}
    tails = {
        name: _tail(integer.hardware, name, known) or from_reals(integer.host_after, name, known)
        for name in integer.hardware.sinks
    }
    return {name: tail for name, tail in tails.items() if tail is not None}


def run_session(
    model: onnx.ModelProto,
    inputs: Mapping[str, np.ndarray],
    outputs: Sequence[str],
    session: Session,
    states: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, np.ndarray]:
    """Runs values of a model, sample by sample, on one thread; axis 0 of the results is the sample. ``states``: outputs that are given to
    inputs in the next sample; these are 0 in the first. Raises NoSession."""
    outputs = tuple(dict.fromkeys((*outputs, *states)))
    model, names = readable(model, outputs)
    opened = open_session(model, names, session)
    ranks = {value.name: len(value.shape) for value in opened.get_inputs()}
    kinds = {value.name: _kind(value) for value in opened.get_inputs()}
    samples = len(next(iter(inputs.values())))
    rows: dict[str, list[Any]] = {name: [] for name in outputs}
    kept = {v.name: _zeros(v) for v in opened.get_inputs() if v.name in states.values()}
    for k in range(samples):
        feed = dict(kept)
        for name, array in inputs.items():
            sample = array[k : k + 1].astype(kinds[name], copy=False)
            feed[name] = sample if array.ndim == ranks[name] else sample[0]
        try:
            results = opened.run(list(names), feed)
        except Exception as error:  # onnxruntime raises plain exceptions of its own
            raise NoSession(
                f"{model.graph.name or 'model'}: ONNX Runtime ({TITLES[session]})",
                f"expected a model and samples that it runs, found: {first_line(error)}",
                "Give samples of the model's own names, shapes and types; or change the operator that it names.",
            ) from error
        for name, value in zip(outputs, results, strict=True):
            rows[name].append(value)
        kept = {input: rows[output][-1] for output, input in states.items()}
    return {name: np.stack(values) for name, values in rows.items()}


def _zeros(input: onnxruntime.NodeArg) -> np.ndarray:
    """The state with which a sequence begins."""
    shape = [extent if isinstance(extent, int) else 1 for extent in input.shape]
    return np.zeros(shape, _kind(input))


def _kind(input: onnxruntime.NodeArg) -> str:
    """NumPy's name of the type of an input, in which ONNX Runtime wants it."""
    kind = input.type.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64"}.get(kind, kind)


def _load(model: str | os.PathLike[str] | onnx.ModelProto) -> onnx.ModelProto:
    import onnx

    if isinstance(model, onnx.ModelProto):
        return model
    try:
        return onnx.load(os.fspath(model))
    except Exception as error:
        raise BadFile(
            os.fspath(model),
            f"expected an ONNX file, found {first_line(error)}",
            "Give the path of a readable .onnx file with its external data beside it.",
        ) from error


def from_reals(host: Graph, output: str, known: set[str]) -> Graph | None:
    """The integers nearest to reals of the model that the host makes of a hardware output, perhaps less a constant that it adds to them; None
    where it makes none so."""
    for node in host.consumers.get(output, ()):
        if not isinstance(node.op, DequantizeLinear):
            continue
        type = host.types[output]
        quantize = QuantizeLinear(node.op.resolved(type), type.integer)
        back = Node(node.name, quantize, (node.output,), output)
        types = {node.output: host.types[node.output], output: type}
        if node.output in known:
            return Graph(host.name, (node.output,), (output,), (back,), {}, types)
        for adding in host.consumers.get(node.output, ()):
            addend = next((v for v in adding.inputs if v != node.output), "")
            constant = _constant(host, addend)
            if isinstance(adding.op, Add) and adding.output in known and constant is not None:
                less = Node(adding.name, Sub(), (adding.output, addend), node.output)
                types |= {v: host.types[v] for v in (adding.output, addend)}
                nodes, constants = (less, back), {addend: constant}
                return Graph(host.name, (adding.output,), (output,), nodes, constants, types)
    return None


def _constant(graph: Graph, value: str) -> np.ndarray | None:
    """The reals of a value that is constant, or dequantised from a constant."""
    node = graph.producers.get(value)
    if node is not None and isinstance(node.op, DequantizeLinear):
        integers = graph.constants.get(node.inputs[0])
        return None if integers is None else np.asarray(node.op.evaluate(np, integers))
    return graph.constants.get(value)


def _tail(hardware: Graph, output: str, known: set[str]) -> Graph | None:
    """The operators between the last value that the model knows by name and a hardware output, which only move elements; None where there are
    others."""
    value = output
    nodes: list[Node] = []
    while value not in known:
        node = hardware.producers.get(value)
        if node is None or not node.op.moves_data or len(node.inputs) > 1:
            return None
        nodes.insert(0, node)
        value = node.inputs[0]
    types = {name: hardware.types[name] for name in (value, *(node.output for node in nodes))}
    return Graph(hardware.name, (value,), (output,), tuple(nodes), {}, types)
