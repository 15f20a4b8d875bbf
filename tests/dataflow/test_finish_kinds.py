"""Every kind of finish: its meaning against its formula, and its text form."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Call, Operand
from hlsgen.algebra.scalar import (
    Clamp,
    Minimum,
    QuantisedAdd,
    RequantiseFloat32,
    RequantiseMultiplyShift,
    RoundSignificand,
    Table,
)
from hlsgen.algebra.types import S8, ElementType
from hlsgen.dataflow.check import check
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import (
    Accumulate,
    Channel,
    Clamped,
    Dataflow,
    Elementwise,
    Finish,
    LookedUp,
    Loop,
    Pass,
    Plain,
    Process,
    QuantisedSum,
    Read,
    ScaledByFloat32,
    ScaledByShift,
    Signs,
    Step,
    Store,
    SumFinish,
    WeightedSum,
    Write,
)
from hlsgen.dataflow.text import parse, store_arrays, to_text

BIAS = np.array([-300, 0, 41])
SCALE = np.array([77, 5000, 91])
NUDGE = np.array([-20, 3, 90])
ROUNDING = np.array([2048, -5, 0])
SQUARES = tuple((k * k) % 101 for k in range(256))
SHIFT = RequantiseMultiplyShift(12, -128, 127)
FLOAT32 = RequantiseFloat32(14, -3, -128, 127)

Formula = Callable[[np.ndarray, np.ndarray], np.ndarray]

CASES: tuple[tuple[Finish, Formula], ...] = (
    (Plain(), lambda x, other: x),
    (Plain(Operand("r2")), lambda x, other: x + BIAS),
    (Plain(-7), lambda x, other: x - 7),
    (Signs(Operand("r2")), lambda x, other: np.where(x + BIAS >= 0, 1, -1)),
    (Clamped(Clamp(-5, 100)), lambda x, other: np.clip(x, -5, 100)),
    (
        ScaledByShift(SHIFT, Operand("r3"), Operand("r5"), Operand("r2"), (Operand("r4"), 17)),
        lambda x, other: np.clip(
            (SCALE * (x + BIAS + (x == NUDGE) + (x == 17)) + ROUNDING) >> 12, -128, 127
        ),
    ),
    (
        ScaledByShift(SHIFT, 900, 1 << 11),
        lambda x, other: np.clip((900 * x + (1 << 11)) >> 12, -128, 127),
    ),
    (
        ScaledByFloat32(FLOAT32, Operand("r3"), -9),
        lambda x, other: np.clip(np.rint(SCALE * (x - 9) / 2**14).astype(int) - 3, -128, 127),
    ),
    (
        ScaledByFloat32(FLOAT32, Operand("r3"), None, RoundSignificand(3)),
        lambda x, other: np.clip(
            np.rint(SCALE * RoundSignificand(3).evaluate(np, x) / 2**14).astype(int) - 3, -128, 127
        ),
    ),
    (
        WeightedSum(RequantiseFloat32(2, 1, -128, 127), (2, 3), 5),
        lambda x, other: np.clip(np.rint((2 * x + 3 * other + 5) / 4).astype(int) + 1, -128, 127),
    ),
    (
        QuantisedSum(QuantisedAdd(750, 610, 99, 10, -128, 127, ((3, 4, -77),))),
        lambda x, other: np.where(
            (x == 3) & (other == 4), -77, np.clip((750 * x + 610 * other + 99) >> 10, -128, 127)
        ),
    ),
    (LookedUp(Table(SQUARES)), lambda x, other: np.array(SQUARES)[x & 255]),
    (
        Elementwise(Call(Minimum(), (Operand("r0"), Operand("r1")))),
        lambda x, other: np.minimum(x, other),
    ),
)


def small(step: Step, finish: Finish) -> Dataflow:
    """One process over two channels (64, 64, 3); r2 to r5 are the constants above. The sum is that of one element."""
    shape = (64, 64, 3)
    position = tuple(Affine(0, ((loop, 1),)) for loop in ("y", "x", "g"))
    loops = [Loop("y", 64), Loop("x", 64), Loop("g", 3), Loop("o", 1)]
    loops += [Loop(name, 1, reduce=True) for name in ("ky", "kx", "i")]
    constants = {"bias": BIAS, "scale": SCALE, "nudge": NUDGE, "rounding": ROUNDING}
    channels = {name: Channel(name, shape, S8) for name in ("a", "b")}
    channels["c"] = Channel("c", shape, ElementType(15, True))
    reads = [Read(name, position) for name in ("a", "b")]
    reads += [Read(name, position[2:]) for name in constants]
    process = Process("p", tuple(loops), tuple(reads), Write("c", position), step, finish)
    stores = {name: Store(name, v, ElementType(14, True)) for name, v in constants.items()}
    return Dataflow("small", channels, stores, (process,), ("a", "b"), ("c",))


def test_every_kind_has_a_case() -> None:
    assert {type(finish) for finish, _ in CASES} == set(get_args(Finish))


@pytest.mark.parametrize(("finish", "formula"), CASES)
def test_a_finish_means_its_formula_and_parses_back(finish: Finish, formula: Formula) -> None:
    random = np.random.default_rng(7)
    inputs = {name: random.integers(-128, 128, (2, 64, 64, 3)) for name in ("a", "b")}
    steps: list[Step] = [Pass()]
    if isinstance(finish, SumFinish):
        steps.append(Accumulate(ElementType(9, True), 0))
    for step in steps:
        dataflow = small(step, finish)
        check(dataflow)
        result = interpret(dataflow, inputs)["c"]
        assert np.array_equal(result, formula(inputs["a"], inputs["b"]))
        assert parse(to_text(dataflow), store_arrays(dataflow)).processes == dataflow.processes
