"""Real int8 networks on the preset mac_8x8: bit-exact in the cycle model, in the cycles and with the use that are reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.example_nets import random_inputs
from support.made_by_others import model_folder
from support.network_program import program

from hlsgen.cycle_model.program import run_program
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.packets import to_words
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.lowering.lower import lower
from hlsgen.passes import to_integer
from hlsgen.schedule.grid_network.plan import plan_network
from hlsgen.schedule.grid_network.ports import output_bands, outputs_of
from hlsgen.schedule.grid_network.report import network_report

ROOT = Path(__file__).parents[3]
NETWORKS = (
    *("ad_fcae_int8", "kws_dscnn_int8", "ic_resnet8_int8", "vww_mbv1_int8", "lenet300_mnist_int8"),
    *("tflm_sine_int8", "tm_mnist_arduino_int8", "tm_mnist_valid_int8", "tm_cifar10_int8"),
)


def dataflow_of(path: Path) -> Dataflow:
    return lower(to_integer(read_model(path)).hardware, nudged=False).dataflow


def assert_computes(dataflow: Dataflow, samples: int) -> None:
    fabric = load_fabric("mac_8x8")
    plan = plan_network(fabric, dataflow)
    inputs = random_inputs(dataflow, samples)
    parts = [{name: array[k] for name, array in inputs.items()} for k in range(samples)]
    done = run_program(fabric, to_words(program(plan, parts)))
    assert done.collisions == 0
    results = outputs_of(fabric, output_bands(plan), np.asarray(done.unload), samples)
    for name, want in interpret(dataflow, inputs).items():
        assert name not in results or np.array_equal(results[name], want)
    assert tuple(done.run_cycles) == tuple(phase.cycles for phase in plan.phases) * samples


def test_the_digits_network_computes_its_answers() -> None:
    assert_computes(dataflow_of(ROOT / "examples" / "digits" / "digits.onnx"), 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_compute_their_answers(name: str) -> None:
    assert_computes(dataflow_of(model_folder(name) / "model.onnx"), 1)


def test_a_residual_network_uses_most_cycles_of_the_array() -> None:
    plan = plan_network(
        load_fabric("mac_8x8"), dataflow_of(model_folder("ic_resnet8_int8") / "model.onnx")
    )
    report = network_report(plan)
    data = report.details
    assert data["mac_use"] >= 0.85
    assert data["weights_resident"]
    assert data["parameters_resident"]
    assert data["cycles"] == sum(x["cycles"] + x["waiting_cycles"] for x in data["layers"])
    layers = {layer["name"]: layer for layer in data["layers"]}
    assert layers["n9_Conv"]["mac_use"] >= 0.95
    assert layers["n9_Conv"]["copy_cycles"] < 1100
    text = report.text
    assert "n9_Conv" in text
    assert f"{data['mac_use']:.1%} of their cycles" in text
