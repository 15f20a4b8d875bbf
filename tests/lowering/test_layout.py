"""Reshapes and transposes cost nothing where weights or ports absorb them, and are copied exactly elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.lowered_examples import assert_same_meaning, random_tensors

from hlsgen.algebra.types import S8
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import UnsupportedOp
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph
from hlsgen.lowering.layout import canonical_position, stream_axes
from hlsgen.lowering.lower import lower
from hlsgen.ops import (
    Concat,
    Conv,
    Gemm,
    MaxPool,
    QuantisedAdd,
    Requantise,
    Reshape,
    Take,
    Transpose,
)
from hlsgen.ops.activation import Clamp
from hlsgen.ops.tensor_type import TensorType


def integers(build: GraphBuilder, name: str, *shape: int) -> str:
    return build.integers(name, np.random.default_rng(1).integers(-127, 128, shape))


def pool(build: GraphBuilder, x: str) -> str:
    op = MaxPool((2, 2), (1, 1), (0, 0, 0, 0), (1, 1))
    return build.node(op, [x])


def gemm_behind_transpose() -> Graph:
    build = GraphBuilder("gemm_behind_transpose")
    x = pool(build, build.input("x", TensorType((1, 3, 4, 5), S8)))
    x = build.node(Reshape((1, 36)), [build.node(Transpose((0, 2, 3, 1)), [x])])
    return build.finish([build.node(Gemm(transpose_b=True), [x, integers(build, "w", 6, 36)])])


def pool_behind_transpose() -> Graph:
    build = GraphBuilder("pool_behind_transpose")
    x = pool(build, build.input("x", TensorType((1, 3, 4, 5), S8)))
    return build.finish([pool(build, build.node(Transpose((0, 2, 3, 1)), [x]))])


def pool_behind_reshape() -> Graph:
    build = GraphBuilder("pool_behind_reshape")
    x = pool(build, build.input("x", TensorType((1, 1, 5, 7), S8)))
    return build.finish([pool(build, build.node(Reshape((1, 2, 2, 6)), [x]))])


def channels_last_input() -> Graph:
    build = GraphBuilder("channels_last_input")
    x = build.input("x", TensorType((1, 4, 5, 3), S8))
    return build.finish([pool(build, build.node(Transpose((0, 3, 1, 2)), [x]))])


def channels_last_output() -> Graph:
    build = GraphBuilder("channels_last_output")
    x = pool(build, build.input("x", TensorType((1, 3, 4, 5), S8)))
    return build.finish([build.node(Transpose((0, 2, 3, 1)), [x])])


def test_the_axes_of_a_stream_are_told_up_to_rank_six() -> None:
    axes = (2, 0, 1, 5, 3, 4)
    stream = np.arange(2 * 3 * 2 * 1 * 2 * 3).reshape(2, 3, 2, 1, 2, 3)
    position = stream.transpose(np.argsort(axes))
    told = stream_axes(position)
    assert told is not None
    assert np.array_equal(position.transpose(told).reshape(-1), np.arange(position.size))
    assert stream_axes(position[None]) is None
    assert stream_axes(np.array([[0, 1], [3, 2]])) is None


def copies(dataflow: Dataflow) -> int:
    return sum("copy" in process.name for process in dataflow.processes)


@pytest.mark.parametrize(
    ("graph", "count"),
    [
        (gemm_behind_transpose(), 0),
        (channels_last_input(), 0),
        (channels_last_output(), 0),
        (pool_behind_transpose(), 1),
        (pool_behind_reshape(), 1),
    ],
    ids=lambda value: value.name if isinstance(value, Graph) else None,
)
def test_order_changes_keep_the_meaning_and_are_copied_only_where_needed(
    graph: Graph, count: int
) -> None:
    assert_same_meaning(graph, random_tensors(graph, 2))
    assert copies(lower(graph).dataflow) == count


def test_an_input_that_is_an_output_is_copied_to_a_channel_of_its_own() -> None:
    build = GraphBuilder("moves_only")
    x = build.input("x", TensorType((1, 3, 4, 5), S8))
    graph = build.finish([build.node(Transpose((0, 2, 3, 1)), [x])])
    assert_same_meaning(graph, random_tensors(graph, 2))
    assert copies(lower(graph).dataflow) == 1


def test_operands_whose_channels_have_their_rows_along_other_axes_are_joined_in_one_order() -> None:
    build = GraphBuilder("joined")
    x = build.node(Clamp(-90, 90), [build.input("x", TensorType((1, 1, 6, 1), S8))])
    y = build.node(Clamp(-80, 80), [build.input("y", TensorType((1, 4, 6), S8))])
    rows = build.node(Reshape((1, 1, 4, 6)), [y])
    columns = build.node(Transpose((0, 1, 3, 2)), [rows])
    graph = build.finish([build.node(Concat(3), [x, columns])])
    assert_same_meaning(graph, random_tensors(graph, 3))


def test_an_order_of_several_nests_is_a_chain_or_several_pieces() -> None:
    build = GraphBuilder("tangled")
    x = pool(build, build.input("x", TensorType((1, 5, 4, 4), S8)))
    x = build.node(Reshape((1, 3, 15)), [x])
    x = build.node(Reshape((1, 5, 3, 3)), [build.node(Transpose((0, 2, 1)), [x])])
    graph = build.finish([pool(build, x)])
    assert_same_meaning(graph, random_tensors(graph, 2))


def test_an_order_without_any_pattern_is_refused() -> None:
    build = GraphBuilder("shuffled")
    x = pool(build, build.input("x", TensorType((1, 64, 4, 4), S8)))
    places = tuple(int(place) for place in np.random.default_rng(1).permutation(64))
    graph = build.finish([pool(build, build.node(Take(places, (64,), 1), [x]))])
    with pytest.raises(UnsupportedOp, match="order"):
        lower(graph)


def test_stream_axes_of_a_canonical_image() -> None:
    assert stream_axes(canonical_position((1, 3, 4, 5))) == (0, 2, 3, 1)
    assert stream_axes(np.array([[1, 0], [2, 3]])) is None


def test_dead_channels_with_huge_biases_do_not_widen_the_layer() -> None:
    build = GraphBuilder("dead")
    x = build.input("x", TensorType((1, 2, 3, 3), S8))
    weights = np.random.default_rng(2).integers(-127, 128, (3, 2, 1, 1))
    weights[1] = 0
    bias = build.integers("b", np.array([5, 1 << 30, -7]))
    op = Conv((1, 1), (1, 1), (0, 0, 0, 0), (1, 1))
    sums = build.node(op, [x, build.integers("w", weights), bias])
    requantise = Requantise((0.002, 4.6e-9, 0.003), -3, -128, 127, S8)
    graph = build.finish([build.node(requantise, [sums])])
    assert_same_meaning(graph, random_tensors(graph, 4))
    dataflow = lower(graph).dataflow
    assert max(s.element.bits for s in dataflow.stores.values() if "bias" in s.name) <= 16


def test_requantise_is_fused_only_where_nobody_else_reads_the_sums() -> None:
    def graph(shared: bool) -> Graph:
        build = GraphBuilder("shared")
        x = build.input("x", TensorType((1, 4), S8))
        sums = build.node(Gemm(transpose_b=True), [x, integers(build, "w", 3, 4)])
        y = build.node(Requantise((0.01,), 0, -128, 127, S8), [sums])
        return build.finish([y, sums] if shared else [y])

    assert len(lower(graph(False)).dataflow.processes) == 1
    assert len(lower(graph(True)).dataflow.processes) == 2
    assert_same_meaning(graph(True), random_tensors(graph(True), 3))


def test_addition_of_equal_scales_rounds_ties_to_even() -> None:
    (example, *_) = QuantisedAdd.examples()
    op = replace(example.op, scale_a=0.25, scale_b=0.25, scale=0.5, zero_a=1, zero_b=-2)
    build = GraphBuilder("ties")
    names = [build.input(f"x{k}", type) for k, type in enumerate(example.inputs)]
    graph = build.finish([build.node(op, names)])
    assert_same_meaning(graph, random_tensors(graph, 8))


def test_names_are_deterministic_and_ports_say_their_axes() -> None:
    graph = channels_last_input()
    first, second = lower(graph), lower(graph)
    assert list(first.dataflow.channels) == list(second.dataflow.channels)
    (port,) = first.inputs
    assert (port.axes, port.stream_shape, port.tensor_shape) == (
        (0, 1, 2, 3),
        (4, 5, 3),
        (1, 4, 5, 3),
    )
