"""Cycles that a word spends in the pipelines of a process, from the contracts of the templates."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import assert_never

import numpy as np

from hlsgen.dataflow.finish import finish_expression
from hlsgen.dataflow.ir import (
    Accumulate,
    AccumulateTables,
    Dataflow,
    KeepMaximum,
    MultiplyAccumulate,
    Pass,
    Process,
    Step,
)
from hlsgen.dataflow.step import factor_types
from hlsgen.rtl_templates import contract
from hlsgen.schedule.stream_network.constant import layer_contract
from hlsgen.schedule.stream_network.geometry import REDUCE_LEVEL, result_words, trips
from hlsgen.schedule.stream_network.ir import ArrayPlan


def pipeline_latency(dataflow: Dataflow, process: Process, plan: ArrayPlan) -> int:
    """Cycles from a result's last step at the loop nest to its first word at the process's output; of a constant layer from word to word."""
    if plan.is_constant:
        return layer_contract(dataflow, process, plan).latency
    stages = (
        operand_latency(dataflow, process, plan),
        contract.credit_fifo(depth=1, word_bits=1).latency,
        contract.drain(pixels=1, channels=1, finish_lanes=1, result_bits=1).latency,
        finish_latency(dataflow, process, plan),
        contract.credit_fifo(depth=1, word_bits=1).latency,
    )
    return sum(stages)


def operand_latency(dataflow: Dataflow, process: Process, plan: ArrayPlan) -> int:
    """Cycles from a result's last step at the loop nest to its sum."""
    before = contract.CHANNEL_READ_LATENCY + contract.OPERAND_LATENCY
    return before + array_latency(dataflow, process, plan)


def result_credits(dataflow: Dataflow, process: Process, plan: ArrayPlan) -> int:
    """Results between the first step and the drain with which the array keeps its pace.

    A credit is away while the drain takes as many results as there are credits: the fewest cycles of so many in a row, a
    ragged last one of fewer words among them.
    """
    steps = prod(trips(process, plan.unroll)[REDUCE_LEVEL:])
    latency = steps - 1 + operand_latency(dataflow, process, plan)
    away = latency + 1 + contract.CREDIT_LATENCY
    paces = [
        max(steps, plan.unroll.x * words * plan.finish_interval)
        for row in result_words(process, plan)
        for words in row
    ]
    credits = contract.credit_depth(latency, max(paces), contract.CREDIT_LATENCY)
    while min(_sums_in_a_row(paces, credits)) < away:
        credits += 1
    return credits


def _sums_in_a_row(paces: Sequence[int], count: int) -> list[int]:
    """The sum of every ``count`` neighbours of a sequence that goes round."""
    rounds, rest = divmod(count, len(paces))
    sums = np.cumsum([0, *paces, *paces])
    return (rounds * sum(paces) + sums[rest : rest + len(paces)] - sums[: len(paces)]).tolist()


def array_step(step: Step) -> contract.ArrayStep:
    """What the PE array of a process does with its operands."""
    match step:
        case MultiplyAccumulate():
            return "multiply_accumulate"
        case Accumulate():
            return "add"
        case KeepMaximum():
            return "maximum"
        case Pass():
            return "pass"
        case AccumulateTables():
            raise AssertionError("tables have no array")
        case _:
            assert_never(step)


def array_latency(dataflow: Dataflow, process: Process, plan: ArrayPlan) -> int:
    """Cycles from a result's last operands to its sum."""
    step = process.step
    assert plan.multiplier != "constant", "a constant layer has no array"
    factors = (
        factor_types(dataflow, process, step)
        if isinstance(step, MultiplyAccumulate)
        else (dataflow.element(process.reads[0].source),) * 2
    )
    return contract.pe_array(
        step=array_step(step),
        rows=plan.unroll.rows,
        lanes=plan.unroll.lanes,
        accumulator_bits=0 if isinstance(step, Pass) else step.accumulator.bits,
        factor_bits=(factors[0].twos_complement.bits, factors[1].twos_complement.bits),
        multiplier=plan.multiplier,
        accumulate=any(count > 1 for count in trips(process, plan.unroll)[REDUCE_LEVEL:]),
        bipolar=isinstance(step, MultiplyAccumulate) and all(f.bipolar for f in factors),
    ).latency


def finish_latency(dataflow: Dataflow, process: Process, plan: ArrayPlan) -> int:
    """Cycles of the finishing pipeline."""
    operands, parameters = {}, {}
    if not isinstance(process.step, Pass):
        operands["acc"] = process.step.accumulator
    for k, read in enumerate(process.reads):
        if read.source in dataflow.channels:
            operands[f"r{k}"] = dataflow.channels[read.source].element
        else:
            parameters[f"r{k}"] = dataflow.stores[read.source].element
    return contract.finish(
        finish_expression(process),
        operands=operands,
        parameters=parameters,
        parameter_words=1,
        lanes=plan.finish_lanes,
        interval=plan.finish_interval,
        multiplier=plan.finish_multiplier,
    ).latency
