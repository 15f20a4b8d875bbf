"""Every ONNX operator of the list on the array of a fabric, in the cycle model; wide results are refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from support.network_program import program
from test_operators_to_verilog import CASES, SHORT

from hlsgen.cycle_model.program import run_program
from hlsgen.dataflow.interpret import interpret
from hlsgen.errors import UnsupportedOp
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.packets import to_words
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.lowering.lower import lower
from hlsgen.passes import to_integer
from hlsgen.schedule.grid_network.plan import plan_network
from hlsgen.schedule.grid_network.ports import output_bands, outputs_of

WIDE = ("ConvInteger", "MatMulInteger")
COMPUTED = (
    "products of computed matrices",
    "QLinearMatMul of computed matrices",
    "MatMulInteger of computed matrices",
    "attention from one projection",
)


@pytest.mark.parametrize(
    "case",
    [
        case if case in SHORT + WIDE else pytest.param(case, marks=pytest.mark.slow)
        for case in CASES
    ],
)
def test_a_small_model_computes_on_a_fabric(case: str) -> None:
    model, _ = CASES[case]()
    lowered = lower(to_integer(read_model(model)).hardware, nudged=False)
    dataflow, fabric = lowered.dataflow, load_fabric("mac_8x8")
    if case in WIDE:
        with pytest.raises(UnsupportedOp, match=f"{case}.*\nexpected values of 8 bits .* found s"):
            plan_network(fabric, dataflow)
        return
    if case in COMPUTED:
        with pytest.raises(UnsupportedOp, match=r"MatMul.*\nexpected .*\n.*--schedule stream"):
            plan_network(fabric, dataflow)
        return
    plan = plan_network(fabric, dataflow)
    random = np.random.default_rng(5)
    inputs = {}
    for port in lowered.inputs:
        low, high = port.element.minimum, port.element.maximum
        inputs[port.channel] = random.integers(low, high + 1, (1, *port.stream_shape))
    sample = {name: array[0] for name, array in inputs.items()}
    done = run_program(fabric, to_words(program(plan, [sample])))
    assert tuple(done.run_cycles) == tuple(phase.cycles for phase in plan.phases)
    results = outputs_of(fabric, output_bands(plan), np.asarray(done.unload), 1)
    want = interpret(dataflow, inputs)
    for name in dataflow.outputs:
        assert np.array_equal(results[name], want[name])
