"""Constant layers in a schedule: their place among the candidates, their latency, and which of them follow one another."""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.dataflow.constant_layer import ConstantLayer, constant_layer
from hlsgen.dataflow.ir import Dataflow, Process
from hlsgen.ops.reason import Reason
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.contract import CREDIT_MEMORY_LATENCY, Contract
from hlsgen.schedule.stream_network.ir import ArrayPlan, BufferPlan, StreamSchedule

PLACES = 8
"""Words that a constant layer takes, at least, before its results must leave."""

DIGIT_LUTS = 2
"""LUTs for each signed digit of the weights that a constant layer takes at least, as far as was seen."""
MOST_PAIRS = 4_000_000
"""Pairs of digits in one output, in all outputs together, beyond which no shared ones are looked for."""


def is_worked_out(layer: ConstantLayer, lut: float) -> bool:
    """Whether the adders of a layer are looked for at all: not where there is no hope that they take at most ``lut`` LUTs."""
    return layer.digits * DIGIT_LUTS <= lut and layer.pairs <= MOST_PAIRS


def layer_of(dataflow: Dataflow, process: Process) -> ConstantLayer:
    """The constant layer of a process that has one."""
    layer = constant_layer(dataflow, process)
    assert not isinstance(layer, Reason), f"{process.name}: {layer}"
    return layer


def adder_depth(dataflow: Dataflow, name: str) -> int:
    """Adders one after the other in the constant layer of the process of this name."""
    process = next(p for p in dataflow.processes if p.name == name)
    return layer_of(dataflow, process).graph().depth


def layer_contract(dataflow: Dataflow, process: Process, plan: ArrayPlan) -> Contract:
    """The contract of the constant layer of a process."""
    layer = layer_of(dataflow, process)
    return contract.constant_layer(
        depth=layer.graph().depth,
        in_a_row=plan.adders_in_a_row,
        rounded=layer.rounds(),
        tables=bool(layer.tables),
    )


def chains(dataflow: Dataflow, arrays: Mapping[str, ArrayPlan]) -> tuple[tuple[Process, ...], ...]:
    """The constant layers, those in one tuple that follow one another and that nothing else reads in between."""
    runs: list[list[Process]] = []
    ends: dict[str, list[Process]] = {}
    for process in dataflow.processes:
        if not arrays[process.name].is_constant:
            continue
        run = ends.pop(process.reads[0].source, None)
        if run is None:
            run = []
            runs.append(run)
        run.append(process)
        written = process.write.channel
        if len(dataflow.consumers(written)) == 1 and written not in dataflow.sinks:
            ends[written] = run
    return tuple(map(tuple, runs))


def chain_latency(
    dataflow: Dataflow, arrays: Mapping[str, ArrayPlan], chain: tuple[Process, ...]
) -> int:
    """Cycles from a chain's first layer to the queue behind its last."""
    return sum(layer_contract(dataflow, p, arrays[p.name]).latency for p in chain)


def direct_reads(plan: StreamSchedule, process: Process) -> tuple[BufferPlan, ...]:
    """For the event model the read of a constant layer, which takes vectors as they come, as a buffer; none of other processes."""
    if not plan.arrays[process.name].is_constant:
        return ()
    return (
        BufferPlan(process.reads[0].source, process.name, 0, process.extent("i"), depth=PLACES),
    )


def delay_of(plan: StreamSchedule, process: Process) -> int:
    """For the event model: cycles from the end of the one in which a vector is taken to that in which its result is offered."""
    latency = layer_contract(plan.dataflow, process, plan.arrays[process.name]).latency
    ends = (chain[-1] for chain in chains(plan.dataflow, plan.arrays))
    return latency - 1 + CREDIT_MEMORY_LATENCY * any(end is process for end in ends)


def ready_after(maker: Process | None) -> int:
    """For the event model: cycles from a vector's end to its taking; an input's vector is taken in the very cycle, two before its end there."""
    return -2 if maker is None else 0
