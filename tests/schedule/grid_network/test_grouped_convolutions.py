"""Grouped convolutions of every number of groups, outputs and inputs per group on the grid, in the cycle model."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.example_nets import random_inputs, requantise
from support.network_fabric import network_fabric
from support.network_program import program

from hlsgen.algebra.types import S8
from hlsgen.cycle_model.program import run_program
from hlsgen.dataflow.builder import DataflowBuilder, PlanarWindow
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.fabric.packets import to_words
from hlsgen.schedule.grid_network.plan import plan_network
from hlsgen.schedule.grid_network.ports import output_bands, outputs_of

SPACE = list(product(range(1, 5), repeat=3))


def grouped(groups: int, outputs: int, inner: int) -> Dataflow:
    """A convolution with different pads on all sides, and a second one of as many groups behind it."""
    random = np.random.default_rng(groups * 100 + outputs * 10 + inner)
    build = DataflowBuilder("grouped")
    source = build.input("x", (3, 4, groups * inner), S8)
    window = PlanarWindow((2, 2), (1, 2), before=(1, 0))
    taps = random.integers(-8, 9, (groups, outputs, 2, 2, inner))
    finish = requantise(random, groups * outputs, 4 * inner, False)
    first = build.multiply_accumulate("first", source, taps, window, (4, 2), finish, 3)
    taps = random.integers(-8, 9, (groups, 2, 1, 1, outputs))
    finish = requantise(random, groups * 2, outputs, False)
    build.output(
        build.multiply_accumulate("second", first, taps, PlanarWindow((1, 1)), (4, 2), finish)
    )
    return build.build()


def check_on_grid(rows: int, columns: int, groups: int, outputs: int, inner: int) -> None:
    dataflow, fabric = grouped(groups, outputs, inner), network_fabric(rows, columns)
    inputs = random_inputs(dataflow, 1, groups + outputs + inner)
    plan = plan_network(fabric, dataflow)
    done = run_program(fabric, to_words(program(plan, [{"x": inputs["x"][0]}])))
    assert done.collisions == 0
    result = outputs_of(fabric, output_bands(plan), np.asarray(done.unload), 1)
    name = dataflow.outputs[0]
    assert np.array_equal(result[name], interpret(dataflow, inputs)[name])


@pytest.mark.parametrize(("groups", "outputs", "inner"), SPACE[5::7])
def test_a_grouped_convolution_on_a_small_grid(groups: int, outputs: int, inner: int) -> None:
    check_on_grid(2, 3, groups, outputs, inner)


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (3, 4), (4, 2)])
def test_every_grouped_convolution_on_every_small_grid(rows: int, columns: int) -> None:
    for shape in SPACE:
        check_on_grid(rows, columns, *shape)
