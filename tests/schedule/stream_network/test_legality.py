"""The rules of unrolling against the enumerated order in which the circuit reads and writes, over the whole space of small processes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
import pytest
from support.process_order import reads_in_order, writes_in_order

from hlsgen.algebra.expression import Call, Operand
from hlsgen.algebra.scalar import Add
from hlsgen.algebra.types import S8, ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.board import load_board
from hlsgen.cost.factors import Factors
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import UnsupportedOp
from hlsgen.lowering.node import copy
from hlsgen.schedule.stream_network.candidates import Space, candidates, legal_factors
from hlsgen.schedule.stream_network.ir import ArrayPlan
from hlsgen.schedule.stream_network.legality import UNROLLED, broken_rule, words_meet

FAMILY = load_board("ulx3s_85f").family
OPEN = Space(4, (1, 3), 10**9, 1e12, 10**9)


def grouped(groups: int, outputs: int, inner: int, width: int = 3, kernel: int = 1) -> Dataflow:
    """A grouped convolution of one row."""
    build = DataflowBuilder("grouped")
    source = build.input("x", (1, width, groups * inner), S8)
    weights = np.arange(groups * outputs * kernel * inner) % 7 - 3
    taps = weights.reshape(groups, outputs, 1, kernel, inner)
    window = PlanarWindow((1, kernel), before=(0, kernel - 1))
    finish = Epilogue(ElementType(24, True))
    outside = 0 if kernel > 1 else None
    build.output(build.multiply_accumulate("p", source, taps, window, (1, width), finish, outside))
    return build.build()


def unrolls(dataflow: Dataflow, **fixed: int) -> Iterator[Unroll]:
    """Every choice of factors within the loops, those of ``fixed`` as given."""
    process = dataflow.processes[0]
    ranges = [
        [fixed[name]] if name in fixed else range(1, process.extent(name) + 1) for name in UNROLLED
    ]
    for factors in product(*ranges):
        yield Unroll(*factors)


def array_plan(unroll: Unroll, lanes: int) -> ArrayPlan:
    return ArrayPlan("p", unroll, lanes, 1, "dsp", "dsp")


def is_legal(dataflow: Dataflow, unroll: Unroll, lanes: int = 1) -> bool:
    u = unroll
    factors = Factors(u.x, u.g, u.o, u.ky, u.kx, u.i, lanes, 1)
    return broken_rule(dataflow, dataflow.processes[0], factors) is None


@pytest.mark.parametrize(("groups", "outputs"), list(product(range(1, 6), repeat=2)))
def test_finished_words_are_legal_exactly_where_they_leave_in_the_channels_order(
    groups: int, outputs: int
) -> None:
    dataflow = grouped(groups, outputs, 1)
    legal = 0
    for unroll in unrolls(dataflow):
        for lanes in range(1, unroll.g * unroll.o + 1):
            in_order = writes_in_order(dataflow, dataflow.processes[0], array_plan(unroll, lanes))
            expected = in_order and (unroll.g * unroll.o) % lanes == 0
            assert is_legal(dataflow, unroll, lanes) == expected, (unroll, lanes)
            legal += expected
    assert legal >= 3 * outputs


@pytest.mark.parametrize(("groups", "inner"), list(product(range(1, 5), range(1, 7))))
def test_factors_are_legal_exactly_where_every_lane_reads_its_element(
    groups: int, inner: int
) -> None:
    dataflow = grouped(groups, 2, inner, width=4, kernel=2)
    process = dataflow.processes[0]
    for unroll in unrolls(dataflow, o=2):
        in_order = reads_in_order(dataflow, process, array_plan(unroll, 1), max(unroll.g, unroll.i))
        assert is_legal(dataflow, unroll) == in_order, unroll


@pytest.mark.parametrize("inner", range(1, 9))
def test_words_meet_exactly_where_every_lane_reads_its_element(inner: int) -> None:
    dataflow = grouped(1, 1, inner)
    process = dataflow.processes[0]
    for unroll in unrolls(dataflow, x=1):
        for written in range(1, 2 * inner + 1):
            if (written % unroll.i == 0 or unroll.i % written == 0) and is_legal(dataflow, unroll):
                in_order = reads_in_order(dataflow, process, array_plan(unroll, 1), written)
                assert in_order
            split = written // unroll.i
            expected = unroll.i % written == 0 or (
                written % unroll.i == 0 and split.bit_count() == 1
            )
            assert bool(words_meet(written, unroll.i)) == expected


def test_the_solver_proposes_every_legal_choice_of_useful_factors_and_no_other() -> None:
    for groups, outputs, inner in product(range(1, 5), range(1, 5), range(1, 4)):
        dataflow = grouped(groups, outputs, inner)
        process = dataflow.processes[0]
        every = np.array([[getattr(u, n) for n in UNROLLED] for u in unrolls(dataflow)], np.int64)
        legal = {tuple(map(int, row)) for row in legal_factors(dataflow, process, every)}
        assert legal == {
            tuple(getattr(u, n) for n in UNROLLED)
            for u in unrolls(dataflow)
            if is_legal(dataflow, u)
        }
        proposed = candidates(dataflow, process, FAMILY, OPEN)
        for row in range(len(proposed)):
            plan = proposed.plan("p", row)
            assert is_legal(dataflow, plan.unroll, plan.finish_lanes), plan
        one_step = 3 if inner == 1 or groups == 1 else 3 * groups
        assert proposed.cycles.min() == one_step, "all outputs of a pixel, or of a group, at once"


SIZES = [(2, 3, 2, 3), (3, 2, 3, 2), (1, 3, 2, 4), (2, 2, 2, 2), (1, 1, 4, 3), (3, 1, 2, 3)]


def copies(size: tuple[int, int, int, int]) -> Iterator[Dataflow]:
    """Every order of the axes (height, width and two that make up the channels), written as three shapes."""
    height, width, outer, inner = size
    shape = height, width, outer * inner
    axes = np.arange(np.prod(shape)).reshape(size)
    for permutation in permutations(range(4)):
        order = axes.transpose(permutation).reshape(-1)
        for target in (shape, (1, 1, order.size), (height * width, outer, inner)):
            build = DataflowBuilder("copy")
            source = build.input("x", shape, S8)
            try:
                build.output(copy(build, source, target, order, "p"))
            except UnsupportedOp:
                continue  # more than four loops
            yield build.build()


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_is_only_unrolled_where_its_elements_keep_their_order(
    size: tuple[int, int, int, int],
) -> None:
    unrolled = 0
    for dataflow in copies(size):
        process = dataflow.processes[0]
        for unroll in unrolls(dataflow):
            for lanes in range(1, unroll.g * unroll.o + 1):
                plan = array_plan(unroll, lanes)
                if is_legal(dataflow, unroll, lanes):
                    assert writes_in_order(dataflow, process, plan), plan
                    assert reads_in_order(dataflow, process, plan, unroll.g), plan
                    unrolled += unroll.g > 1
    assert unrolled > 10


def test_pixels_with_constants_of_their_own_follow_one_another() -> None:
    for places in (np.arange(6).reshape(2, 3, 1), np.arange(4)):
        build = DataflowBuilder("places")
        source = build.input("x", (2, 3, 4), S8)
        total = Call(Add(), (Operand("r0"), Operand("r1")))
        build.output(build.pointwise("p", [source], [places], total, ElementType(10, True)))
        dataflow = build.build()
        assert is_legal(dataflow, Unroll(g=2), 2)
        assert is_legal(dataflow, Unroll(x=3, g=2), 2) == (places.ndim == 1)
