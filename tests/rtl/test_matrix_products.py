"""Products of two computed matrices in hardware, against the interpreter; with idle inputs, backpressure and the smallest buffers."""

from __future__ import annotations

import numpy as np
import pytest
from support.process_bench import Stalls, process_schedule, random_samples, run_process
from support.product_processes import legal_plans, product_process, squares_process

from hlsgen.algebra.unroll import Unroll
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.dataflow.products import ProductShape
from hlsgen.schedule.stream_network.geometry import sample_cycles
from hlsgen.schedule.stream_network.legality import lies_along_outputs

SHAPES = [ProductShape(1, 4, 6, 5), ProductShape(2, 3, 4, 6), ProductShape(3, 2, 1, 2)]
STALLS = [Stalls(), Stalls(0.5, 0.0, 1), Stalls(0.0, 0.5, 2), Stalls(0.4, 0.4, 3)]
FEW = [STALLS[0], STALLS[3]]


def assert_computes(
    dataflow: Dataflow, unroll: Unroll, lanes: int, write: int, spare: int, stalls: Stalls
) -> None:
    schedule = process_schedule(dataflow, unroll, lanes, write, spare)
    samples = random_samples(dataflow, 3, np.random.default_rng(spare))
    expected = interpret(dataflow, samples)[dataflow.outputs[0]]
    results, _ = run_process(schedule, samples, stalls)
    assert np.array_equal(results, expected), (unroll, lanes, stalls)


@pytest.mark.parametrize("stalls", FEW, ids=str)
@pytest.mark.parametrize("along_outputs", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_two_computed_matrices_are_multiplied_under_any_stalls(
    shape: ProductShape, along_outputs: bool, stalls: Stalls
) -> None:
    dataflow = product_process(shape, along_outputs)
    plans = legal_plans(dataflow)
    for number in range(int(stalls.seed) % 2, len(plans), max(1, len(plans) // 2)):
        assert_computes(dataflow, *plans[number], 1, number % 2, stalls)


@pytest.mark.slow
@pytest.mark.parametrize("along_outputs", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_legal_array_multiplies(shape: ProductShape, along_outputs: bool) -> None:
    dataflow = product_process(shape, along_outputs, plain=True)
    for number, (unroll, lanes) in enumerate(legal_plans(dataflow)):
        assert_computes(dataflow, unroll, lanes, 1, number % 3, STALLS[number % 4])


@pytest.mark.parametrize("stalls", FEW, ids=str)
def test_a_channel_is_multiplied_by_itself(stalls: Stalls) -> None:
    dataflow = squares_process(4, 6, 100)
    for unroll, lanes in legal_plans(dataflow):
        assert unroll.x == 1
        assert_computes(dataflow, unroll, lanes, 1, 1, stalls)


@pytest.mark.parametrize("along_outputs", [False, True])
def test_with_two_samples_of_room_a_product_loses_no_cycle(along_outputs: bool) -> None:
    shape = ProductShape(2, 8, 4, 6)
    dataflow = product_process(shape, along_outputs)
    assert lies_along_outputs(dataflow.processes[0], 1) == along_outputs
    schedule = process_schedule(dataflow, Unroll(), 1, 1, 2 * 2 * 8 * 6)
    samples = random_samples(dataflow, 4, np.random.default_rng(0))
    _, cycles = run_process(schedule, samples, Stalls())
    words = len(cycles) // 4
    predicted = sample_cycles(dataflow.processes[0], schedule.arrays["p"])
    assert predicted == 2 * 8 * 4 * 6
    assert cycles[-1] - cycles[-1 - words] == pytest.approx(predicted, abs=2)


def test_the_second_matrix_is_held_whole_and_one_word_less_stalls_for_ever() -> None:
    dataflow = product_process(ProductShape(1, 3, 4, 5), along_outputs=True)
    samples = random_samples(dataflow, 2, np.random.default_rng(0))
    expected = interpret(dataflow, samples)[dataflow.outputs[0]]
    results, _ = run_process(process_schedule(dataflow, Unroll(), 1, 1, 0), samples, Stalls())
    assert np.array_equal(results, expected)
    with pytest.raises(TimeoutError):
        run_process(process_schedule(dataflow, Unroll(), 1, 1, -1), samples, Stalls())
