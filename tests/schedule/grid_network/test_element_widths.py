"""Networks of any element width, on both schedules: a format is a value of the algebra, and a tile's width is the fabric's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.example_nets import random_inputs
from support.network_fabric import network_fabric
from support.network_program import program

from hlsgen.algebra.scalar import RequantiseMultiplyShift
from hlsgen.algebra.types import ElementType
from hlsgen.cycle_model.program import run_program
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import UnsupportedOp
from hlsgen.fabric.packets import to_words
from hlsgen.schedule.grid_network.plan import plan_network
from hlsgen.schedule.grid_network.ports import output_bands, outputs_of

SHIFT = 20


def network(element: ElementType, weight: ElementType) -> Dataflow:
    """5x6x3 -> convolution 3x3 (4 channels) -> maxima 2x2 -> product over all (3), of one element type; weights of another."""
    random = np.random.default_rng(element.bits)
    build = DataflowBuilder("formats")

    def finish(channels: int, products: int) -> Epilogue:
        spread = (element.maximum - element.minimum) * weight.maximum * np.sqrt(products)
        multiplier = np.full(channels, max(1, round((4 << SHIFT) * element.maximum / spread)))
        op = RequantiseMultiplyShift(SHIFT, element.minimum, element.maximum)
        middle = (element.minimum + element.maximum + 1) // 2
        rounding = np.full(channels, (2 * middle + 1) << (SHIFT - 1))
        return Epilogue(element, op, (multiplier, rounding), np.arange(channels) - 2)

    def taps(*shape: int) -> np.ndarray:
        return random.integers(weight.minimum, weight.maximum + 1, shape)

    x = build.input("x", (5, 6, 3), element)
    window = PlanarWindow((3, 3), before=(1, 1))
    x = build.multiply_accumulate("conv", x, taps(1, 4, 3, 3, 3), window, (5, 6), finish(4, 27), 1)
    build.output(x)
    x = build.window_maximum(
        "pool", x, PlanarWindow((2, 2), stride=(2, 2)), (2, 3), Epilogue(element)
    )
    x = build.multiply_accumulate(
        "gemm", x, taps(1, 3, 2, 3, 4), PlanarWindow((2, 3)), (1, 1), finish(3, 24)
    )
    build.output(x)
    return build.build()


@pytest.mark.parametrize("text", ["s2", "u3", "s4", "u4", "s6", "u7", "s8", "u8"])
@pytest.mark.parametrize("weight", ["s3", "s8"])
def test_narrow_formats_are_exact_on_a_fabric_of_bytes(text: str, weight: str) -> None:
    computes(network(ElementType.parse(text), ElementType.parse(weight)), 8)


@pytest.mark.parametrize("text", ["s6", "u8", "s10", "u12", "s12"])
def test_formats_are_as_wide_as_the_tiles_of_the_fabric(text: str) -> None:
    computes(network(ElementType.parse(text), ElementType.parse("s9")), 16)


def computes(dataflow: Dataflow, bits: int) -> None:
    fabric = network_fabric(3, 3, bits=bits)
    plan = plan_network(fabric, dataflow)
    inputs = random_inputs(dataflow, 2, seed=4)
    parts = [{name: array[k] for name, array in inputs.items()} for k in range(2)]
    done = run_program(fabric, to_words(program(plan, parts)))
    assert done.collisions == 0
    results = outputs_of(fabric, output_bands(plan), np.asarray(done.unload), 2)
    meaning = interpret(dataflow, inputs)
    assert all(np.array_equal(results[name], meaning[name]) for name in dataflow.outputs)
    assert len(np.unique(meaning[dataflow.outputs[0]])) > 2


def test_a_format_wider_than_the_tiles_is_refused() -> None:
    wide = network(ElementType.parse("s9"), ElementType.parse("s8"))
    with pytest.raises(UnsupportedOp, match=r"expected values of 8 bits .* found s9"):
        plan_network(network_fabric(3, 3), wide)
    with pytest.raises(UnsupportedOp, match="expected weights of -128 to 127"):
        plan_network(network_fabric(3, 3), network(ElementType.parse("s8"), ElementType(9, True)))


def test_tiles_of_two_widths_are_refused() -> None:
    fabric = network_fabric(3, 3)
    mixed = replace(
        fabric,
        word_bits=16,
        tiles=tuple(replace(t, bits=16) if t.side == "north" else t for t in fabric.tiles),
    )
    with pytest.raises(
        UnsupportedOp, match=r"elements of 8 bits in west_0, .* elements of 16 bits in north_0"
    ):
        plan_network(mixed, network(ElementType.parse("s8"), ElementType.parse("s8")))
