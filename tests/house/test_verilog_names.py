"""Names in the Verilog are written in the source: Amaranth would else read them off bytecode, which every Python lays out anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CIRCUITS = ("rtl_templates", "hlsgen/rtl", "hlsgen/bitstream", "sim")
PORTS = ROOT / "rtl_templates" / "memory_ports.py"
"""Where memories get ports with names."""


def unnamed(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, call) of what Amaranth would name by the variable that it is assigned to."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        keywords = {keyword.arg for keyword in node.keywords}
        named = "name" in keywords or (called == "ClockDomain" and bool(node.args))
        signal = called in ("Signal", "Signal.like", "ClockDomain") and not named
        method = called.split(".")[-1] if isinstance(node.func, ast.Attribute) else ""
        port = method in ("read_port", "write_port")
        interface = method == "create" and "path" not in keywords
        if signal or port or interface:
            yield node.lineno, ast.unparse(node)


def test_every_signal_of_a_circuit_is_named() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {call}"
        for folder in CIRCUITS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != PORTS
        for line, call in unnamed(ast.parse(path.read_text("utf-8")))
    ]
    assert not wrong, "give name=, or take read_port and write_port of memory_ports:\n" + "\n".join(
        wrong
    )


@pytest.mark.parametrize(
    "text",
    [
        "x = Signal(8)",
        "a, b = Signal(), Signal(name='b')",
        "y = Signal.like(x)",
        "d = ClockDomain(reset_less=True)",
        "r = rom.read_port()",
        "w = rom.write_port(granularity=8)",
        "i = signature.create()",
    ],
)
def test_an_unnamed_signal_is_seen(text: str) -> None:
    assert len(list(unnamed(ast.parse(text)))) == 1
