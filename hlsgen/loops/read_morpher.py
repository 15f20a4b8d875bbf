"""The XML data-flow graphs of the Morpher mapper.

Its writer leaves out spaces between attributes, so that no XML parser accepts the files; tags are found by patterns instead.
Edges are the ``Output`` elements of their source: ``type`` I1, I2, I3 (operand), P (predicate; ``NPB="1"``: negated) or PS (only an order),
``nextiter="1"``: of the iteration before. Two nodes can have the same ``idx``; an edge goes to the one that lists its source
among its ``Input`` elements. What else the files leave open is chosen in ``external.py``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsgen.errors import BadFile
from hlsgen.loops.external import (
    ITERATIONS,
    PREDICATE,
    ExternalEdge,
    ExternalNode,
    file_text,
    to_kernel,
)
from hlsgen.loops.ir import Kernel

# operator, and whether its operands are exchanged
OPERATORS: Mapping[str, tuple[str, bool]] = {
    "ADD": ("add", False),
    "SUB": ("subtract", False),
    "MUL": ("multiply", False),
    "DIV": ("divide", False),
    "AND": ("and", False),
    "OR": ("or", False),
    "XOR": ("xor", False),
    "LS": ("shift_left", False),
    "RS": ("shift_right_logical", False),
    "ARS": ("shift_right", False),
    "CMP": ("equal", False),
    "CLT": ("less", False),
    "CGT": ("less", True),
    "SELECT": ("select", False),
    "CMERGE": ("merge", False),
    "MOVC": ("move", False),
    "SEXT": ("move", False),
}
MEMORY = re.compile(r"O?(LOAD|STORE)[BH]?")
NODE = re.compile(r"<Node\b([^>]*)>(.*?)</Node>", re.DOTALL)
ATTRIBUTE = re.compile(r'(\w+)\s*=\s*"([^"]*)"')


@dataclass(frozen=True)
class _Element:
    """A node of the file: attributes of itself and of its edges."""

    name: str
    index: str
    operator: str
    constant: int | None
    inputs: frozenset[str]
    outputs: tuple[Mapping[str, str], ...]


def read_morpher(path: str | os.PathLike[str], iterations: int = ITERATIONS) -> Kernel:
    """The kernel of one Morpher XML file; raises BadFile with what is wrong in it."""
    where = os.fspath(path)
    text = file_text(path)
    elements = _elements(text, where)
    edges: dict[str, list[ExternalEdge]] = {element.name: [] for element in elements}
    orders: list[tuple[str, str, int]] = []
    for element in elements:
        for output in element.outputs:
            _add_edge(elements, element, output, edges, orders, where)
    nodes = []
    for element in elements:
        operator, exchanged = _operator(element.operator, where)
        given = edges[element.name]
        if operator == "load":
            given = [edge if edge.port == PREDICATE else _at_port(edge, 1) for edge in given]
        elif exchanged:
            given = [
                edge if edge.port == PREDICATE else _at_port(edge, 1 - edge.port) for edge in given
            ]
        nodes.append(ExternalNode(element.name, operator, element.constant, tuple(given)))
    name = re.sub(r"\W+", "_", Path(path).stem)
    return to_kernel(name, nodes, orders, where, iterations)


def _elements(text: str, where: str) -> list[_Element]:
    elements: list[_Element] = []
    names: set[str] = set()
    for match in NODE.finditer(text):
        attributes = dict(ATTRIBUTE.findall(match[1]))
        operator = re.search(r"<OP>\s*(\w+)\s*</OP>", match[2])
        try:
            constant = int(attributes["CONST"]) if "CONST" in attributes else None
            index = attributes["idx"]
        except (KeyError, ValueError):
            index, operator = "", None
        if operator is None:
            raise BadFile(
                where,
                f"expected a node with idx, OP and a whole CONST, found {match[1].strip()!r}",
                "Write the graph again with Morpher's front end.",
            )
        name = f"{operator[1].lower()}_{index}"
        if name in names:
            name = f"{name}_again{len(elements)}"
        names.add(name)
        inputs = frozenset(re.findall(r'<Input idx="(\w+)"', match[2]))
        outputs = tuple(
            dict(ATTRIBUTE.findall(tag)) for tag in re.findall(r"<Output\b([^>]*)/>", match[2])
        )
        elements.append(_Element(name, index, operator[1], constant, inputs, outputs))
    if not elements:
        raise BadFile(
            where, "expected <Node> elements, found none", "Name a data-flow graph of Morpher."
        )
    return elements


def _add_edge(
    elements: list[_Element],
    source: _Element,
    output: Mapping[str, str],
    edges: dict[str, list[ExternalEdge]],
    orders: list[tuple[str, str, int]],
    where: str,
) -> None:
    named = [element for element in elements if element.index == output.get("idx")]
    if output.get("idx") == source.index:
        target: _Element | None = source
    else:
        lists_it = [element for element in named if source.index in element.inputs]
        target = next(iter([*lists_it, *named]), None)
    if target is None:
        raise BadFile(
            f"{where}, node {source.index}",
            f"expected an edge to a node of the file, found idx {output.get('idx')}",
            "Write the graph again with Morpher's front end.",
        )
    distance = int(output.get("nextiter", "0") == "1")
    kind = output.get("type", "I1")
    if kind == "PS":
        orders.append((source.name, target.name, distance))
    elif kind == "P":
        edge = ExternalEdge(source.name, PREDICATE, distance, output.get("NPB") == "1")
        edges[target.name].append(edge)
    elif re.fullmatch(r"I[1-9]", kind):
        edges[target.name].append(ExternalEdge(source.name, int(kind[1]) - 1, distance))
    else:
        raise BadFile(
            f"{where}, node {source.index}",
            f"expected an edge of type I1, I2, I3, P or PS; found {kind!r}",
            "Write the graph again with Morpher's front end.",
        )


def _at_port(edge: ExternalEdge, port: int) -> ExternalEdge:
    return ExternalEdge(edge.source, port, edge.distance, edge.negated)


def _operator(name: str, where: str) -> tuple[str, bool]:
    if memory := MEMORY.fullmatch(name):
        return memory[1].lower(), False
    if name not in OPERATORS:
        raise BadFile(
            where,
            f"expected an operator of {', '.join(OPERATORS)}, LOAD or STORE; found {name!r}",
            "Remove the node, or write it with these operators.",
        )
    return OPERATORS[name]
