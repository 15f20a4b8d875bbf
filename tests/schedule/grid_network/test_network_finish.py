"""Every finish that a tile can do keeps its meaning; others are refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from support.example_nets import random_inputs

from hlsgen.algebra.scalar import (
    Clamp,
    Minimum,
    QuantisedAdd,
    RequantiseFloat32,
    RequantiseMultiplyShift,
    Table,
)
from hlsgen.algebra.types import S8, ElementType
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import UnsupportedOp
from hlsgen.requantise.add import RoundedAdd
from hlsgen.schedule.grid_network.finish import Finishing, finishing


def applied(finish: Finishing, sums: np.ndarray) -> np.ndarray:
    """What docs/grid.md says of the requantiser, for ``sums`` (..., channels)."""
    bias, multiplier, rounding = (finish.rows[:, k] for k in range(3))
    if finish.mode == "float32":
        op = RequantiseFloat32(finish.shift, finish.zero_point, finish.low, finish.high)
        return np.asarray(op.evaluate(np, sums + bias, multiplier))
    scaled = (multiplier * (sums + bias) + rounding) >> finish.shift
    return np.clip(scaled, finish.low, finish.high)


def sums_net(finish: Epilogue) -> Dataflow:
    build = DataflowBuilder("sums")
    x = build.input("x", (3, 4, 6), S8)
    build.output(build.window_sum("sum", x, PlanarWindow((2, 2)), (2, 3), finish))
    return build.build()


CHANNELS = np.arange(6)
FINISHES = (
    Epilogue(S8, RequantiseFloat32(20, -3, -100, 90), (CHANNELS * 9999 + 70_000,), CHANNELS * 7),
    Epilogue(S8, RequantiseFloat32(3, 4, -128, 127), (np.array([1]),), np.array([5])),
    Epilogue(
        S8,
        RequantiseMultiplyShift(12, -7, 100),
        (CHANNELS * 100 + 300, CHANNELS << 11),
        CHANNELS - 3,
    ),
    Epilogue(ElementType(11, True), bias=np.array([9])),
    Epilogue(S8, RequantiseMultiplyShift(0, -128, 127), (np.array([1]), np.array([-4]))),
)


@pytest.mark.parametrize("finish", FINISHES)
def test_sums_are_finished_as_the_process_says(finish: Epilogue) -> None:
    dataflow = sums_net(finish)
    form = finishing(dataflow, dataflow.processes[0])
    inputs = random_inputs(dataflow, 5)
    x = inputs["x"]
    sums = x[:, :-1, :-1] + x[:, 1:, :-1] + x[:, :-1, 1:] + x[:, 1:, 1:]
    want = interpret(dataflow, inputs)[dataflow.outputs[0]]
    assert np.array_equal(applied(form, sums), want)


def pair_net(op: QuantisedAdd | RoundedAdd) -> Dataflow:
    build = DataflowBuilder("pair")
    names = build.input("a", (1, 2, 6), S8), build.input("b", (1, 2, 6), S8)
    if isinstance(op, RoundedAdd):
        build.output(build.rounded_add("add", names, op, S8))
    else:
        build.output(build.elementwise("add", names, op, S8))
    return build.build()


def test_an_addition_takes_one_row_for_each_operand() -> None:
    dataflow = pair_net(QuantisedAdd(75_000, 61_000, 12_345, 17, -128, 127))
    form = finishing(dataflow, dataflow.processes[0])
    assert form.mode == "pair"
    assert form.rows[:, 1].tolist() == [75_000, 61_000]
    assert form.rows[1, 2] == 12_345
    inputs = random_inputs(dataflow, 20)
    total = 75_000 * inputs["a"] + 61_000 * inputs["b"] + form.rows[1, 2]
    want = interpret(dataflow, inputs)[dataflow.outputs[0]]
    assert np.array_equal(np.clip(total >> form.shift, form.low, form.high), want)


def test_a_rounded_addition_is_a_weighted_sum() -> None:
    op = RoundedAdd(2, 3, 5, RequantiseFloat32(2, 1, -128, 127))
    dataflow = pair_net(op)
    form = finishing(dataflow, dataflow.processes[0])
    assert form.factors == (2, 3)
    inputs = random_inputs(dataflow, 20)
    want = interpret(dataflow, inputs)[dataflow.outputs[0]]
    assert np.array_equal(applied(form, 2 * inputs["a"] + 3 * inputs["b"]), want)


def test_a_clamp_needs_no_scale() -> None:
    build = DataflowBuilder("clamp")
    build.output(build.elementwise("clamp", (build.input("x", (1, 2, 6), S8),), Clamp(-5, 77), S8))
    dataflow = build.build()
    form = finishing(dataflow, dataflow.processes[0])
    values = np.arange(-128, 128)[:, None]
    assert np.array_equal(applied(form, values), np.clip(values, -5, 77))


def test_what_tiles_cannot_compute_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedOp, match="found 1 of 65,536 pairs that need a table"):
        dataflow = pair_net(QuantisedAdd(75_000, 61_000, 0, 17, -128, 127, ((3, 5, -7),)))
        finishing(dataflow, dataflow.processes[0])
    build = DataflowBuilder("least")
    names = build.input("a", (1, 2, 6), S8), build.input("b", (1, 2, 6), S8)
    build.output(build.elementwise("least", names, Minimum(), S8))
    dataflow = build.build()
    with pytest.raises(
        UnsupportedOp, match=r"process least\n.*another function \(Minimum"
    ) as error:
        finishing(dataflow, dataflow.processes[0])
    assert "--schedule stream" in str(error.value)


def test_constants_wider_than_parameters_are_refused_with_their_range() -> None:
    op = RequantiseFloat32(20, 0, -128, 127)
    wide = Epilogue(S8, op, (np.array([1 << 20, 1 << 33]).repeat(3),), CHANNELS)
    far = Epilogue(S8, op, (np.array([1 << 20]),), CHANNELS - (1 << 32))
    for finish, match in ((wide, "multipliers of 0 to 4294967295"), (far, "biases of -2147483648")):
        dataflow = sums_net(finish)
        with pytest.raises(UnsupportedOp, match=f"process sum\nexpected {match}"):
            finishing(dataflow, dataflow.processes[0])


def test_a_table_is_kept_as_it_is() -> None:
    build = DataflowBuilder("table")
    table = Table(tuple(range(-128, 128)))
    build.output(build.elementwise("lookup", (build.input("x", (1, 2, 6), S8),), table, S8))
    dataflow = build.build()
    form = finishing(dataflow, dataflow.processes[0])
    assert form.table == table.values
    assert len(form.rows) == 0
