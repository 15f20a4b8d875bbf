"""Data-flow graphs in the DOT language, as CGRAgen and the elastic CGRA mapper write them.

Statements read: ``name[opcode=add];``, ``name[opcode=const value=1];`` or ``const_value=" 1"``, and ``a->b[operand=0];``; attributes may be
quoted and separated by commas, ``//`` starts a comment. Edges have no distances: those that close a cycle (back edges of a
depth-first search in the order of the file) count as distance 1. ``input`` and ``output`` are a load and a store by the loop counter;
a ``store`` has its data on operand 0 and its address on operand 1; ``br`` stays as an ``or`` of what it reads. What else is open is chosen in ``external.py``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsgen.errors import BadFile
from hlsgen.loops.external import (
    INDEX,
    ITERATIONS,
    ExternalEdge,
    ExternalNode,
    file_text,
    to_kernel,
)
from hlsgen.loops.ir import Kernel

OPERATORS: Mapping[str, str] = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "divide",
    "and": "and",
    "or": "or",
    "xor": "xor",
    "shl": "shift_left",
    "shift": "shift_left",
    "shra": "shift_right",
    "shrl": "shift_right_logical",
    "icmp": "equal",
    "br": "or",
    "input": "load",
    "load": "load",
    "output": "store",
    "store": "store",
}
STATEMENT = re.compile(
    r"""\s*([\w.]+|"[^"]*")\s*(?:->\s*([\w.]+|"[^"]*")\s*)?(?:\[([^\]]*)\])?\s*"""
)
ATTRIBUTE = re.compile(r"""(\w+)\s*=\s*("[^"]*"|[^\s,"]+)""")
DEFAULTS = ("graph", "node", "edge")


@dataclass(frozen=True)
class _Arrow:
    source: str
    target: str
    port: int


def read_dot(path: str | os.PathLike[str], iterations: int = ITERATIONS) -> Kernel:
    """The kernel of one DOT file; raises BadFile with the statement that is wrong."""
    where = os.fspath(path)
    text = file_text(path)
    body = re.search(r"digraph\s*([\w.]*|\"[^\"]*\")\s*\{(.*)\}", text, re.DOTALL)
    if body is None:
        raise BadFile(where, "expected digraph NAME { ... }, found none", "Name a DOT file.")
    nodes, arrows = _statements(re.sub(r"//[^\n]*|/\*.*?\*/", "", body[2], flags=re.DOTALL), where)
    constants = {
        name: _constant(node, name, where)
        for name, node in nodes.items()
        if node["opcode"] == "const"
    }
    back = _back_edges([name for name in nodes if name not in constants], arrows)
    operations = []
    for name, node in nodes.items():
        if name not in constants:
            operations.append(_node(name, node["opcode"], arrows, constants, back, where))
    stem = re.sub(r"\W+", "_", Path(path).stem)
    return to_kernel(stem, operations, (), where, iterations)


def _statements(text: str, where: str) -> tuple[dict[str, dict[str, str]], list[_Arrow]]:
    nodes: dict[str, dict[str, str]] = {}
    arrows: list[_Arrow] = []
    for statement in text.split(";"):
        if not statement.strip():
            continue
        match = STATEMENT.fullmatch(statement)
        attributes = (
            {k: v.strip('" ') for k, v in ATTRIBUTE.findall(match[3] or "")} if match else {}
        )
        port = attributes.get("operand", "0")
        if (
            match is None
            or not port.isdecimal()
            or (match[2] is None and "opcode" not in attributes and match[1] not in DEFAULTS)
        ):
            raise BadFile(
                where,
                f"expected NAME[opcode=...] or NAME->NAME[operand=...], found {statement.strip()!r}",
                "Write one statement of this form, ended by a semicolon.",
            )
        if match[2] is not None:
            arrows.append(_Arrow(_name(match[1]), _name(match[2]), int(port)))
        elif match[1] not in DEFAULTS:
            nodes[_name(match[1])] = attributes
    for arrow in arrows:
        for end in (arrow.source, arrow.target):
            if end not in nodes:
                raise BadFile(
                    where,
                    f"expected edges between nodes with an opcode, found one at {end!r}",
                    "Give the node a statement NAME[opcode=...].",
                )
    if not nodes:
        raise BadFile(where, "expected nodes with an opcode, found none", "Name a data-flow graph.")
    return nodes, arrows


def _name(text: str) -> str:
    return re.sub(r"\W+", "_", text.strip('"'))


def _constant(node: Mapping[str, str], name: str, where: str) -> int:
    text = node.get("value", node.get("const_value", "1"))  # some files give no value
    try:
        return int(text)
    except ValueError:
        raise BadFile(
            f"{where}, node {name}",
            f"expected value or const_value as a whole number, found {text!r}",
            "Give the constant a value.",
        ) from None


def _node(
    name: str,
    opcode: str,
    arrows: list[_Arrow],
    constants: Mapping[str, int],
    back: set[_Arrow],
    where: str,
) -> ExternalNode:
    if opcode not in OPERATORS:
        raise BadFile(
            f"{where}, node {name}",
            f"expected an opcode of {', '.join(OPERATORS)} or const; found {opcode!r}",
            "Remove the node, or write it with these operators.",
        )
    entering = [arrow for arrow in arrows if arrow.target == name]
    edges = tuple(
        ExternalEdge(arrow.source, INDEX if opcode == "load" else arrow.port, int(arrow in back))
        for arrow in entering
        if arrow.source not in constants
    )
    constant = next((constants[a.source] for a in entering if a.source in constants), None)
    return ExternalNode(name, OPERATORS[opcode], constant, edges)


def _back_edges(names: list[str], arrows: list[_Arrow]) -> set[_Arrow]:
    """Edges to a node that a depth-first search has entered and not left."""
    leaving: dict[str, list[_Arrow]] = {name: [] for name in names}
    for arrow in arrows:
        if arrow.source in leaving:
            leaving[arrow.source].append(arrow)
    back: set[_Arrow] = set()
    entered: set[str] = set()
    path: list[str] = []
    unread = {name: iter(leaving[name]) for name in names}
    for root in names:
        if root not in entered:
            entered.add(root)
            path.append(root)
        while path:
            followed = next(unread[path[-1]], None)
            if followed is None:
                path.pop()
            elif followed.target in path:
                back.add(followed)
            elif followed.target not in entered:
                entered.add(followed.target)
                path.append(followed.target)
    return back
