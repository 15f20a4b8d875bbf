"""Adder graphs of constant matrices: equal to the product for every input, shared, and refused where they are not the matrix."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from hlsgen.algebra.adder_graph import AdderGraph, Addition, ShiftedNode, check, joined, passed_bits
from hlsgen.constant_products.digits import digit_count, signed_digits
from hlsgen.constant_products.solve import adder_graph, scaled_graph
from hlsgen.errors import IllegalGraph


def solved(matrix: np.ndarray, constants: np.ndarray, low: int, high: int) -> AdderGraph:
    rows = tuple(map(tuple, matrix.tolist()))
    return adder_graph(rows, tuple(constants.tolist()), ((low, high),) * matrix.shape[1])


def random_matrix(seed: int, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    matrix = random.integers(-31, 32, shape) * (random.random(shape) < 0.7)
    return matrix, random.integers(-99, 100, shape[0]) * (random.random(shape[0]) < 0.7)


def test_signed_digits_are_the_number_and_never_neighbours() -> None:
    numbers = np.arange(-300, 301)
    for number in numbers.tolist():
        digits = list(signed_digits(number))
        assert sum(sign << exponent for exponent, sign in digits) == number
        places = [exponent for exponent, _ in digits]
        assert all(after - before > 1 for before, after in itertools.pairwise(places))
    assert digit_count(numbers) == sum(len(list(signed_digits(n))) for n in numbers.tolist())


@pytest.mark.parametrize("low, high", [(-2, 1), (0, 3), (-1, 1)])
@pytest.mark.parametrize("seed", range(8))
def test_a_graph_is_the_matrix_product_for_every_input(seed: int, low: int, high: int) -> None:
    matrix, constants = random_matrix(seed, (6, 4))
    graph = solved(matrix, constants, low, high)
    vectors = np.array(list(itertools.product(range(low, high + 1), repeat=4)))
    results = np.stack(graph.evaluate(np, list(vectors.T)), axis=1)
    assert np.array_equal(results, vectors @ matrix.T + constants)
    for output, column in zip(graph.outputs, results.T, strict=True):
        if isinstance(output, ShiftedNode):  # ranges are exact: both ends occur
            ends = tuple(end << output.shift for end in graph.ranges[output.node])
            assert ends == (column.min(), column.max())


@pytest.mark.parametrize("seed", range(4))
def test_low_bits_pass_and_chains_hold_what_is_left(seed: int) -> None:
    matrix, constants = random_matrix(seed, (8, 3))
    graph = solved(matrix, constants, -4, 3)
    vectors = list(np.array(list(itertools.product(range(-4, 4), repeat=3))).T)
    nodes = AdderGraph(
        graph.inputs, graph.sums, tuple(ShiftedNode(k) for k in range(len(graph.ranges)))
    ).evaluate(np, vectors)
    for k, total in enumerate(graph.sums, len(graph.inputs)):
        passed = passed_bits(total)
        positive = [
            nodes[term.node] << term.shift
            for term in (total.first, total.second)
            if isinstance(term, ShiftedNode) and not term.negative
        ]
        positive += [total.second + 0 * nodes[0]] if isinstance(total.second, int) else []
        low = np.bitwise_or.reduce(np.stack(positive)) & ((1 << passed) - 1)
        assert np.array_equal(low, nodes[k] & ((1 << passed) - 1)), total
        if joined(total, graph.ranges):
            assert np.array_equal(np.bitwise_or.reduce(np.stack(positive)), nodes[k])


def test_what_outputs_share_is_made_once() -> None:
    matrix = np.array([[5, 3, 7, 0], [5, 3, 0, 7], [10, 6, 1, 1], [-5, -3, 0, 0]])
    graph = solved(matrix, np.zeros(4, np.int64), -8, 7)
    alone = sum(solved(row[None], np.zeros(1, np.int64), -8, 7).carry_bits for row in matrix)
    assert graph.carry_bits < 0.75 * alone


def test_terms_that_cancel_and_rows_without_weights_are_constants() -> None:
    graph = solved(np.array([[0, 0], [1, -1], [4, 0]]), np.array([7, 0, 0]), 0, 3)
    assert graph.outputs[0] == 7
    assert graph.outputs[2] == ShiftedNode(0, 2)
    assert len(graph.sums) == 1


@pytest.mark.parametrize("seed", range(4))
def test_factors_behind_the_sums_are_part_of_the_graph(seed: int) -> None:
    matrix, constants = random_matrix(seed, (5, 6))
    matrix[2] = 0
    factors = np.random.default_rng(seed).integers(1, 700, 5)
    graph = scaled_graph(
        tuple(map(tuple, matrix.tolist())),
        tuple(factors.tolist()),
        tuple(constants.tolist()),
        ((0, 15),) * 6,
    )
    check(graph, matrix * factors[:, None], constants)


@pytest.mark.parametrize(
    "changed",
    [
        lambda g: replace(g, sums=(Addition(ShiftedNode(0), ShiftedNode(1, 3)), *g.sums[1:])),
        lambda g: replace(
            g, sums=(Addition(ShiftedNode(0, 0, True), ShiftedNode(1, 0, True)), *g.sums[1:])
        ),
        lambda g: replace(
            g, sums=(Addition(ShiftedNode(0), ShiftedNode(len(g.ranges))), *g.sums[1:])
        ),
        lambda g: replace(g, outputs=(*g.outputs[1:], g.outputs[0])),
        lambda g: replace(g, outputs=(ShiftedNode(0, 0, True), *g.outputs[1:])),
        lambda g: replace(g, outputs=(3, *g.outputs[1:])),
    ],
)
def test_a_graph_that_is_another_matrix_is_refused(changed: object) -> None:
    matrix, constants = random_matrix(3, (4, 3))
    graph = solved(matrix, constants, 0, 7)
    check(graph, matrix, constants)
    assert callable(changed)
    with pytest.raises(IllegalGraph, match="expected"):
        check(changed(graph), matrix, constants)
