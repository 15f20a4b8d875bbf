"""The mapper: bounds, proofs, determinism, larger grids, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.example_graphs import fir, histogram, two_stores
from support.made_by_others import CGRA
from support.random_loop_graphs import random_graph

from hlsgen.errors import BadOption, DoesNotFit, IllegalGraph, UnsupportedOp
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.ir import Fabric, PeKind
from hlsgen.loops.clean import clean
from hlsgen.loops.ir import LoopGraph
from hlsgen.loops.read_morpher import read_morpher
from hlsgen.loops.text import parse
from hlsgen.schedule.grid_kernel import exact
from hlsgen.schedule.grid_kernel.map import _Search, _TimeLeft, map_graph, squares

RING = parse("""loop_graph ring s32
loop n 8
array x 8 s32 input
array y 8 s32 output
x = load x[n]
a = add x c@1(0, 0)
c = xor a 5
s = store y[n] c
""")


def small() -> Fabric:
    return load_fabric("cgra_4x4")


def scaled(size: int) -> Fabric:
    """cgra_4x4 with other numbers of rows and columns, and words of 16 bits."""
    fabric = small()
    tiles = tuple(
        replace(fabric.tiles[0], name=f"west_{row}", cell=(row, 0)) for row in range(size)
    )
    return replace(fabric, kinds=(("full",) * size,) * size, tiles=tiles, word_bits=16)


def without_maxima(graph: LoopGraph) -> LoopGraph:
    """The graph with sums in the place of an accumulation that the fabric does not have."""
    return replace(
        graph,
        operations=tuple(
            replace(operation, operator="move", clear=None)
            if operation.operator == "maximum_accumulate"
            else operation
            for operation in graph.operations
        ),
    )


def ends() -> Fabric:
    """Three elements in a row: additions at the western end, where memory is, exclusive ors at the eastern one."""
    fabric = small()
    moves = (("move", 1),)
    kinds = (
        PeKind("west", (*moves, ("add", 1))),
        PeKind("middle", moves),
        PeKind("east", (*moves, ("xor", 1))),
    )
    return replace(
        fabric,
        name="ends",
        pe_kinds=kinds,
        kinds=(("west", "middle", "east"),),
        tiles=fabric.tiles[:1],
    )


def test_the_interval_is_the_bound_where_it_can_be() -> None:
    for graph, ii in ((fir(), 1), (two_stores(), 2), (histogram(), 3)):
        mapping = map_graph(clean(graph), small())
        assert mapping.ii == mapping.bounds.mii == ii
        assert mapping.proved_optimal and mapping.stopped == ""


def test_smaller_intervals_are_proved_infeasible() -> None:
    """The ring's operations are two hops apart, which the bounds do not know: 2 + 2 cycles."""
    mapping = map_graph(RING, ends())
    assert mapping.bounds.recurrence == 2
    assert mapping.ii == 4
    assert mapping.proved_optimal


def test_without_the_solver_it_is_said_that_nothing_was_proved() -> None:
    mapping = map_graph(RING, ends(), exact=False, time_limit=0.5)
    assert mapping.ii == 4
    assert not mapping.proved_optimal
    assert "no mapping found at interval 3" in mapping.stopped


def test_the_solver_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hlsgen.schedule.grid_kernel.map.is_available", lambda: False)
    monkeypatch.setattr(exact, "solve", None)
    mapping = map_graph(RING, ends(), time_limit=0.5)
    assert mapping.ii == 4 and not mapping.proved_optimal
    assert "OR-Tools is not installed" in mapping.stopped


def test_a_search_without_time_says_so() -> None:
    mapping = map_graph(RING, ends(), exact=False, time_limit=0.0)
    assert "time ran out after 0 s" in mapping.stopped


def test_one_seed_gives_one_mapping() -> None:
    graph = clean(without_maxima(random_graph(3, operations=20)), accumulating=())
    first, second = (map_graph(graph, scaled(4), seed=7) for _ in range(2))
    assert replace(first, seconds=0.0) == replace(second, seconds=0.0)


@pytest.mark.parametrize("seed", [2, 4])
def test_a_larger_grid_is_never_worse(seed: int) -> None:
    graph = clean(without_maxima(random_graph(seed, operations=24)), accumulating=())
    intervals = [map_graph(graph, scaled(size)).ii for size in (2, 3, 5)]
    assert intervals == sorted(intervals, reverse=True)


def test_corners_are_not_searched_once_their_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """60 operations are searched on 4 x 4 PEs first, with the smaller corners in the same time; 5 x 5 has as much again."""
    graph = clean(without_maxima(random_graph(3, operations=60)), accumulating=())
    searched: list[tuple[int, float]] = []

    def nothing_found(self: _Search, most: int, time_left: _TimeLeft) -> None:
        searched.append((self.problem.fabric.rows, time_left.seconds))
        monkeypatch.setattr("time.process_time", lambda: 1000.0 * len(searched))

    monkeypatch.setattr(_Search, "smallest", nothing_found)
    with pytest.raises(DoesNotFit):
        map_graph(graph, scaled(5), time_limit=2500.0)
    assert [rows for rows, _ in searched] == [4, 3, 2, 5]
    searched.clear()
    with pytest.raises(DoesNotFit):
        map_graph(graph, scaled(5), time_limit=500.0)
    assert [rows for rows, _ in searched] == [4, 5]


def test_squares_of_a_grid_are_its_corners() -> None:
    inside = list(squares(scaled(6)))
    assert [(square.rows, square.columns) for square in inside] == [(n, n) for n in (2, 3, 4, 5)]
    assert inside[2].tiles == small().tiles and inside[2].kinds == small().kinds
    assert not list(squares(replace(small(), torus=True)))


def refused(graph: LoopGraph, fabric: Fabric, kind: type[Exception], *words: str) -> None:
    with pytest.raises(kind) as caught:
        map_graph(graph, fabric)
    assert len(str(caught.value).splitlines()) == 3
    for word in words:
        assert word in str(caught.value)


def test_a_missing_operator_is_named_with_the_elements_that_would_need_it() -> None:
    fabric = replace(ends(), pe_kinds=(*ends().pe_kinds[:2], PeKind("east", (("move", 1),))))
    refused(RING, fabric, UnsupportedOp, "operation c (xor)", "east, middle, west")


def test_too_few_contexts_are_refused() -> None:
    refused(RING, replace(ends(), contexts=3), DoesNotFit, "at most 3 contexts")


def test_too_little_memory_is_refused_by_how_much() -> None:
    fabric = small()
    tiles = tuple(replace(tile, words=4) for tile in fabric.tiles)
    refused(RING, replace(fabric, tiles=tiles), DoesNotFit, "8 elements", "4 elements too many")


def test_a_cycle_without_distance_is_refused() -> None:
    text = "loop_graph bad s32\nloop n 4\na = add b 1\nb = xor a 2\n"
    refused(parse(text), small(), IllegalGraph, "a -> b -> a")


def test_an_unknown_home_is_refused() -> None:
    with pytest.raises(BadOption, match="north_9"):
        map_graph(RING, small(), homes={"x": "north_9"})


def graph_of_others(*parts: str) -> LoopGraph:
    files = sorted((CGRA / "morpher").joinpath(*parts).glob("*.xml"))
    if not files:
        pytest.skip("no loop graphs of others: set HLSGEN_CGRA to their folder")
    return clean(read_morpher(files[0]).graphs[0], as_given=True)


@pytest.mark.parametrize("name", ["mac", "accumulate", "mults1"])
def test_kernels_of_others_reach_their_bound(name: str) -> None:
    mapping = map_graph(graph_of_others("cgra_me_bench", name), small())
    assert mapping.ii == mapping.bounds.mii


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pedometer", "dct", "fix_fft_npb", "gemm_nt"])
def test_larger_kernels_of_others_come_near_their_bound(name: str) -> None:
    mapping = map_graph(graph_of_others(name), small())
    assert mapping.ii <= 1.5 * mapping.bounds.mii
