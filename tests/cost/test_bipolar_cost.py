"""What layers of signs are predicted to take on iCE40, where a flip-flop behind no LUT takes the place of one, against synthesis of each alone."""

from __future__ import annotations

import numpy as np
import pytest
from hlsgen.rtl_templates.stream.process import StreamProcess
from support.process_bench import process_schedule

from benchmarks.calibrate_cost import synthesised
from hlsgen.algebra.expression import Call, Operand
from hlsgen.algebra.scalar import Steps
from hlsgen.algebra.types import BIPOLAR, S8
from hlsgen.algebra.unroll import Unroll
from hlsgen.cost.units import Cost
from hlsgen.dataflow.bipolar import with_bipolar
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.rtl.arrays import process_parameters
from hlsgen.schedule.stream_network.cost import schedule_cost, total_cost
from hlsgen.schedule.stream_network.ir import StreamSchedule

FOUND = {
    (784, 4, 49): (1536, 1296),
    (64, 1, 16): (423, 277),
    (64, 4, 16): (1354, 685),
    (256, 16, 16): (3972, 2142),
}
"""LUTs and flip-flops after synthesis of a layer of 64 signs, by signs that come in, and rows and lanes of its array."""


def plan_of(signs: int, rows: int, lanes: int) -> StreamSchedule:
    """A layer of 64 thresholds of sums of products of signs, of one pixel."""
    random, build = np.random.default_rng(signs), DataflowBuilder("layer")
    x = build.input("x", (1, 1, signs), BIPOLAR)
    weights = np.where(random.random((1, 64, 1, 1, signs)) < 0.5, -1, 1)
    window = PlanarWindow((1, 1), before=(0, 0))
    finish = Epilogue(S8, bias=random.integers(-9, 10, 64))
    sums = build.multiply_accumulate("p", x, weights, window, (1, 1), finish)
    threshold = Call(Steps(0, 20, ((0, -1, 1),)), (Operand("r0"),))
    build.output(build.pointwise("s", [sums], [], threshold, BIPOLAR))
    dataflow = with_bipolar(build.build())
    return process_schedule(dataflow, Unroll(o=rows, i=lanes), 1, 1, 1)


def predicted(plan: StreamSchedule) -> Cost:
    (process,) = plan.dataflow.processes
    return total_cost({process.name: schedule_cost(plan, "ice40")[process.name]})


@pytest.mark.parametrize("layer", FOUND, ids=str)
def test_layers_of_signs_are_predicted_as_they_were_synthesised(
    layer: tuple[int, int, int],
) -> None:
    cost, (lut, ff) = predicted(plan_of(*layer)), FOUND[layer]
    assert cost.lut == pytest.approx(lut, rel=0.12)
    assert cost.ff == pytest.approx(ff, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("layer", FOUND, ids=str)
def test_synthesis_still_says_so(layer: tuple[int, int, int]) -> None:
    plan = plan_of(*layer)
    (process,) = plan.dataflow.processes
    usage = synthesised(StreamProcess(process_parameters(plan, process)), "ice40")
    assert (usage.lut, usage.ff) == pytest.approx(FOUND[layer], rel=0.03)
