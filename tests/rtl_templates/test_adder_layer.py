"""Adder graphs, constant layers and their gate: every value of small inputs, latency, and chains under any stalls."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.arithmetic.adder_graph import Adders
from hlsgen.rtl_templates.arithmetic.shapes import shape_of
from hlsgen.rtl_templates.stream.adder_layer import (
    AdderLayer,
    AdderLayerParameters,
    ConstantGate,
    rounded,
)
from hlsgen.sim.unit_check import bits, check_stream_unit

from hlsgen.algebra.lookup_table import LookupTable
from hlsgen.algebra.shift_rounding import ShiftRounding
from hlsgen.algebra.types import ElementType
from hlsgen.constant_products.solve import adder_graph

S3, U3, S8 = ElementType(3, True), ElementType(3, False), ElementType(8, True)


def random_layer(seed: int, inputs: int, outputs: int, source: ElementType, in_a_row: int) -> Any:
    """A layer of random weights of 5 bits and biases, rounded by 2 bits to s4; some outputs without weights."""
    random = np.random.default_rng(seed)
    matrix = random.integers(-15, 16, (outputs, inputs)) * (random.random((outputs, inputs)) < 0.7)
    constants = random.integers(-40, 41, outputs) * (random.random(outputs) < 0.8)
    graph = adder_graph(
        tuple(map(tuple, matrix.tolist())),
        tuple(constants.tolist()),
        ((source.minimum, source.maximum),) * inputs,
    )
    rounding = ShiftRounding(2, int(random.integers(-2, 3)), -8, 7, bool(seed % 2))
    return AdderLayerParameters(graph, rounding, source, ElementType(4, True), in_a_row)


@pytest.mark.parametrize("in_a_row", [1, 2, 9])
@pytest.mark.parametrize("seed", range(6))
def test_adders_compute_every_vector_after_their_latency(seed: int, in_a_row: int) -> None:
    source = (S3, U3)[seed % 2]
    p = random_layer(seed, 3, 5, source, in_a_row)
    unit = Adders(p.graph, in_a_row=in_a_row)
    vectors = np.array(list(itertools.product(range(source.minimum, source.maximum + 1), repeat=3)))
    expected = np.stack(p.graph.evaluate(np, list(vectors.T)), axis=1)
    seen: list[list[int]] = []

    async def bench(context: Any) -> None:
        for vector in [*vectors.tolist(), *[[0, 0, 0]] * unit.contract.latency]:
            for k, value in enumerate(vector):
                context.set(unit.inputs[k], value)
            _, _, *outputs = await context.tick().sample(*(unit.outputs[f"o{k}"] for k in range(5)))
            seen.append(outputs)

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert np.array_equal(np.array(seen[unit.contract.latency :]), expected)


class Rounder(wiring.Component):
    """The rounding of one value, combinational."""

    def __init__(self, rounding: ShiftRounding, source: ElementType) -> None:
        self.rounding = rounding
        super().__init__({"x": In(shape_of(source)), "y": Out(12)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.y.eq(rounded(self.x, self.rounding))
        return m


@pytest.mark.parametrize("source", [ElementType(9, True), ElementType(8, False), S3, U3])
@pytest.mark.parametrize(
    "rounding",
    [
        ShiftRounding(0, 0, -5, 9),
        ShiftRounding(3, 0, 0, 15),
        ShiftRounding(3, 1, -7, 12, to_even=True),
        ShiftRounding(1, 0, -256, 255, to_even=True),
        ShiftRounding(5, -3, -4, 3, to_even=True),
    ],
)
def test_every_value_is_rounded_as_its_meaning_says(
    source: ElementType, rounding: ShiftRounding
) -> None:
    unit = Rounder(rounding, source)
    values = np.arange(source.minimum, source.maximum + 1)
    expected = rounding.evaluate(np, values) & 0xFFF
    seen: list[int] = []

    async def bench(context: Any) -> None:
        for value in values.tolist():
            context.set(unit.x, value)
            await context.delay(1e-6)
            seen.append(context.get(unit.y))

    simulator = Simulator(unit)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == expected.tolist()


class Chain(wiring.Component):
    """Two layers between the ends of a gate."""

    def __init__(self, layers: list[AdderLayerParameters]) -> None:
        self.layers = [AdderLayer(p) for p in layers]
        latency = sum(layer.contract.latency for layer in self.layers)
        first, last = self.layers[0].i.payload.shape(), self.layers[-1].o.payload.shape()
        self.gate = ConstantGate(first, last, latency=latency)
        self.latency = latency + contract.CREDIT_MEMORY_LATENCY
        super().__init__({"i": In(stream.Signature(first)), "o": Out(stream.Signature(last))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.gate = gate = self.gate
        before = gate.first
        for k, layer in enumerate(self.layers):
            m.submodules[f"layer_{k}"] = layer
            wiring.connect(m, before, layer.i)
            before = layer.o
        wiring.connect(m, before, gate.last)
        wiring.connect(m, wiring.flipped(self.i), gate.i)
        wiring.connect(m, gate.o, wiring.flipped(self.o))
        return m


@pytest.mark.parametrize("in_a_row", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_a_chain_of_layers_gives_a_vector_every_cycle_under_any_stalls(
    seed: int, in_a_row: int
) -> None:
    first = random_layer(seed, 6, 5, S8, in_a_row)
    second = random_layer(seed + 50, 5, 4, ElementType(4, True), in_a_row)
    random = np.random.default_rng(seed)
    vectors = values = random.integers(-128, 128, (24, 6))
    for layer in (first, second):
        sums = layer.graph.evaluate(np, list(values.T))
        values = np.stack([layer.rounding.evaluate(np, total) for total in sums], axis=1)
    chain = Chain([first, second])
    check_stream_unit(
        lambda: Chain([first, second]),
        [bits(chain.i.payload.shape(), row) for row in vectors.tolist()],
        [bits(chain.o.payload.shape(), row) for row in values.tolist()],
        latency=chain.latency,
        cycles=len(values) - 1,
    )


def table_layer(seed: int, inputs: int, outputs: int, source: ElementType) -> AdderLayerParameters:
    """Sums of random tables of two elements, and the first table by itself; kept to s5."""
    random = np.random.default_rng(seed)
    tables = tuple(
        LookupTable(
            tuple(random.choice(inputs, 2, replace=False).tolist()),
            3,
            tuple(random.integers(-9, 10, 64).tolist()),
        )
        for _ in range(4)
    )
    matrix = random.integers(0, 2, (outputs, 4))
    matrix[0] = (1, 0, 0, 0)
    ranges = tuple(table.range for table in tables)
    graph = adder_graph(tuple(map(tuple, matrix.tolist())), (0,) * outputs, ranges)
    rounding = ShiftRounding(0, 0, -16, 15)
    return AdderLayerParameters(
        graph, rounding, source, ElementType(5, True), 1 + seed % 2, tables, inputs
    )


@pytest.mark.parametrize("seed", range(4))
def test_layers_of_tables_give_a_vector_every_cycle_under_any_stalls(seed: int) -> None:
    first = table_layer(seed, 5, 4, S8 if seed % 2 else U3)
    second = table_layer(seed + 20, 4, 3, ElementType(5, True))
    random = np.random.default_rng(seed)
    vectors = values = random.integers(first.source.minimum, first.source.maximum + 1, (24, 5))
    for layer in (first, second):
        given = [table.evaluate(np, list(values.T)) for table in layer.tables]
        sums = layer.graph.evaluate(np, given)
        assert layer.rounding is not None
        values = np.stack([layer.rounding.evaluate(np, total) for total in sums], axis=1)
    chain = Chain([first, second])
    check_stream_unit(
        lambda: Chain([first, second]),
        [bits(chain.i.payload.shape(), row) for row in vectors.tolist()],
        [bits(chain.o.payload.shape(), row) for row in values.tolist()],
        latency=chain.latency,
        cycles=len(values) - 1,
    )
