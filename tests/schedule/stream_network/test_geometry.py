"""Addresses, guards and memory images against the enumerated reads of random windows."""

from __future__ import annotations

import numpy as np
import pytest
from support.process_order import check_geometry

from hlsgen.algebra.expression import Call, Expression, Operand
from hlsgen.algebra.scalar import Add
from hlsgen.algebra.types import S8, ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.ir import Dataflow
from hlsgen.schedule.stream_network.geometry import (
    guard_shape,
    liveness_depth,
    parameter_images,
    weight_image,
)
from hlsgen.schedule.stream_network.ir import ArrayPlan, BufferPlan

WIDE = Epilogue(ElementType(32, True), bias=np.arange(1, 3))


def random_convolution(rng: np.random.Generator) -> Dataflow:
    """A convolution with random kernel, stride, padding, dilation and groups."""
    kernel, stride, dilation = (tuple(rng.integers(1, 4, 2).tolist()) for _ in range(3))
    before = tuple(int(rng.integers(0, k * d)) for k, d in zip(kernel, dilation, strict=True))
    after = tuple(int(rng.integers(0, k * d)) for k, d in zip(kernel, dilation, strict=True))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = tuple(
        int(max(rng.integers(2, 9), r - b - a))
        for r, b, a in zip(reach, before, after, strict=True)
    )
    output = tuple(
        (n + b + a - r) // s + 1
        for n, b, a, r, s in zip(size, before, after, reach, stride, strict=True)
    )
    depthwise = bool(rng.integers(2))
    groups, per_group, inner = (
        (int(rng.integers(1, 7)), 1, 1) if depthwise else (1, *rng.integers(1, 7, 2).tolist())
    )
    build = DataflowBuilder("random")
    source = build.input("x", (*size, groups * inner), S8)
    weights = rng.integers(-8, 8, (groups, per_group, *kernel, inner))
    finish = Epilogue(WIDE.element, bias=np.arange(1, groups * per_group + 1))
    window = PlanarWindow(kernel, stride, dilation, before)
    build.output(build.multiply_accumulate("conv", source, weights, window, output, finish, 3))
    return build.build()


@pytest.mark.parametrize("seed", range(40))
def test_addresses_and_guards_match_the_enumerated_reads(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dataflow = random_convolution(rng)
    process = dataflow.processes[0]
    channel = dataflow.channels["x"]
    depthwise = process.extent("g") > 1
    unroll = Unroll(
        x=int(rng.integers(1, 4)),
        g=int(rng.integers(1, 5)) if depthwise else 1,
        o=1 if depthwise else int(rng.integers(1, 4)),
        ky=int(rng.integers(1, process.extent("ky") + 1)),
        kx=int(rng.integers(1, process.extent("kx") + 1)),
        i=1 if depthwise else int(rng.integers(1, process.extent("i") + 1)),
    )
    lanes = unroll.g * unroll.i
    write_lanes = lanes * 2 if rng.integers(2) else 1
    plan = ArrayPlan(process.name, unroll, 1, 1, "dsp", "dsp")
    buffer = BufferPlan("x", process.name, 0, lanes, 1)
    check_geometry(process, plan, buffer, channel, write_lanes)


@pytest.mark.parametrize("rows", [2, 3, 4])
def test_windows_that_all_begin_above_the_tensor_free_nothing_before_the_last_row(
    rows: int,
) -> None:
    build = DataflowBuilder("above")
    source = build.input("x", (rows, 6, 1), S8)
    weights = np.ones((1, 2, rows + 2, 3, 1), dtype=int)
    window = PlanarWindow((rows + 2, 3), before=(rows + 1, 0))
    build.output(build.multiply_accumulate("conv", source, weights, window, (rows, 4), WIDE))
    dataflow = build.build()
    process = dataflow.processes[0]
    plan = ArrayPlan(process.name, Unroll(), 1, 1, "dsp", "dsp")
    guard = guard_shape(process.reads[0], process, Unroll(), dataflow.channels["x"], 1)
    assert guard.settled_row == rows - 1
    check_geometry(process, plan, BufferPlan("x", process.name, 0, 1, 1), dataflow.channels["x"], 1)


@pytest.mark.parametrize("width", range(3, 9))
def test_windows_that_begin_past_the_end_of_a_row_free_all_of_it(width: int) -> None:
    build = DataflowBuilder("past")
    source = build.input("x", (3, width, 1), S8)
    weights = np.ones((1, 2, 1, 1, 1), dtype=int)
    shape = (3, width + 1)  # one pixel of padding at the right
    build.output(
        build.multiply_accumulate("conv", source, weights, PlanarWindow((1, 1)), shape, WIDE)
    )
    dataflow = build.build()
    process, channel = dataflow.processes[0], dataflow.channels["x"]
    guard = guard_shape(process.reads[0], process, Unroll(), channel, 1)
    assert [guard.low(1, x) - guard.low(1, 0) for x in (width - 1, width)] == [width - 1, width]
    plan = ArrayPlan(process.name, Unroll(), 1, 1, "dsp", "dsp")
    check_geometry(process, plan, BufferPlan("x", process.name, 0, 1, 1), channel, 1)


def test_a_line_buffer_of_a_3x3_window_holds_two_rows_and_three_pixels() -> None:
    build = DataflowBuilder("line")
    source = build.input("x", (8, 10, 4), S8)
    weights = np.ones((1, 2, 3, 3, 4), dtype=int)
    build.multiply_accumulate("conv", source, weights, PlanarWindow((3, 3)), (6, 8), WIDE)
    process = build.build().processes[0]
    guard = guard_shape(process.reads[0], process, Unroll(), build.channels["x"], 2)
    assert liveness_depth(guard) == (2 * 10 + 3) * 2


def test_weights_are_in_reading_order_with_zeros_in_ragged_lanes() -> None:
    rng = np.random.default_rng(1)
    dataflow = random_convolution(rng)
    process = dataflow.processes[0]
    store = dataflow.stores[process.reads[1].source]
    image = weight_image(process.reads[1], store, process, Unroll(o=2, g=1, ky=2, kx=1, i=2))
    assert image.sum() == store.values.sum()
    unit = weight_image(process.reads[1], store, process, Unroll())
    assert (unit.ravel() == store.values.ravel()).all()


def test_parameters_are_words_of_neighbouring_channels() -> None:
    rng = np.random.default_rng(3)
    dataflow = random_convolution(rng)
    process = dataflow.processes[0]
    plan = ArrayPlan(process.name, Unroll(x=2), 4, 1, "dsp", "dsp")
    repeat, images = parameter_images(dataflow, process, plan)
    if not images:
        pytest.skip("one output channel has a literal bias")
    assert repeat == 2
    for name, image in images.items():
        values = dataflow.stores[process.reads[int(name[1:])].source].values
        assert image.shape[1] == 4
        assert (image.ravel()[: len(values)] == values).all()
        assert not image.ravel()[len(values) :].any()


@pytest.mark.parametrize("by_channel", [False, True])
def test_parameters_by_place_are_one_for_each_pixel_or_all_of_a_sample(by_channel: bool) -> None:
    build = DataflowBuilder("places")
    source = build.input("x", (2, 3, 5), S8)
    places = np.arange(6).reshape(2, 3, 1)
    constants = [places, np.arange(5)] if by_channel else [places]
    total: Expression = Operand("r0")
    for k in range(len(constants)):
        total = Call(Add(), (total, Operand(f"r{k + 1}")))
    build.output(build.pointwise("p", [source], constants, total, ElementType(10, True)))
    dataflow = build.build()
    (process,) = dataflow.processes
    repeat, images = parameter_images(
        dataflow, process, ArrayPlan("p", Unroll(g=2), 2, 1, "lut", "lut")
    )
    if by_channel:
        assert repeat == 1
        assert images["r1"][:, 0].tolist() == np.repeat(np.arange(6), 3).tolist()
        assert np.array_equal(images["r2"].ravel()[:6], [0, 1, 2, 3, 4, 0])
    else:
        assert repeat == 3
        assert np.array_equal(images["r1"], np.repeat(np.arange(6), 2).reshape(6, 2))
