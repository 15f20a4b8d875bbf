"""What a whole schedule costs on a family: the sum of its processes, buffers and ports."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hlsgen.algebra.unroll import Unroll
from hlsgen.cost.constant import constant_cost, gate_cost
from hlsgen.cost.factors import Factors
from hlsgen.cost.process import buffer_cost, process_cost
from hlsgen.cost.units import FAMILIES, Cost, FamilyTable
from hlsgen.dataflow.ir import Dataflow, Process, Read
from hlsgen.rtl_templates import contract
from hlsgen.schedule.stream_network.constant import PLACES, chain_latency, chains, layer_of
from hlsgen.schedule.stream_network.ir import ArrayPlan, BufferPlan, StreamSchedule


def factors(plan: ArrayPlan) -> Factors:
    """The plan's numbers."""
    u = plan.unroll
    return Factors(u.x, u.g, u.o, u.ky, u.kx, u.i, plan.finish_lanes, plan.finish_interval)


def schedule_cost(plan: StreamSchedule, family: str) -> dict[str, Cost]:
    """The cost of each process with its buffers, by name, and of the ports and forks under the name ''."""
    table = FAMILIES[family]
    ports = {**plan.input_lanes, **plan.output_lanes}
    costs: dict[str, Cost] = {"": ports_cost(plan.dataflow, ports)}
    for state in plan.dataflow.states:
        height, width, channels = plan.dataflow.channels[state.read].shape
        lanes = written_lanes(plan, state.read)
        words = contract.state_words(height * width * -(-channels // lanes))
        bits = plan.dataflow.channels[state.read].element.bits
        costs[""] += gate_cost(table, words, lanes * bits)
    for process in plan.dataflow.processes:
        array = plan.arrays[process.name]
        if array.multiplier == "constant":
            element = plan.dataflow.channels[process.write.channel].element
            layer = layer_of(plan.dataflow, process)
            costs[process.name] = constant_cost(table, layer, element, array.adders_in_a_row)
            continue
        total = process_cost(
            plan.dataflow, process, table, factors(array), array.multiplier, array.finish_multiplier
        )
        for buffer in plan.buffers:
            if buffer.process == process.name:
                written = written_lanes(plan, buffer.channel)
                total += one_buffer_cost(
                    table, plan.dataflow, process, buffer, array.unroll, written
                )
        costs[process.name] = total
    for chain in chains(plan.dataflow, plan.arrays):
        latency = chain_latency(plan.dataflow, plan.arrays, chain)
        words = contract.credit_memory_words(latency, PLACES * len(chain))
        result = plan.dataflow.channels[chain[-1].write.channel]
        costs[chain[-1].name] += gate_cost(table, words, result.shape[2] * result.element.bits)
    return costs


def total_cost(costs: Mapping[str, Cost]) -> Cost:
    """The sum, in whole units."""
    parts = list(costs.values())
    return Cost(
        *(
            int(np.ceil(sum(float(getattr(c, name)) for c in parts)))
            for name in ("lut", "ff", "dsp", "bram", "spram")
        )
    )


def one_buffer_cost(
    table: FamilyTable,
    dataflow: Dataflow,
    process: Process,
    buffer: BufferPlan,
    unroll: Unroll,
    write_lanes: int = 1,
) -> Cost:
    """A buffer at the depth it has, written by words of ``write_lanes``."""
    read = process.reads[buffer.read]
    copies = unroll.ky * column_copies(read, unroll.x, unroll.kx)
    channel = dataflow.channels[buffer.channel]
    return buffer_cost(
        table,
        buffer.depth,
        buffer.lanes,
        channel.element.bits,
        copies,
        masked=read.outside is not None,
        scans=process.extent("y") * process.extent("x") > 1,
        channels=channel.shape[2],
        write_lanes=write_lanes,
        single_port=buffer.single_port,
    )


def written_lanes(plan: StreamSchedule, channel: str) -> int:
    """Lanes of the words in which a channel arrives."""
    maker = plan.dataflow.maker(channel)
    return plan.input_lanes[channel] if maker is None else plan.arrays[maker.name].finish_lanes


def words_taken(plan: StreamSchedule, process: Process) -> int:
    """Memory words of a sample that single-port buffers of a process write, each in a cycle in which the array does nothing."""
    count = 0
    for buffer in plan.buffers:
        if buffer.process == process.name and buffer.single_port:
            height, width, channels = plan.dataflow.channels[buffer.channel].shape
            word = max(buffer.lanes, written_lanes(plan, buffer.channel))
            count += height * width * -(-channels // word)
    return count


def column_copies(read: Read, x: int, kx: int) -> int:
    """Distinct columns that x pixels with kx window lanes read in the same cycle."""
    across = read.index[1]
    step, tap = across.coefficient("x"), across.coefficient("kx")
    return len({step * a + tap * b for a in range(x) for b in range(kx)})


def ports_cost(dataflow: Dataflow, lanes: Mapping[str, int]) -> Cost:
    """AXI4-Stream ports: a register slice and a word counter each; forks: a bit per branch. ``lanes`` by channel, of inputs and outputs."""
    lut = 0
    for name, count in lanes.items():
        lut += count * dataflow.channels[name].element.bits + 12
    forks = sum(len(dataflow.consumers(name)) > 1 for name in dataflow.channels)
    return Cost(lut=lut + 6 * forks, ff=2 * lut)
