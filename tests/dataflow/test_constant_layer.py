"""Processes as constant layers: equal to their loop nests, finish by finish, or a reason."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Operand
from hlsgen.algebra.scalar import Clamp, RequantiseFloat32, RequantiseMultiplyShift
from hlsgen.algebra.types import S8, ElementType
from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.dataflow.check import check
from hlsgen.dataflow.constant_layer import ConstantLayer, constant_layer
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import (
    Channel,
    Clamped,
    Dataflow,
    Finish,
    Loop,
    MultiplyAccumulate,
    Plain,
    Process,
    Read,
    ScaledByFloat32,
    ScaledByShift,
    Store,
    Write,
)
from hlsgen.dataflow.tables import table_sum
from hlsgen.ops.lowering import SummedTables
from hlsgen.ops.reason import Reason

INPUTS, OUTPUTS = 5, 4
S20 = ElementType(20, True)
R2, R3, R4 = (Operand(f"r{k}") for k in (2, 3, 4))
FINISHES: dict[str, tuple[Finish, ElementType]] = {
    "sums": (Plain(), S20),
    "sums and a bias": (Plain(R2), ElementType(21, True)),
    "bounds": (Clamped(Clamp(-20, 300)), ElementType(10, True)),
    "one factor": (ScaledByShift(RequantiseMultiplyShift(7, -8, 90), 12, 64, R2), S8),
    "factors by channel": (ScaledByShift(RequantiseMultiplyShift(9, -128, 127), R3, R4, R2), S8),
    "a power of two, halves to even": (
        ScaledByFloat32(RequantiseFloat32(9, 3, -128, 127), 64, R2),
        S8,
    ),
}


def layer_process(finish: Finish, element: ElementType, seed: int = 0) -> Dataflow:
    """One process that multiplies a vector of s4 by weights of s5, some rows without any."""
    random = np.random.default_rng(seed)
    weights = random.integers(-16, 16, (1, OUTPUTS, 1, 1, INPUTS))
    weights[0, 1] = 0
    stores = {
        "w": Store("w", weights, ElementType(5, True)),
        "bias": Store("bias", random.integers(-200, 200, OUTPUTS), S20),
        "factor": Store("factor", random.integers(1, 100, OUTPUTS), S8),
        "half": Store("half", random.integers(0, 512, OUTPUTS), S20),
    }
    by_output = (Affine(0, (("g", OUTPUTS), ("o", 1))),)
    reads = (
        Read(
            "x",
            (
                Affine(0, (("y", 1), ("ky", 1))),
                Affine(0, (("x", 1), ("kx", 1))),
                Affine(0, (("g", INPUTS), ("i", 1))),
            ),
        ),
        Read("w", tuple(Affine(0, ((name, 1),)) for name in ("g", "o", "ky", "kx", "i"))),
        *(Read(name, by_output) for name in ("bias", "factor", "half")),
    )
    names = {"y": 1, "x": 1, "g": 1, "o": OUTPUTS, "ky": 1, "kx": 1, "i": INPUTS}
    loops = tuple(Loop(n, e, n in ("ky", "kx", "i")) for n, e in names.items())
    write = Write("y", (Affine(0, (("y", 1),)), Affine(0, (("x", 1),)), *by_output))
    process = Process("layer", loops, reads, write, MultiplyAccumulate(S20, 3), finish)
    channels = {
        "x": Channel("x", (1, 1, INPUTS), ElementType(4, True)),
        "y": Channel("y", (1, 1, OUTPUTS), element),
    }
    dataflow = Dataflow("one", channels, stores, (process,), ("x",), ("y",))
    check(dataflow)
    return dataflow


def results(layer: ConstantLayer, vectors: np.ndarray) -> np.ndarray:
    sums = layer.graph().evaluate(np, list(vectors.T))
    return np.stack([layer.rounding.evaluate(np, total) for total in sums], axis=1)


@pytest.mark.parametrize("name", FINISHES)
@pytest.mark.parametrize("seed", range(3))
def test_a_constant_layer_is_its_loop_nest(name: str, seed: int) -> None:
    dataflow = layer_process(*FINISHES[name], seed)
    layer = constant_layer(dataflow, dataflow.processes[0])
    assert isinstance(layer, ConstantLayer), layer
    vectors = np.random.default_rng(seed).integers(-8, 8, (3000, INPUTS))
    expected = interpret(dataflow, {"x": vectors[:, None, None]})["y"][:, 0, 0]
    assert np.array_equal(results(layer, vectors), expected)
    assert layer.rounds() == ("sums" not in name)


@pytest.mark.parametrize(
    "finish, reason",
    [
        (ScaledByFloat32(RequantiseFloat32(9, 3, -128, 127), 3, R2), "rounds products of floats"),
        (
            ScaledByShift(RequantiseMultiplyShift(7, -8, 90), 12, 64, R2, (R3,)),
            "raises single sums",
        ),
    ],
)
def test_a_finish_that_is_no_shift_says_so(finish: Finish, reason: str) -> None:
    dataflow = layer_process(finish, S8)
    layer = constant_layer(dataflow, dataflow.processes[0])
    assert isinstance(layer, Reason) and reason in layer.text


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("fan_in", [1, 2])
def test_a_layer_of_tables_is_its_loop_nest(fan_in: int, signed: bool) -> None:
    random = np.random.default_rng(fan_in)
    element = ElementType(3, signed)
    builder = DataflowBuilder("tables")
    source = builder.input("x", (1, 1, INPUTS), element)
    selection = random.integers(0, INPUTS, (OUTPUTS, 3, fan_in))
    tables = random.integers(-30, 31, (OUTPUTS, 3, 1 << (3 * fan_in)))
    tables[1] = 5  # depends on nothing
    tables[2, 0] = tables[0, 0]
    selection[2, 0] = selection[0, 0]
    summed = SummedTables(selection, tables, 3, 4 * signed, -40, 25)
    written = table_sum(builder, "sums", source, summed)
    builder.output(written)
    dataflow = builder.build()
    check(dataflow)
    layer = constant_layer(dataflow, dataflow.processes[0])
    assert isinstance(layer, ConstantLayer) and len(layer.tables) == 8
    vectors = random.integers(element.minimum, element.maximum + 1, (500, INPUTS))
    expected = interpret(dataflow, {"x": vectors[:, None, None]})[written][:, 0, 0]
    given = np.stack([table.evaluate(np, list(vectors.T)) for table in layer.tables], axis=1)
    assert np.array_equal(results(layer, given), expected)
    codes = (vectors + 4 * signed) % 8
    plain = [
        sum(
            tables[o, t, sum(int(row[place]) << (3 * n) for n, place in enumerate(selection[o, t]))]
            for t in range(3)
        )
        for row in codes
        for o in range(OUTPUTS)
    ]
    assert np.array_equal(np.clip(plain, -40, 25), expected.reshape(-1))
