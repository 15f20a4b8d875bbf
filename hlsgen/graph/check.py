"""Is a graph legal? Every value is defined once, before it is read, and has the type that its operator infers."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.errors import HlsgenError, IllegalGraph, TypeMismatch
from hlsgen.graph.ir import Graph
from hlsgen.ops.tensor_type import storage


def check(graph: Graph) -> None:
    """Raises IllegalGraph (cycle, dangling, doubly defined) or TypeMismatch, naming the node."""
    defined = {*graph.inputs, *graph.constants}
    if len(defined) != len(graph.inputs) + len(graph.constants):
        raise _illegal(graph.name, "inputs and constants of different names", "one name twice")
    everything = defined | {node.output for node in graph.nodes}
    for node in graph.nodes:
        where = f"{graph.name}, node {node.name} ({node.op.name})"
        if missing := [value for value in node.inputs if value not in everything]:
            raise _illegal(where, "operands that are defined", f"none for {missing}")
        if late := [value for value in node.inputs if value not in defined]:
            raise _illegal(where, "operands that are computed before", f"a cycle through {late}")
        if node.output in defined:
            raise _illegal(where, "a new value", f"a second definition of {node.output}")
        defined.add(node.output)
    if missing := [value for value in graph.outputs if value not in defined]:
        raise _illegal(graph.name, "outputs that are defined", f"none for {missing}")
    _check_states(graph)
    _check_types(graph)


def _check_states(graph: Graph) -> None:
    for state in graph.states:
        if state.output not in graph.outputs or state.input not in graph.inputs:
            raise _illegal(
                graph.name, "a state from an output to an input", f"{state.output} to {state.input}"
            )
        written, read = graph.types[state.output], graph.types[state.input]
        if (written.shape, written.element) != (read.shape, read.element):
            raise _mismatch(f"{graph.name}, state {state.input}", read, written)
        if not read.integer.minimum <= state.initial <= read.integer.maximum:
            raise _mismatch(f"{graph.name}, state {state.input}", read, state.initial)


def _check_types(graph: Graph) -> None:
    for name, array in graph.constants.items():
        type = graph.types[name]
        if tuple(array.shape) != type.shape or array.dtype != storage(type.element):
            raise _mismatch(f"{graph.name}, constant {name}", type, f"{array.dtype}{array.shape}")
        if type.is_integer and array.size:
            low, high = int(array.min()), int(array.max())
            if low < type.integer.minimum or high > type.integer.maximum:
                raise _mismatch(f"{graph.name}, constant {name}", type, f"values {low} to {high}")
    for node in graph.nodes:
        where = f"{graph.name}, node {node.name} ({node.op.name})"
        try:
            inferred = node.op.infer(graph.input_types(node), graph.input_constants(node))
        except HlsgenError as error:
            raise TypeMismatch(where, error.problem, error.remedy) from error
        declared = graph.types[node.output]
        if replace(inferred, quantisation=None) != replace(declared, quantisation=None):
            raise _mismatch(where, inferred, declared)


def _illegal(where: str, expected: str, actual: str) -> IllegalGraph:
    return IllegalGraph(
        where, f"expected {expected}, found {actual}", "Repair or re-export the model."
    )


def _mismatch(where: str, expected: object, actual: object) -> TypeMismatch:
    return TypeMismatch(
        where, f"expected {expected}, found {actual}", "Repair or re-export the model."
    )
