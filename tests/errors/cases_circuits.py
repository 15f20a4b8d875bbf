"""Refusals on the way to a circuit: layouts, requantisation, finishing on tiles, runs in the cycle model."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from errors.messages import Case
from lowering import test_layout as layouts
from requantise import test_requantise as requantising
from schedule.grid_kernel import test_run_kernel as runs
from schedule.grid_network import test_network_finish as finishes

from hlsgen.algebra.fields import Field, to_string
from hlsgen.algebra.scalar import QuantisedAdd, RequantiseFloat32
from hlsgen.algebra.types import S8
from hlsgen.cycle_model.program import ProgramResult, run_program
from hlsgen.dataflow.builder import Epilogue
from hlsgen.dataflow.ir import Dataflow
from hlsgen.fabric.file import load_fabric
from hlsgen.graph.builder import GraphBuilder
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.lowering.lower import lower
from hlsgen.ops.move import Take
from hlsgen.ops.tensor_type import TensorType
from hlsgen.requantise.choice import float32_parameters
from hlsgen.schedule.grid_kernel.kernel_image import compare, program
from hlsgen.schedule.grid_kernel.run_kernel import MappedKernel, map_kernel
from hlsgen.targets.fabric import check_engine

FIELDS = (Field("a", 3), Field("b", 4, signed=True))


def tangled(folder: Path) -> object:
    build = GraphBuilder("tangled")
    x = layouts.pool(build, build.input("x", TensorType((1, 64, 4, 4), S8)))
    places = tuple(int(place) for place in np.random.default_rng(1).permutation(64))
    x = layouts.pool(build, build.node(Take(places, (64,), 1), [x]))
    return lower(build.finish([x])).dataflow


def finished(dataflow: Dataflow) -> Case:
    return lambda folder: finishes.finishing(dataflow, dataflow.processes[0])


def rounded_accumulators(folder: Path) -> object:
    scales = np.array([2.0**-18], np.float32)
    return float32_parameters(requantising.layer(scales, 0, -128, 127, 1 << 26))


@cache
def mapped_kernel() -> MappedKernel:
    return map_kernel(runs.two_nests(), load_fabric("cgra_4x4"))


def outcome_of(**changes: object) -> Case:
    """A run of a kernel with something else in its results."""

    def case(folder: Path) -> object:
        mapped = mapped_kernel()
        arrays = runs.random_inputs(runs.two_nests(), 3)
        outcome: ProgramResult = run_program(mapped.fabric, program(mapped.image, [arrays]))
        if "unload" in changes:
            changes["unload"] = outcome.unload ^ 1
        expected = [evaluate_kernel(mapped.kernel, arrays)]
        return compare(mapped.image, expected, replace(outcome, **changes))  # type: ignore[arg-type]

    return case


def circuit_cases() -> dict[str, Case]:
    op = RequantiseFloat32(20, 0, -128, 127)
    wide = np.array([1 << 20, 1 << 33]).repeat(3)
    channels = finishes.CHANNELS
    pair = QuantisedAdd(75_000, 61_000, 0, 17, -128, 127, ((3, 5, -7),))
    return {
        "field": lambda folder: to_string("unit", FIELDS, {"a": 8}),
        "field of another unit": lambda folder: to_string("unit", FIELDS, {"e": 1}),
        "engine of a program": lambda folder: check_engine("fast"),
        "order that is not a loop nest": tangled,
        "addition with a table": finished(finishes.pair_net(pair)),
        "wide multipliers": finished(finishes.sums_net(Epilogue(S8, op, (wide,), channels))),
        "far biases": finished(
            finishes.sums_net(Epilogue(S8, op, (wide[:1],), channels - (1 << 32)))
        ),
        "accumulators that float32 rounds": rounded_accumulators,
        "wrong results": outcome_of(unload=None),
        "wrong cycles": outcome_of(run_cycles=(1, 1)),
        "refused program": outcome_of(refused=True),
    }
