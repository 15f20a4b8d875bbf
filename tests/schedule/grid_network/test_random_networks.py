"""Random networks on random fabrics compute what their dataflows mean, or are refused with the reason and a remedy."""

from __future__ import annotations

import numpy as np
import pytest
from support.example_nets import random_inputs
from support.network_program import program
from support.random_networks import random_fabric, random_network

from hlsgen.cycle_model.program import run_program
from hlsgen.dataflow.check import check
from hlsgen.dataflow.interpret import interpret
from hlsgen.errors import DoesNotFit, UnsupportedOp
from hlsgen.fabric.packets import to_words
from hlsgen.schedule.grid_network.plan import plan_network
from hlsgen.schedule.grid_network.ports import output_bands, outputs_of
from hlsgen.schedule.grid_network.report import network_report

REASONS = (
    "expected 2 contexts",  # of additions and tables; also two generators
    "expected activations of at most",
    "weights in a tile, found",
    "parameter rows in a tile, found",
)


def computed(seed: int) -> bool:
    """Two samples in the cycle model; False for a network that was refused."""
    dataflow, fabric = random_network(seed), random_fabric(seed)
    check(dataflow)
    try:
        plan = plan_network(fabric, dataflow)
    except (DoesNotFit, UnsupportedOp) as error:
        assert any(reason in error.problem for reason in REASONS), error
        assert "--schedule stream" in error.remedy
        return False
    inputs = random_inputs(dataflow, 2, seed)
    parts = [{name: array[k] for name, array in inputs.items()} for k in range(2)]
    done = run_program(fabric, to_words(program(plan, parts)))
    assert done.collisions == 0
    assert tuple(done.run_cycles) == tuple(phase.cycles for phase in plan.phases) * 2
    assert sum(layer["runs"] for layer in network_report(plan).details["layers"]) == len(
        plan.phases
    )
    results = outputs_of(fabric, output_bands(plan), np.asarray(done.unload), 2)
    want = interpret(dataflow, inputs)
    for name in dataflow.outputs:
        assert np.array_equal(results[name], want[name]), (seed, name)
    return True


def test_random_networks_are_computed_exactly_or_refused() -> None:
    assert sum(computed(seed) for seed in range(24)) >= 16


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 700, 100))
def test_many_random_networks_are_computed_exactly_or_refused(first: int) -> None:
    assert sum(computed(seed) for seed in range(first, first + 100)) >= 60
