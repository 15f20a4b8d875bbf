"""The text form of graphs; constants are kept beside it, by name.

::

    graph "name"
    input "x" : s8[1,3,32,32]
    constant "w" : s8[16,3,3,3]
    node "y" : s20[1,16,30,30] = Conv(strides=(1, 1), ...)("x", "w", source="conv1")
    output "y"
    state "h2" : "h", 0, "hn", "h0"

A quantised type is followed by ``quantised Quantisation(...)``. Several graphs may follow one another.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any, cast, get_args

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.errors import BadFile, HlsgenError
from hlsgen.graph.check import check
from hlsgen.graph.ir import Graph, Node, StateValue
from hlsgen.ops import OPERATORS
from hlsgen.ops.tensor_type import Element, Float, Quantisation, TensorType
from hlsgen.requantise import Mean

_LINE = re.compile(r'(graph|input|constant|node|output|state) ("(?:[^"\\]|\\.)*")(?: : (.*))?')
_TYPE = re.compile(r"(\w+)\[([\d,]*)\](?: quantised (.*))?")


def to_text(*graphs: Graph) -> str:
    """The text of graphs, one after the other; ``constants_of`` gives the arrays that belong to it."""
    lines = []
    for graph in graphs:
        lines.append(f"graph {json.dumps(graph.name)}")
        lines += [f"input {_typed(graph, name)}" for name in graph.inputs]
        lines += [f"constant {_typed(graph, name)}" for name in graph.constants]
        for node in graph.nodes:
            operands = [json.dumps(value) for value in node.inputs]
            operands.append(f"source={json.dumps(node.name)}")
            call = f"{_value(node.op)}({', '.join(operands)})"
            lines.append(f"node {_typed(graph, node.output)} = {call}")
        lines += [f"output {json.dumps(name)}" for name in graph.outputs]
        for state in graph.states:
            names = [json.dumps(name) for name in (state.input, *state.of)]
            lines.append(
                f"state {json.dumps(state.output)} : {names[0]}, {state.initial}, {names[1]}, {names[2]}"
            )
        lines.append("")
    return "\n".join(lines)


def constants_of(*graphs: Graph) -> dict[str, Any]:
    """The constants of graphs, keyed ``<graph name>/<value name>``, e.g. for np.savez."""
    return {
        f"{graph.name}/{name}": array for graph in graphs for name, array in graph.constants.items()
    }


def parse(text: str, constants: Mapping[str, np.ndarray], where: str = "graph text") -> list[Graph]:
    """The graphs of a text; each is checked. Raises BadFile for text that is not one, naming the line."""
    graphs: list[Graph] = []
    parts: list[list[tuple[int, re.Match[str]]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None or (match[1] != "graph" and not parts):
            raise _bad(where, number, line)
        if match[1] == "graph":
            parts.append([])
        parts[-1].append((number, match))
    for part in parts:
        graph = _parse_graph(part, constants, where)
        check(graph)
        graphs.append(graph)
    return graphs


def _parse_graph(
    lines: list[tuple[int, re.Match[str]]], constants: Mapping[str, np.ndarray], where: str
) -> Graph:
    name = json.loads(lines[0][1][2])
    types: dict[str, TensorType] = {}
    arrays: dict[str, np.ndarray] = {}
    names: dict[str, list[str]] = {"input": [], "output": []}
    nodes: list[Node] = []
    states: list[StateValue] = []
    for number, line in lines[1:]:
        kind, value, rest = line[1], json.loads(line[2]), line[3] or ""
        try:
            if kind == "state":
                states.append(_parse_state(value, rest))
                continue
            type_text, _, call = rest.partition(" = ")
            if kind != "output":
                types[value] = _parse_type(type_text)
            if kind in names:
                names[kind].append(value)
            elif kind == "constant":
                arrays[value] = np.asarray(constants[f"{name}/{value}"])
            else:
                nodes.append(_parse_node(call, value))
        except (HlsgenError, SyntaxError, ValueError, TypeError, LookupError) as error:
            raise _bad(where, number, line[0]) from error
    inputs, outputs = tuple(names["input"]), tuple(names["output"])
    return Graph(name, inputs, outputs, tuple(nodes), arrays, types, tuple(states))


def _bad(where: str, number: int, line: str) -> BadFile:
    return BadFile(
        f"{where}, line {number}",
        f"expected a line of a graph's text form (and its constants), found {line[:80]!r}",
        "Write the text again with --dump.",
    )


def _typed(graph: Graph, name: str) -> str:
    type = graph.types[name]
    text = f"{json.dumps(name)} : {type}"
    return text if type.quantisation is None else f"{text} quantised {_value(type.quantisation)}"


def _value(value: Any) -> str:
    """A field's value, or an operator with its fields, as a Python expression."""
    if isinstance(value, ElementType):
        return str(value)
    if dataclasses.is_dataclass(value):
        fields = [f"{f.name}={_value(getattr(value, f.name))}" for f in dataclasses.fields(value)]
        return f"{type(value).__name__}({', '.join(fields)})"
    return repr(value)


def _parse_type(text: str) -> TensorType:
    match = _TYPE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    shape = tuple(int(extent) for extent in match[2].split(",") if extent)
    element: Element = (
        cast("Float", match[1]) if match[1] in get_args(Float) else ElementType.parse(match[1])
    )
    quantisation = None if match[3] is None else _evaluate(ast.parse(match[3], mode="eval").body)
    return TensorType(shape, element, quantisation)


def _parse_state(output: str, text: str) -> StateValue:
    input, initial, *of = ast.literal_eval(f"({text})")
    model_output, model_input = of
    return StateValue(output, str(input), int(initial), (str(model_output), str(model_input)))


def _parse_node(text: str, output: str) -> Node:
    call = ast.parse(text, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Call):
        raise ValueError(text)
    source = ast.literal_eval(call.keywords[0].value)
    inputs = tuple(ast.literal_eval(argument) for argument in call.args)
    return Node(source, _evaluate(call.func), inputs, output)


def _evaluate(node: ast.expr) -> Any:
    """The value of an expression of ``_value``: literals, element types, operators and quantisations, nothing else."""
    if isinstance(node, ast.Name):
        return ElementType.parse(node.id)
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    classes: dict[str, Any] = {operator.__name__: operator for operator in OPERATORS}
    classes |= {"Quantisation": Quantisation, "Mean": Mean}
    if not isinstance(node.func, ast.Name):
        raise ValueError(ast.dump(node))
    fields = {str(keyword.arg): _evaluate(keyword.value) for keyword in node.keywords}
    return classes[node.func.id](**fields)
