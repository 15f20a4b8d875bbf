"""Networks on fabrics compute what their dataflows mean, in the cycles that were predicted, as programs of the load port."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support.example_nets import (
    convolution_net,
    depthwise_net,
    random_inputs,
    requantise,
    vector_net,
    weights,
)
from support.lowered_examples import graph_of
from support.network_fabric import network_fabric
from support.network_program import program

from hlsgen.algebra.scalar import QuantisedAdd as ScalarAdd
from hlsgen.algebra.scalar import RequantiseFloat32, Table
from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.cycle_model.program import run_program
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import DoesNotFit, UnsupportedOp
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.ir import Fabric, PeKind
from hlsgen.fabric.packets import to_words
from hlsgen.lowering.lower import lower
from hlsgen.lowering.node import copy
from hlsgen.ops.activation import Clamp, Lookup
from hlsgen.ops.add import QuantisedAdd
from hlsgen.ops.op import TensorOp
from hlsgen.ops.pool import MaxPool
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.transpose import Transpose
from hlsgen.requantise.add import RoundedAdd
from hlsgen.schedule.grid_network.plan import NetworkPlan, plan_network
from hlsgen.schedule.grid_network.ports import output_bands, outputs_of
from hlsgen.schedule.grid_network.program import sample_packets

FABRICS = (
    network_fabric(4, 4),
    network_fabric(4, 4, streams=True),
    network_fabric(2, 3, generators=1),
    network_fabric(3, 2, north=400, parameters=8),
    network_fabric(1, 1),
)


def assert_computes(dataflow: Dataflow, fabric: Fabric, samples: int = 1) -> NetworkPlan:
    """Runs the program in the cycle model; every output and the cycles of every run are as they should be."""
    plan = plan_network(fabric, dataflow)
    inputs = random_inputs(dataflow, samples, seed=4)
    parts = [{name: array[k] for name, array in inputs.items()} for k in range(samples)]
    done = run_program(fabric, to_words(program(plan, parts)))
    assert done.collisions == 0
    assert tuple(done.run_cycles) == tuple(phase.cycles for phase in plan.phases) * samples
    results = outputs_of(fabric, output_bands(plan), np.asarray(done.unload), samples)
    want = interpret(dataflow, inputs)
    for name in dataflow.outputs:
        assert np.array_equal(results[name], want[name]), name
    return plan


def all_channels(dataflow: Dataflow) -> Dataflow:
    """The same network with every channel that a process writes as an output."""
    written = tuple(process.write.channel for process in dataflow.processes)
    return replace(dataflow, outputs=written)


def mixed_net(seed: int = 0) -> Dataflow:
    """5x6x3 with padding, strides, dilation, groups, a channel multiplier and a window that reaches over several bands."""
    random = np.random.default_rng(seed)
    build = DataflowBuilder("mixed")
    channel = build.input("x", (5, 6, 3), S8)
    layers = (
        ((1, 5, 3, 3, 3), PlanarWindow((3, 3), before=(1, 1)), (5, 6), -7),
        ((5, 1, 3, 3, 1), PlanarWindow((3, 3), (2, 2), before=(1, 1)), (3, 3), 9),
        ((5, 2, 2, 2, 1), PlanarWindow((2, 2)), (2, 2), None),
        ((2, 7, 1, 1, 5), PlanarWindow((1, 1)), (2, 2), None),
        ((1, 3, 5, 5, 14), PlanarWindow((5, 5), before=(2, 2)), (2, 2), 1),
        ((3, 1, 2, 2, 1), PlanarWindow((2, 2), dilation=(1, 2), before=(0, 1)), (1, 2), -1),
    )
    for number, (shape, window, size, outside) in enumerate(layers):
        groups, outputs, ky, kx, inner = shape
        finish = requantise(random, groups * outputs, ky * kx * inner, exact=number % 2 == 0)
        channel = build.multiply_accumulate(
            f"layer{number}", channel, weights(random, *shape), window, size, finish, outside
        )
    build.output(channel)
    return build.build()


def residual_net(seed: int = 0) -> Dataflow:
    """a = conv(x); b = conv(a); a + b; then a rounded sum with x, and a maximum of overlapping windows."""
    random = np.random.default_rng(seed)
    build = DataflowBuilder("residual")
    x = build.input("x", (6, 4, 4), S8)
    window = PlanarWindow((3, 3), before=(1, 1))
    chain = [x]
    for name in "ab":
        finish = requantise(random, 4, 36)
        taps = weights(random, 1, 4, 3, 3, 4)
        chain.append(build.multiply_accumulate(name, chain[-1], taps, window, (6, 4), finish, 0))
    add = ScalarAdd(75_000, 61_000, 1 << 16, 17, -128, 127)
    joined = build.elementwise("add", chain[1:], add, S8)
    rounded = RoundedAdd(2, 3, 5, RequantiseFloat32(3, 1, -128, 127))
    total = build.rounded_add("rounded", (joined, x), rounded, S8)
    build.output(build.window_maximum("pool", total, window, (6, 4), Epilogue(S8)))
    return build.build()


NETS = (convolution_net, depthwise_net, vector_net, mixed_net, residual_net)


@pytest.mark.parametrize("fabric", FABRICS, ids=lambda fabric: fabric.name)
@pytest.mark.parametrize("net", NETS)
def test_every_channel_has_its_meaning(net: Callable[[], Dataflow], fabric: Fabric) -> None:
    needs_two = net is residual_net and fabric.tile("west_0").read_generators < 2
    if needs_two:
        with pytest.raises(UnsupportedOp, match="2 read generators"):
            plan_network(fabric, net())
        return
    assert_computes(all_channels(net()), fabric)


@pytest.mark.parametrize("net", NETS)
def test_samples_follow_one_another_in_the_same_memory(net: Callable[[], Dataflow]) -> None:
    assert_computes(net(), network_fabric(3, 2, west=1024, north=400, parameters=16), samples=2)


def table_net() -> Dataflow:
    """Two functions of each byte, signed and unsigned, on more rows than the fabrics have."""
    random = np.random.default_rng(2)
    build = DataflowBuilder("tables")
    channel = build.input("x", (7, 3, 5), S8)
    for name, element in (("table", U8), ("again", S8), ("last", S8)):
        values = random.integers(element.minimum, element.maximum + 1, 256)
        table = Table(tuple(map(int, values)))
        channel = build.elementwise(name, (channel,), table, element)
    build.output(channel)
    return build.build()


def test_every_byte_is_looked_up_in_its_table() -> None:
    dataflow = table_net()
    fabric = network_fabric(4, 2)
    plan = assert_computes(all_channels(dataflow), fabric, samples=2)
    assert plan.west_used >= 3 * 256
    assert [phase.cycles for phase in plan.phases] == [2 * 30 + 1 + fabric.read_ahead] * 3
    with pytest.raises(DoesNotFit, match=r"found 8\d\d \(1\d\d too many; the largest"):
        plan_network(network_fabric(4, 2, west=700), dataflow)


def test_a_change_of_order_counts_rows_with_any_loop() -> None:
    build = DataflowBuilder("order")
    x = build.input("x", (1, 6, 5), S8)
    order = np.arange(30).reshape(6, 5).transpose(1, 0)
    build.output(copy(build, x, (5, 6, 1), order.reshape(-1), "order"))
    dataflow = build.build()
    assert dataflow.processes[0].write.index[0].terms != (("y", 1),)
    assert_computes(dataflow, network_fabric(3, 2))


OPERATORS: tuple[type[TensorOp], ...] = (Clamp, Lookup, MaxPool, QuantisedAdd, Reshape, Transpose)


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_without_weights_have_their_meaning(operator: type[TensorOp]) -> None:
    for example in operator.examples():
        dataflow = lower(graph_of(example)).dataflow
        if dataflow.processes:
            assert_computes(dataflow, network_fabric(3, 2))


def test_what_does_not_fit_at_once_is_loaded_for_every_sample() -> None:
    plan = assert_computes(convolution_net(), network_fabric(2, 3, north=160, parameters=8), 2)
    assert not all(plan.weights.resident)
    assert not all(plan.parameters.resident)
    assert any(plan.weights.resident)
    assert len(plan.phases) > len(plan.dataflow.processes)
    plan = assert_computes(convolution_net(), network_fabric(2, 3))
    assert all(plan.weights.resident)
    assert all(plan.parameters.resident)


def matrix_product(rows: int, width: int, inner: int, outputs: int) -> Dataflow:
    """(rows * width, inner) times (inner, outputs)."""
    random = np.random.default_rng(0)
    build = DataflowBuilder("product")
    x = build.input("x", (rows, width, inner), S8)
    taps = weights(random, 1, outputs, 1, 1, inner)
    finish = requantise(random, outputs, inner)
    window, size = PlanarWindow((1, 1)), (rows, width)
    build.output(build.multiply_accumulate("gemm", x, taps, window, size, finish))
    return build.build()


def mac_use(plan: NetworkPlan) -> float:
    elements = plan.fabric.rows * plan.fabric.columns
    return sum(p.macs for p in plan.phases) / (elements * sum(p.cycles for p in plan.phases))


def test_a_matrix_product_of_eight_tiles_uses_nearly_every_cycle() -> None:
    dataflow = matrix_product(4, 2, 128, 16)  # two rows of pixels by four groups of columns
    plan = assert_computes(dataflow, network_fabric(4, 4))
    assert mac_use(plan) >= 0.95


def test_tiles_that_end_within_a_word_hold_whole_words_only() -> None:
    # four groups of 33 weights would take 132 elements
    plan = assert_computes(matrix_product(2, 2, 33, 12), network_fabric(2, 3, north=130))
    assert not all(plan.weights.resident)


def test_signed_and_unsigned_activations_keep_their_values() -> None:
    random = np.random.default_rng(1)
    build = DataflowBuilder("unsigned")
    x = build.input("x", (3, 3, 2), U8)
    finish = requantise(random, 3, 36, exact=True)
    window = PlanarWindow((3, 3), before=(1, 1))
    taps = weights(random, 1, 3, 3, 3, 2)
    build.output(build.multiply_accumulate("conv", x, taps, window, (3, 3), finish, 200))
    assert_computes(build.build(), network_fabric(2, 2))
    narrow = replace(network_fabric(2, 2), word_bits=8)
    with pytest.raises(UnsupportedOp, match="fewer than 8 bits, or signed ones"):
        plan_network(narrow, build.build())


def test_sums_wider_than_elements_are_refused() -> None:
    build = DataflowBuilder("wide")
    x = build.input("x", (2, 2, 2), S8)
    build.output(
        build.window_sum("sum", x, PlanarWindow((2, 2)), (1, 1), Epilogue(ElementType(11, True)))
    )
    with pytest.raises(UnsupportedOp, match=r"expected values of 8 bits .*found s11") as error:
        plan_network(network_fabric(), build.build())
    assert "--schedule stream" in str(error.value)


def test_a_fabric_without_what_networks_need_is_refused_by_name() -> None:
    good = network_fabric()
    tiles = tuple(replace(t, parameters=0) if t.name == "west_1" else t for t in good.tiles[:-1])
    with pytest.raises(UnsupportedOp) as error:
        plan_network(replace(good, tiles=tiles, drain=False), vector_net())
    text = str(error.value)
    assert "no north tile in column 3" in text
    assert "no requantiser in west_1" in text
    assert "no drain chain" in text


def test_a_missing_operator_is_named_with_its_cell() -> None:
    fabric = network_fabric(operators=("multiply_accumulate",))
    with pytest.raises(UnsupportedOp, match=r"maximum_accumulate .* mac at \(0, 0\)"):
        plan_network(fabric, residual_net())
    adder = PeKind("adder", (("add", 3),))
    kinds = (("mac", "adder", "mac", "adder"), *fabric.kinds[1:])
    mixed = replace(fabric, pe_kinds=(*fabric.pe_kinds, adder), kinds=kinds)
    expected = r"multiply_accumulate in 16 .* none in 2: adder at \(0, 1\), adder at \(0, 3\)\nAdd"
    with pytest.raises(UnsupportedOp, match=expected):
        plan_network(mixed, vector_net())


@pytest.mark.parametrize(
    ("name", "lack"),
    (
        ("cgra_4x4", "no requantiser in west_0, west_1, west_2, west_3; no drain chain"),
        ("cgra_8x8", "elements of 32 bits in north_0, north_1, north_2, north_3, ..."),
        ("icebreaker_2x2", "no north tile in column 0, 1; no requantiser in west_0"),
    ),
)
def test_fabrics_for_kernels_are_refused_with_all_that_they_lack(name: str, lack: str) -> None:
    with pytest.raises(UnsupportedOp, match=re.escape(lack)) as error:
        plan_network(load_fabric(name), vector_net())
    assert error.value.remedy == "Use a fabric made for networks, for example mac_8x8."


def test_fabrics_on_which_the_templates_cannot_keep_time_are_refused() -> None:
    good = network_fabric()
    slow = PeKind("slow", (("multiply_accumulate", 4), ("maximum_accumulate", 4)))
    kinds = (("mac", "slow", "mac", "mac"), *good.kinds[1:])
    for fabric, lack in (
        (replace(good, pe_kinds=(*good.pe_kinds, slow), kinds=kinds), "latencies (3, 4)"),
        (replace(good, loops=4), "nests of 4 loops"),
        (replace(good, word_bits=7), "words of 7 bits"),
        (replace(good, hops=(2,)), "no links to neighbours"),
    ):
        with pytest.raises(UnsupportedOp, match=re.escape(lack)):
            plan_network(fabric, vector_net())


def test_contexts_and_counters_that_are_too_small_are_refused_with_their_process() -> None:
    single = replace(network_fabric(), contexts=1)
    with pytest.raises(UnsupportedOp, match=r"process add\nexpected 2 contexts .* found 1"):
        plan_network(single, residual_net())
    with pytest.raises(UnsupportedOp, match=r"process table\nexpected 2 contexts .* found 1"):
        plan_network(single, table_net())
    plan = plan_network(replace(network_fabric(1, 1), trip_bits=2), convolution_net())
    with pytest.raises(
        DoesNotFit, match=r"process conv1 on mac_1x1, .*\nexpected 0 to 3 "
    ) as error:
        sample_packets(plan)
    assert "--schedule stream" in error.value.remedy


def test_too_little_memory_is_refused_with_the_shortfall() -> None:
    with pytest.raises(DoesNotFit, match=r"found 224 \(94 too many") as error:
        plan_network(network_fabric(2, 3, west=130), residual_net())
    assert "activations" in str(error.value)
    with pytest.raises(DoesNotFit, match="weights in a tile"):
        plan_network(network_fabric(2, 3, north=32), convolution_net())
    with pytest.raises(UnsupportedOp, match="16 bits"):
        plan_network(replace(network_fabric(), accumulator_bits=16), convolution_net())
