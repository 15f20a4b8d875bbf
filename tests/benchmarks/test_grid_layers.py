"""Single layers use nearly every cycle of the array, in the cycle model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.network_program import program

from benchmarks.grid_layers import convolution_of_resnet8, matrix_product
from hlsgen.cycle_model.program import run_program
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.packets import to_words
from hlsgen.schedule.grid_network.plan import plan_network
from hlsgen.schedule.grid_network.ports import output_bands, outputs_of


@pytest.mark.parametrize(
    ("layer", "least"),
    (
        (matrix_product, 0.95),
        pytest.param(convolution_of_resnet8, 0.85, marks=pytest.mark.slow),
    ),
)
def test_a_layer_uses_nearly_every_cycle(layer: Callable[[], Dataflow], least: float) -> None:
    dataflow, fabric = layer(), load_fabric("mac_8x8")
    plan = plan_network(fabric, dataflow)
    random = np.random.default_rng(1)
    inputs = {"x": random.integers(-128, 128, (1, *dataflow.channels["x"].shape))}
    done = run_program(fabric, to_words(program(plan, [{"x": inputs["x"][0]}])))
    assert done.run_cycles == tuple(phase.cycles for phase in plan.phases)
    macs = sum(phase.macs for phase in plan.phases)
    assert macs / (64 * sum(done.run_cycles)) >= least
    name = dataflow.outputs[0]
    want = interpret(dataflow, inputs)[name]
    assert np.array_equal(
        outputs_of(fabric, output_bands(plan), np.asarray(done.unload), 1)[name], want
    )
    assert len(np.unique(want)) > 100
