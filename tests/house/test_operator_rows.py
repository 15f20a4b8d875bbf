"""An operator is one row of meaning, one circuit and one row of cost: the sets of names are the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hlsgen.rtl_templates import contract, loop_contract
from hlsgen.rtl_templates.arithmetic.scalar_units import SCALAR_UNITS
from hlsgen.rtl_templates.arithmetic.word_units import WORD_UNITS, accumulates

from hlsgen.algebra import scalar
from hlsgen.algebra.types import S8
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.cost.operators import SCALAR_COSTS, UnitUse
from hlsgen.cost.units import FAMILIES

ROWS: tuple[scalar.ScalarOp, ...] = (
    scalar.Add(),
    scalar.Subtract(),
    scalar.Multiply(),
    scalar.Maximum(),
    scalar.Minimum(),
    scalar.Equal(),
    scalar.Clamp(-5, 6),
    scalar.ShiftRight(2),
    scalar.Sign(),
    scalar.RequantiseMultiplyShift(9, -128, 127),
    scalar.RequantiseFloat32(9, 0, -128, 127),
    scalar.RoundSignificand(4),
    scalar.QuantisedAdd(3, 5, 7, 3, -128, 127),
    scalar.Table(tuple(range(256))),
    scalar.Steps(-4, 1, ((-3, 5, 9), (0, 9, 2))),
    scalar.LogarithmicSteps(3, 1, 1, ((1, 0, 4), (5, 4, 9))),
    scalar.Divide(-8, 7),
    scalar.SquareRoot(),
)
"""One of each."""


def descendants(cls: type) -> Iterator[type]:
    """The public classes below one in its own package."""
    for child in cls.__subclasses__():
        if child.__module__.startswith("hlsgen.algebra") and not child.__name__.startswith("_"):
            yield child
        yield from descendants(child)


def test_every_scalar_operator_has_a_circuit_and_a_cost_and_none_is_alone() -> None:
    operators = {cls.__name__ for cls in descendants(scalar.ScalarOp)}
    assert operators == {cls.__name__ for cls in scalar.SCALAR_OPS} == {op.name for op in ROWS}
    assert set(SCALAR_UNITS) == operators, "circuits in rtl_templates/arithmetic/scalar_units.py"
    assert set(SCALAR_COSTS) == operators, "costs in hlsgen/cost/operators.py"
    assert all(unit.__name__ == name for name, unit in SCALAR_UNITS.items())


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_every_scalar_operator_has_a_timing_and_a_cost_on_every_family(op: scalar.ScalarOp) -> None:
    operands = (S8,) * op.operands
    timing = contract.unit_timing(op, operands)
    assert len(timing.arrivals) == op.operands
    for family, table in FAMILIES.items():
        use = UnitUse(table, "lut", op, operands, op.result(*operands))
        cost = SCALAR_COSTS[op.name](use)
        wires_only = isinstance(op, scalar.ShiftRight | scalar.Sign)
        assert wires_only or cost.lut > 0 or cost.bram > 0, f"{op.name} is free on {family}"


def test_every_word_operator_has_a_circuit_and_a_latency_and_none_is_alone() -> None:
    assert set(WORD_UNITS) == set(WORD_OPERATORS)
    assert set(loop_contract.WORD_LATENCIES) == set(WORD_OPERATORS)
    stateful = {name for name, operator in WORD_OPERATORS.items() if operator.accumulates}
    assert stateful == {name for name in WORD_UNITS if accumulates(name)}
