"""Finish expressions of the templates: plain values without Amaranth, and the widths of their results.

The nodes mirror ``hlsgen.dataflow.ir`` (the templates know nothing of hlsgen): a unit has the name and the constants of a
scalar operator, and the widths below never lose a bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Width:
    """A two's complement (``signed``) or unsigned integer of ``bits`` bits."""

    bits: int
    signed: bool

    @property
    def minimum(self) -> int:
        """The smallest value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def maximum(self) -> int:
        """The largest value."""
        return (1 << (self.bits - self.signed)) - 1

    @classmethod
    def holding(cls, low: int, high: int) -> Width:
        """The narrowest width that holds every integer of [low, high]; unsigned where low >= 0."""
        if low >= 0:
            return cls(max(1, high.bit_length()), False)
        return cls(max((~low).bit_length(), max(high, 0).bit_length()) + 1, True)


@dataclass(frozen=True)
class Operand:
    """A field of the results of a PE array (``acc``, ``r0``), or a parameter memory, by name."""

    name: str


@dataclass(frozen=True)
class Literal:
    """An integer constant."""

    value: int


@dataclass(frozen=True)
class Unit:
    """A scalar operator by ``name`` with its constants, applied to ``arguments``."""

    name: str
    parameters: tuple[tuple[str, Any], ...]
    arguments: tuple[Expression, ...]


Expression: TypeAlias = Operand | Literal | Unit


def unit_result(name: str, parameters: Mapping[str, Any], operands: tuple[Width, ...]) -> Width:
    """The width of a unit's result; raises ValueError for a name that is no unit."""
    low = [w.minimum for w in operands]
    high = [w.maximum for w in operands]
    match name:
        case "Add":
            return Width.holding(low[0] + low[1], high[0] + high[1])
        case "Subtract":
            return Width.holding(low[0] - high[1], high[0] - low[1])
        case "Multiply":
            corners = [a * b for a in (low[0], high[0]) for b in (low[1], high[1])]
            return Width.holding(min(corners), max(corners))
        case "Maximum":
            return Width.holding(max(low), max(high))
        case "Minimum":
            return Width.holding(min(low), min(high))
        case "Equal":
            return Width(1, False)
        case "Clamp":
            least, most = parameters["low"], parameters["high"]
            return Width.holding(min(max(low[0], least), most), min(max(high[0], least), most))
        case "ShiftRight":
            return Width.holding(low[0] >> parameters["bits"], high[0] >> parameters["bits"])
        case "RequantiseMultiplyShift" | "RequantiseFloat32" | "QuantisedAdd":
            return Width.holding(parameters["low"], parameters["high"])
        case "Table":
            return Width.holding(min(parameters["values"]), max(parameters["values"]))
    raise ValueError(f"expected the name of a scalar unit, found {name!r}")


def expression_width(expression: Expression, operands: Mapping[str, Width]) -> Width:
    """The width of an expression's value; ``operands`` gives those of its operands."""
    match expression:
        case Operand(name):
            return operands[name]
        case Literal(value):
            return Width.holding(value, value)
        case Unit(name, parameters, arguments):
            widths = tuple(expression_width(a, operands) for a in arguments)
            return unit_result(name, dict(parameters), widths)
