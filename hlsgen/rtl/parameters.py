"""The image of all loadable parameters of a network: which bytes go through its parameter port, in the order of its layers."""

from __future__ import annotations

from hlsgen.dataflow.ir import Process
from hlsgen.dataflow.loadable import has_weights
from hlsgen.rtl.arrays import process_parameters
from hlsgen.schedule.stream_network.ir import StreamSchedule


def loaded_processes(schedule: StreamSchedule) -> tuple[Process, ...]:
    """The layers whose parameters are loadable, in the order of the image."""
    dataflow = schedule.dataflow
    return tuple(
        process
        for process in dataflow.processes
        if has_weights(dataflow, process) and dataflow.stores[process.reads[1].source].loadable
    )


def is_loadable(schedule: StreamSchedule) -> bool:
    """Whether the circuit has a parameter port."""
    return bool(loaded_processes(schedule))


def parameter_image(schedule: StreamSchedule) -> bytes:
    """What fills the memories of the circuit of a schedule with the constants of its dataflow: of each layer the words of its weights, then those
    of every finishing parameter; a word takes whole bytes, lowest first."""
    image = b""
    for process in loaded_processes(schedule):
        parameters = process_parameters(schedule, process)
        weights, finish = parameters.weights, parameters.finish
        assert weights is not None
        image += b"".join(word.to_bytes(-(-weights.bits // 8), "little") for word in weights.words)
        for _, memory in finish.memories:
            if memory.loadable:
                bits = memory.width.bits
                for lanes in memory.words(finish.lanes):
                    word = sum(memory.width.encode(v) << (bits * k) for k, v in enumerate(lanes))
                    image += word.to_bytes(-(-bits * finish.lanes // 8), "little")
    return image
