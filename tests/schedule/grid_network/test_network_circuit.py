"""Random networks in the simulated circuit of fabrics with small tiles, under stalls: weights and parameters come for every sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.example_nets import convolution_net, random_inputs
from support.network_fabric import network_fabric
from support.network_program import program
from support.random_networks import random_network

from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import DoesNotFit
from hlsgen.fabric.packets import to_words
from hlsgen.rtl.fabric import emit_fabric
from hlsgen.rtl.verilog import to_verilog
from hlsgen.schedule.grid_network.plan import plan_network
from hlsgen.schedule.grid_network.ports import output_bands, outputs_of
from hlsgen.schedule.grid_network.report import network_report
from hlsgen.verify.fabric_simulation import Stalls, simulate_program

FABRIC = network_fabric(3, 3, west=1024, north=160, parameters=9)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def circuit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streaming")
    (folder / "design.v").write_text(to_verilog(emit_fabric(FABRIC)))
    return folder


def streamed(dataflow: Dataflow, circuit: Path, seed: int) -> int:
    """Two samples in the circuit; how many words of weights and parameters are loaded for each."""
    plan = plan_network(FABRIC, dataflow)
    inputs = random_inputs(dataflow, 2, seed)
    parts = [{name: array[k] for name, array in inputs.items()} for k in range(2)]
    words = to_words(program(plan, parts))
    stalls = Stalls("random", "random", seed)
    done = simulate_program(circuit, FABRIC, words, stalls=stalls)
    assert done.run_cycles == tuple(phase.cycles for phase in plan.phases) * 2
    results = outputs_of(FABRIC, output_bands(plan), done.unload, 2)
    want = interpret(dataflow, inputs)
    for name in dataflow.outputs:
        assert np.array_equal(results[name], want[name]), (seed, name)
    return sum(len(write.words) for phase in plan.phases for write in phase.preloads)


def test_weights_that_do_not_fit_are_streamed_in_under_stalls(circuit: Path) -> None:
    assert streamed(convolution_net(), circuit, 1) > 0


def test_loading_takes_the_cycles_of_the_report(circuit: Path) -> None:
    dataflow = convolution_net()
    plan = plan_network(FABRIC, dataflow)
    assert any(phase.waits for phase in plan.phases)
    sample = {name: array[0] for name, array in random_inputs(dataflow, 1).items()}
    done = simulate_program(circuit, FABRIC, to_words(program(plan, [sample])))
    report = network_report(plan).details
    assert report["waiting_cycles"] > 0
    assert done.busy_cycles == report["cycles"]


def test_random_networks_are_exact_in_the_circuit(circuit: Path) -> None:
    computed = 0
    for seed in range(16):
        try:
            streamed(random_network(seed), circuit, seed)
            computed += 1
        except DoesNotFit:
            continue
    assert computed >= 8
