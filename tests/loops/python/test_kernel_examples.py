"""Every example kernel: its graphs mean what the function does, in the interpreter, in the cycle model and in the circuit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.kernel_examples import EXAMPLES, arrays_of, clean_kernel, load, results_of_python

from hlsgen.fabric.file import load_fabric
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.rtl.fabric import emit_fabric
from hlsgen.rtl.verilog import to_verilog
from hlsgen.schedule.grid_kernel.kernel_image import compare, program
from hlsgen.schedule.grid_kernel.run_kernel import map_kernel, replay
from hlsgen.verify.fabric_simulation import Stalls, simulate_program


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("seed", range(3))
def test_graphs_mean_what_the_function_does(name: str, seed: int) -> None:
    kernel = load(name)
    arrays = arrays_of(name, seed)
    expected = results_of_python(kernel, arrays)
    for graphs in (kernel.lower(), clean_kernel(kernel)):
        results = evaluate_kernel(graphs, arrays)
        for array, values in expected.items():
            np.testing.assert_array_equal(results[array], values)


INTERVALS = {"fir": 1, "axpy": 1, "matrix_multiply": 1, "matrix_vector": 1, "convolution_3x3": 1}


@pytest.mark.parametrize("name", EXAMPLES)
def test_mappings_run_as_the_function_does(name: str) -> None:
    mapped = map_kernel(clean_kernel(load(name)), load_fabric("cgra_4x4"))
    replay(mapped, arrays_of(name, 1))
    if name in INTERVALS:
        assert [mapping.ii for mapping in mapped.mappings] == [INTERVALS[name]]


def test_the_circuit_runs_every_example_in_the_cycles_of_its_mapping(tmp_path: Path) -> None:
    """One circuit, one program after the other: only the configuration changes."""
    fabric = load_fabric("cgra_4x4")
    (tmp_path / "design.v").write_text(to_verilog(emit_fabric(fabric)))
    for number, name in enumerate(EXAMPLES):
        kernel, arrays = load(name), arrays_of(name, 2)
        mapped = map_kernel(clean_kernel(kernel), fabric)
        kinds = ("none", "random", "bursty", "mixed")
        stalls = Stalls(kinds[number % 4], kinds[number // 4 % 4], number)
        outcome = simulate_program(tmp_path, fabric, program(mapped.image, [arrays]), stalls=stalls)
        compare(mapped.image, [results_of_python(kernel, arrays)], outcome)
