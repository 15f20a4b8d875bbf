"""What a rule sees: the integer graph being built, the operands in fixed point, and the format asked of the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from hlsgen.algebra.expression import (
    Expression,
    Literal,
    Operand,
    expression_type,
    operand_names,
    substituted,
)
from hlsgen.algebra.types import ElementType
from hlsgen.errors import HlsgenError
from hlsgen.fixed_point import terms
from hlsgen.fixed_point.format import Format
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Node
from hlsgen.ops.formula import ElementFormula
from hlsgen.ops.op import QuantisedValue, TensorOp
from hlsgen.ops.reason import Reason
from hlsgen.ops.tensor_type import TensorType


@dataclass(frozen=True)
class Fixed:
    """A computed value: ``name`` in the integer graph, of ``type``, in ``format``; ``low`` and ``high``, the integers that samples reach.
    Integers and truth values of the model are themselves: ``real`` is False, and the fraction 0."""

    name: str
    type: TensorType
    format: Format
    low: int
    high: int
    real: bool = True


Value = Fixed | np.ndarray
"""An operand: computed, or a constant of reals or integers."""


@dataclass(frozen=True)
class Asked:
    """What is asked for of a node: the type of its value in the model, and for reals the format; what samples reach."""

    type: TensorType
    format: Format
    real: bool
    range: tuple[float, float]


@dataclass
class Operands:
    """The operands of a formula as they are numbered; a value that is used twice is one."""

    names: list[str] = field(default_factory=list)

    def of(self, name: str) -> Operand:
        """The operand of a value."""
        if name not in self.names:
            self.names.append(name)
        return Operand(f"r{self.names.index(name)}")


@dataclass(frozen=True)
class Conversion:
    """The integer graph so far, of numbers with ``bits`` bits; ``single``: the values of the float graph that one node alone reads."""

    build: GraphBuilder
    bits: int
    single: frozenset[str] = frozenset()

    def node(self, op: TensorOp, inputs: Sequence[str]) -> str:
        """Adds a node; its value's name."""
        return self.build.node(op, inputs)

    def finished(self, name: str, asked: Asked, format: Format | None = None) -> Fixed:
        """The value of the node that is converted, in the format asked or another."""
        format = format or asked.format
        low, high = (int(v) for v in format.quantise(asked.range))
        return Fixed(name, self.build.types[name], format, low, high, asked.real)

    def formula(
        self, expression: Expression, operands: Operands, element: ElementType
    ) -> str | Reason:
        """The value of an expression; a reason where its integers are too wide."""
        used = operand_names(expression)
        if not used:  # the same for all integers
            same = terms.add(terms.multiply(Operand("r0"), Literal(0)), expression)
            expression = terms.saturated(same, element)
            used = {"r0"}
        kept = [k for k in range(len(operands.names)) if f"r{k}" in used]
        numbers = {f"r{k}": Operand(f"r{n}") for n, k in enumerate(kept)}
        names = [operands.names[k] for k in kept]
        try:
            return self.build.node(
                ElementFormula.of(substituted(expression, numbers), element), names
            )
        except HlsgenError as error:
            return Reason(f"its formula has no integers of at most 64 bits: {error.problem}")

    def fits(self, expression: Expression, operands: Operands, element: ElementType) -> bool:
        """Whether every value of an expression is one of ``element``."""
        types = {f"r{k}": self.build.types[n].integer for k, n in enumerate(operands.names)}
        try:
            whole = expression_type(expression, types)
        except HlsgenError:
            return False
        return element.minimum <= whole.minimum and whole.maximum <= element.maximum

    def brought(
        self, expression: Expression, fraction: int, operands: Operands, asked: Asked
    ) -> Fixed | Reason:
        """An expression in steps of 2**-fraction, in the format asked."""
        target = asked.format
        name = self.formula(terms.brought(expression, fraction, target), operands, target.element)
        return name if isinstance(name, Reason) else self.finished(name, asked)

    def rescaled(self, x: Fixed, target: Format) -> str | Reason:
        """The operand in another format."""
        if x.format == target:
            return x.name
        operands = Operands()
        expression = terms.brought(operands.of(x.name), x.format.fraction, target)
        return self.formula(expression, operands, target.element)

    def term(self, value: Value, fraction: int, operands: Operands) -> Expression:
        """An operand in steps of 2**-fraction; constants are rounded to them."""
        if isinstance(value, Fixed):
            return terms.rounded_shift(operands.of(value.name), value.format.fraction - fraction)
        integers = np.floor(np.asarray(value, np.float64) * 2.0**fraction + 0.5).astype(np.int64)
        return self.constant(integers, operands)

    def constant(self, integers: np.ndarray, operands: Operands) -> Expression:
        """A constant operand, or a literal where it is one number."""
        if integers.size == 1 and integers.ndim == 0:
            return Literal(int(integers))
        if integers.size and np.all(integers == integers.reshape(-1)[0]) and integers.size == 1:
            return Literal(int(integers.reshape(-1)[0]))
        return operands.of(self.build.integers("constant", integers))

    def quantised(self, x: Fixed) -> QuantisedValue:
        """The operand as operators with integer sums take it."""
        return QuantisedValue(x.name, x.type, x.format.quantisation, None)


FixedRule: TypeAlias = Callable[[Conversion, Node, tuple[Value, ...], Asked], Fixed | Reason]
"""How an operator is computed: the value that a node becomes, or why there is none."""
