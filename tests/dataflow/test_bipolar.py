"""What becomes one bit keeps its values: thresholds of every form, and what stays in two bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hlsgen.algebra.expression import Call, Literal, Operand
from hlsgen.algebra.scalar import Add, Multiply, Steps, Table
from hlsgen.algebra.types import BIPOLAR, S8, ElementType
from hlsgen.dataflow.bipolar import with_bipolar, without_bipolar
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.check import check
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow, Signs

S2 = ElementType(2, True)
TERNARY = ElementType(2, True, symmetric=True)
FACTORS = np.array([3, -2, 1, 0, -5, 7])


def layer(
    whole: str, cell: tuple[int, int, int], low: int = -1, outside: int | None = None
) -> Dataflow:
    """Six sums of five signs with a bias, what becomes of each through one cell, and the sums of two weights of the results."""
    random, build = np.random.default_rng(4), DataflowBuilder("layer")
    x = build.input("x", (1, 1, 5), BIPOLAR)
    weights = np.where(random.random((1, 6, 1, 1, 5)) < 0.5, low, 1)
    window = PlanarWindow((1, 1), before=(0, 0))
    bias = random.integers(-3, 4, 6)
    sums = build.multiply_accumulate(
        "p", x, weights, window, (1, 1), Epilogue(S8, bias=bias), outside
    )
    expression = {
        "itself": Operand("r0"),
        "factors": Call(Multiply(), (Operand("r0"), Operand("r1"))),
        "addends": Call(Add(), (Operand("r0"), Operand("r1"))),
        "one factor": Call(Multiply(), (Operand("r0"), Literal(-3))),
    }[whole]
    given = [FACTORS] if whole in ("factors", "addends") else []
    y = build.pointwise("s", [sums], given, Call(Steps(0, 9, (cell,)), (expression,)), BIPOLAR)
    last = np.where(random.random((1, 2, 1, 1, 6)) < 0.5, -1, 1)
    build.output(build.multiply_accumulate("q", y, last, window, (1, 1), Epilogue(S8)))
    return build.build()


def every_sample() -> np.ndarray:
    bits = (np.arange(32)[:, None] >> np.arange(5)) & 1
    return (2 * bits - 1).reshape(32, 1, 1, 5)


@pytest.mark.parametrize("cell", [(0, -1, 1), (2, -1, 1), (-3, -1, 1), (0, 1, -1), (5, 1, -1)])
@pytest.mark.parametrize("whole", ["itself", "factors", "addends", "one factor"])
def test_a_threshold_becomes_the_sign_of_the_sum(whole: str, cell: tuple[int, int, int]) -> None:
    given = without_bipolar(layer(whole, cell))
    narrow = with_bipolar(layer(whole, cell))
    check(given)
    check(narrow)
    assert [type(p.finish).__name__ for p in narrow.processes] == ["Signs", "Plain"]
    assert narrow.channels["s_out"].element == narrow.channels["x"].element == BIPOLAR
    assert {store.element for name, store in narrow.stores.items() if "weights" in name} == {
        BIPOLAR
    }
    inputs = {"x": every_sample()}
    wide, signs = interpret(given, inputs), interpret(narrow, inputs)
    assert all(np.array_equal(wide[name], signs[name]) for name in ("s_out", "q_out"))


def test_weights_that_have_no_room_for_another_sign_stay() -> None:
    narrow = with_bipolar(layer("one factor", (0, -1, 1), low=-2))
    check(narrow)
    assert len(narrow.processes) == 3
    assert not any(isinstance(process.finish, Signs) for process in narrow.processes)
    assert narrow.stores["p_weights"].element == S2


@pytest.mark.parametrize("cell", [(0, 0, 1), (0, -1, 0)])
def test_other_values_stay_in_two_bits(cell: tuple[int, int, int]) -> None:
    dataflow = layer("itself", cell)
    narrow = with_bipolar(dataflow)
    check(narrow)
    assert narrow.channels["s_out"].element == TERNARY


def test_a_channel_that_is_read_outside_as_0_stays_in_two_bits() -> None:
    narrow = with_bipolar(layer("itself", (0, -1, 1), outside=0))
    check(narrow)
    assert narrow.channels["x"].element == TERNARY
    assert narrow.channels["s_out"].element == BIPOLAR


def test_a_table_of_signs_is_of_one_bit_and_an_output_never_is() -> None:
    build = DataflowBuilder("table")
    x = build.input("x", (1, 1, 3), ElementType(3, False))
    table = Table(tuple(1 if k % 2 else -1 for k in range(256)))
    y = build.elementwise("t", [x], table, S2)
    build.output(build.elementwise("u", [y], Table((5,) * 256), S8))
    dataflow = build.build()
    assert with_bipolar(dataflow).channels["t_out"].element == BIPOLAR
    ended = replace(dataflow, outputs=("t_out",), processes=dataflow.processes[:1])
    assert with_bipolar(ended).channels["t_out"].element == S2
