"""Twenty ordinary kernels: each is taken, computes what its function does, and takes no more cycles than it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.kernel_agreement import (
    ANY,
    compare_fabric,
    compare_graphs,
    compare_pipeline,
    samples_within,
)
from support.kernel_examples import clean_kernel
from support.python_files import kernel_of
from support.user_kernels import USER_KERNELS, source_of

from hlsgen.loops.python.kernel import PythonKernel
from hlsgen.schedule.stream_kernel.pipeline import schedule_pipeline

# (iterations, interval of the pipeline) of every loop graph
TABLE = {
    "matrix product with bias and relu": [(120, 2)],
    "softmax by a table": [(44, 3)],
    "histogram, then its prefix sums": [(40, 3), (8, 1)],
    "moving average": [(4, 1), (1, 1), (20, 2)],
    "place of the greatest in every row": [(28, 3)],
    "bubble sort": [(49, 5)],
    "polynomials by Horner's rule": [(24, 4)],
    "gaussian 3x3 with its border": [(378, 1)],
    "prefix sums in two dimensions": [(30, 2)],
    "matrix times vector, then normalised": [(36, 1), (6, 1), (20, 1), (6, 1)],
    "correlation and energy at every lag": [(120, 1)],
    "cascade of biquads": [(32, 7)],
    "run lengths": [(1, 1), (23, 4), (1, 1)],
    "median of three": [(1, 1), (14, 1), (1, 1)],
    "dot product, then a scaled vector": [(10, 1), (1, 1), (10, 1)],
    "elimination below the diagonal": [(80, 7)],
    "shortest paths": [(125, 4)],
    "steps of Viterbi's algorithm": [(108, 5)],
    "edit distance": [(8, 1), (42, 6), (1, 1)],
    "cyclic redundancy check": [(48, 5), (1, 1)],
}


def samples(kernel: PythonKernel) -> list[dict[str, np.ndarray]]:
    """Moderate elements, small ones with ties, and any."""
    return samples_within(kernel, 7, [(-60, 60), (-3, 3), ANY])


def test_every_kernel_is_in_the_table() -> None:
    assert TABLE.keys() == USER_KERNELS.keys() and len(TABLE) == 20


@pytest.mark.parametrize("case", USER_KERNELS)
def test_graphs_give_what_the_function_gives_in_the_cycles_of_the_table(
    case: str, tmp_path: Path
) -> None:
    kernel = kernel_of(tmp_path, source_of(case))
    compare_graphs(kernel, samples(kernel))
    plans = [schedule_pipeline(graph) for graph in clean_kernel(kernel).graphs]
    assert [(plan.graph.iterations, plan.ii) for plan in plans] == TABLE[case]


@pytest.mark.slow
@pytest.mark.parametrize("case", USER_KERNELS)
def test_circuits_and_fabrics_give_what_the_function_gives(case: str, tmp_path: Path) -> None:
    kernel = kernel_of(tmp_path, source_of(case))
    given = samples(kernel)
    compare_fabric(kernel, given)
    for stalls in (0.0, 0.3):
        compare_pipeline(kernel, given, stalls)
