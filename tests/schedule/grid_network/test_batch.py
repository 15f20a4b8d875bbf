"""Several samples that share the rows of a fabric, and a pass over its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.example_nets import convolution_net, depthwise_net, random_inputs
from support.network_fabric import network_fabric
from support.network_program import program
from support.random_networks import random_network

from hlsgen.cycle_model.program import ProgramResult, run_program
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadOption, DoesNotFit, UnsupportedOp
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.packets import to_words
from hlsgen.rtl.fabric import emit_fabric
from hlsgen.rtl.verilog import to_verilog
from hlsgen.schedule.grid_network.plan import NetworkPlan, plan_network
from hlsgen.schedule.grid_network.ports import output_bands, outputs_of
from hlsgen.schedule.grid_network.report import network_report
from hlsgen.verify.fabric_simulation import Stalls, simulate_program

FABRIC = network_fabric(4, 3)
SMALL_TILES = network_fabric(4, 3, west=1024, north=160, parameters=9)
SAMPLES = 6
"""Two batches of four, of which the second is not full."""


def words_of(plan: NetworkPlan, inputs: dict[str, np.ndarray]) -> np.ndarray:
    parts = [{name: array[k] for name, array in inputs.items()} for k in range(SAMPLES)]
    return to_words(program(plan, parts))


def assert_computed(
    plan: NetworkPlan, inputs: dict[str, np.ndarray], done: ProgramResult, seed: int
) -> None:
    batches = -(-SAMPLES // plan.samples)
    assert done.collisions == 0, seed
    assert tuple(done.run_cycles) == tuple(phase.cycles for phase in plan.phases) * batches, seed
    results = outputs_of(plan.fabric, output_bands(plan), np.asarray(done.unload), SAMPLES)
    want = interpret(plan.dataflow, inputs)
    for name in plan.dataflow.outputs:
        assert np.array_equal(results[name], want[name]), (seed, name)


def computes(dataflow: Dataflow, fabric: Fabric, batch: int, seed: int) -> bool:
    """In the cycle model; False for a network that was refused."""
    try:
        plan = plan_network(fabric, dataflow, batch)
    except (DoesNotFit, UnsupportedOp):
        return False
    inputs = random_inputs(dataflow, SAMPLES, seed)
    assert_computed(plan, inputs, run_program(fabric, words_of(plan, inputs)), seed)
    return True


@pytest.mark.parametrize("batch", [2, 4])
def test_batches_of_random_networks_are_computed_exactly(batch: int) -> None:
    assert sum(computes(random_network(seed), FABRIC, batch, seed) for seed in range(16)) >= 10


@pytest.mark.parametrize("batch", [2, 4])
def test_weights_that_do_not_fit_are_loaded_once_for_a_batch(batch: int) -> None:
    assert computes(convolution_net(), SMALL_TILES, batch, 1)
    loads = {
        count: sum(
            len(write.words)
            for phase in plan_network(SMALL_TILES, convolution_net(), count).phases
            for write in phase.preloads
            if write.unit >= len(FABRIC.cells) + FABRIC.rows  # north tiles
        )
        for count in (1, batch)
    }
    assert loads[batch] == loads[1] > 0


def test_rows_of_one_sample_are_never_copied_to_another() -> None:
    plan = plan_network(FABRIC, convolution_net(), 4)
    assert all(phase.kind == "compute" for phase in plan.phases)
    assert any(phase.kind == "copy" for phase in plan_network(FABRIC, convolution_net()).phases)


def test_a_batch_uses_rows_that_one_sample_leaves_idle() -> None:
    one = network_report(plan_network(FABRIC, depthwise_net()))
    all_rows = network_report(plan_network(FABRIC, depthwise_net(), 4))
    assert all_rows.head.macs == one.head.macs
    assert all_rows.details["mac_use"] > one.details["mac_use"]
    assert all_rows.head.interval_cycles == -(-(all_rows.head.latency_cycles or 0) // 4)


def test_samples_that_do_not_share_the_rows_evenly_are_refused() -> None:
    with pytest.raises(BadOption, match=r"share the 4 rows .* evenly \(1, 2, 4\), found 3"):
        plan_network(FABRIC, convolution_net(), 3)


def test_a_batch_that_a_tile_cannot_hold_is_refused_with_a_smaller_one() -> None:
    tight = network_fabric(4, 3, west=256)
    plan_network(tight, convolution_net())
    with pytest.raises(DoesNotFit) as refused:
        plan_network(tight, convolution_net(), 4)
    assert "a smaller --batch" in refused.value.remedy


@pytest.mark.slow
@pytest.mark.parametrize("batch", [2, 4])
def test_batches_are_exact_in_the_circuit_under_stalls(batch: int, tmp_path: Path) -> None:
    (tmp_path / "design.v").write_text(to_verilog(emit_fabric(FABRIC)))
    computed = 0
    for seed in range(4):
        dataflow = random_network(seed)
        try:
            plan = plan_network(FABRIC, dataflow, batch)
        except (DoesNotFit, UnsupportedOp):
            continue
        inputs = random_inputs(dataflow, SAMPLES, seed)
        words = words_of(plan, inputs)
        for idle, backpressure in (("none", "none"), ("random", "bursty"), ("bursty", "random")):
            stalls = Stalls(idle, backpressure, seed)
            done = simulate_program(tmp_path, FABRIC, words, stalls=stalls)
            assert_computed(plan, inputs, done, seed)
        computed += 1
    assert computed >= 2
