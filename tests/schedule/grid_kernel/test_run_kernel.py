"""Kernels mapped, configured and run as programs in the cycle model: results and cycles are those of their meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support.example_graphs import fir, histogram, two_stores
from support.random_loop_graphs import inputs, random_graph

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import ElementType
from hlsgen.cycle_model.program import run_program
from hlsgen.errors import DoesNotFit, Mismatch, TypeMismatch, UnsupportedOp
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.ir import Fabric
from hlsgen.loops.clean import clean
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.ir import Array, Constant, CountedLoop, Kernel, LoopGraph, Operation, Value
from hlsgen.schedule.grid_kernel.kernel_image import compare, program
from hlsgen.schedule.grid_kernel.run_kernel import map_kernel, replay

WORD = ElementType(32, True)


def narrow() -> Fabric:
    """cgra_4x4 with words of 16 bits and every operator."""
    fabric = load_fabric("cgra_4x4")
    kind = fabric.pe_kinds[0]
    kind = replace(kind, latencies=(*kind.latencies, ("maximum_accumulate", 2)))
    return replace(fabric, name="narrow", word_bits=16, pe_kinds=(kind,))


def random_inputs(kernel: Kernel, seed: int) -> dict[str, np.ndarray]:
    values = np.random.default_rng(seed)
    return {
        array.name: values.integers(
            array.element.minimum, array.element.maximum, array.shape, endpoint=True
        )
        for graph in kernel.graphs
        for array in graph.arrays
        if array.role in ("input", "inout")
    }


def without_predicated_accumulation(graph: LoopGraph) -> LoopGraph:
    return replace(
        graph,
        operations=tuple(
            replace(operation, predicate=None)
            if operation.operator.endswith("_accumulate")
            else operation
            for operation in graph.operations
        ),
    )


@pytest.mark.parametrize("seed", range(24))
def test_random_graphs_run_as_they_are_meant(seed: int) -> None:
    graph = without_predicated_accumulation(random_graph(seed))
    cleaned = clean(graph, as_given=seed % 2 == 0)
    replay(map_kernel(Kernel("k", (cleaned,), "random"), narrow(), seed), inputs(seed))


@pytest.mark.parametrize("graph", [fir, two_stores])
@pytest.mark.parametrize("fabric", ["cgra_4x4", "cgra_8x8"])
def test_small_kernels_run_as_they_are_meant(graph: Callable[[], LoopGraph], fabric: str) -> None:
    kernel = Kernel("k", (clean(graph()),), "here")
    mapped = map_kernel(kernel, load_fabric(fabric))
    outcome = replay(mapped, random_inputs(kernel, 1))
    (mapping,) = mapped.mappings
    iterations = mapping.graph.iterations
    assert outcome.run_cycles == ((iterations - 1) * mapping.ii + mapping.length,)


def test_a_scatter_waits_for_the_store_before() -> None:
    kernel = Kernel("histogram", (histogram(),), "here")
    x = np.random.default_rng(0).integers(0, 3, 16)
    mapped = map_kernel(kernel, load_fabric("cgra_4x4"))
    assert mapped.mappings[0].ii >= 3
    replay(mapped, {"x": x})


def two_nests() -> Kernel:
    """y = 3 x, then z[n] = y[n] + y[7 - n]: y is written by one graph and read by the other, in 8-bit and 16-bit elements."""
    y = Array("y", (8,), ElementType(16, True), "scratch")
    along, back = Affine(0, (("n", 1),)), Affine(7, (("n", -1),))
    first = LoopGraph(
        "first",
        WORD,
        (CountedLoop("n", 8),),
        (Array("x", (8,), ElementType(8, False), "input"), y),
        (
            Operation("x", "load", array="x", address=along),
            Operation("three", "multiply", (Value("x"), Constant(3))),
            Operation("write", "store", (Value("three"),), array="y", address=along),
        ),
    )
    second = LoopGraph(
        "second",
        WORD,
        (CountedLoop("n", 8),),
        (y, Array("z", (8,), ElementType(8, False), "output")),
        (
            Operation("a", "load", array="y", address=along),
            Operation("b", "load", array="y", address=back),
            Operation("sum", "add", (Value("a"), Value("b"))),
            Operation("write", "store", (Value("sum"),), array="z", address=along),
        ),
    )
    return Kernel("two_nests", (first, second), "here")


def test_loop_graphs_of_a_kernel_hand_arrays_on() -> None:
    kernel = two_nests()
    mapped = map_kernel(kernel, load_fabric("cgra_4x4"))
    assert mapped.mappings[0].tiles["y"] == mapped.mappings[1].tiles["y"]
    outcome = replay(mapped, random_inputs(kernel, 3))
    assert len(outcome.run_cycles) == 2


def test_a_wrong_result_and_wrong_cycles_are_told() -> None:
    kernel = two_nests()
    mapped = map_kernel(kernel, load_fabric("cgra_4x4"))
    arrays = random_inputs(kernel, 3)
    expected = [evaluate_kernel(mapped.kernel, arrays)]
    outcome = run_program(mapped.fabric, program(mapped.image, [arrays]))
    compare(mapped.image, expected, outcome)
    with pytest.raises(Mismatch, match="array z"):
        compare(mapped.image, expected, replace(outcome, unload=outcome.unload ^ 1))
    with pytest.raises(Mismatch, match="cycles"):
        compare(mapped.image, expected, replace(outcome, run_cycles=(1, 1)))
    with pytest.raises(Mismatch, match="refused"):
        compare(mapped.image, expected, replace(outcome, refused=True))


def test_words_of_another_width_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="16 bits"):
        map_kernel(Kernel("fir", (fir(),), "here"), narrow())


def test_predicated_accumulation_is_refused() -> None:
    graph = fir()
    operations = tuple(
        replace(operation, predicate=Mark("last", 1)) if operation.name == "sum" else operation
        for operation in graph.operations
    )
    with pytest.raises(UnsupportedOp, match="sum"):
        map_kernel(
            Kernel("fir", (replace(graph, operations=operations),), "here"), load_fabric("cgra_4x4")
        )


def test_arrays_of_several_graphs_that_no_tile_holds_are_refused() -> None:
    kernel = two_nests()
    large = tuple(
        replace(
            graph,
            arrays=tuple(
                replace(array, shape=(2000,)) if array.name == "y" else array
                for array in graph.arrays
            ),
        )
        for graph in kernel.graphs
    )
    with pytest.raises(DoesNotFit, match="2000"):
        map_kernel(replace(kernel, graphs=large), load_fabric("cgra_4x4"))
