"""Which process reads and writes which channel, as reports hold it."""

from __future__ import annotations

from typing import Any, assert_never

from hlsgen.dataflow.ir import (
    Accumulate,
    AccumulateTables,
    Dataflow,
    KeepMaximum,
    MultiplyAccumulate,
    Pass,
    Process,
)


def outline(dataflow: Dataflow) -> dict[str, Any]:
    """A JSON object: ``inputs`` and ``outputs`` (names of channels); ``states``, where there are any: channel -> the one that it was in the sample before; ``channels``: name -> ``shape`` (height, width, channels) and ``element``;
    ``processes``: each with its ``name``, what its ``step`` does, the channels that it ``reads`` and the one that it ``writes``."""
    states = {state.read: state.written for state in dataflow.states}
    return ({"states": states} if states else {}) | {
        "inputs": list(dataflow.inputs),
        "outputs": list(dataflow.outputs),
        "channels": {
            name: {"shape": list(channel.shape), "element": str(channel.element)}
            for name, channel in dataflow.channels.items()
        },
        "processes": [
            {
                "name": process.name,
                "step": step_text(process),
                "reads": [r.source for r in process.reads if r.source in dataflow.channels],
                "writes": process.write.channel,
            }
            for process in dataflow.processes
        ],
    }


def step_text(process: Process) -> str:
    """What the step of a process does, in words."""
    match process.step:
        case MultiplyAccumulate():
            return "multiply-accumulate"
        case Accumulate():
            return "sum"
        case KeepMaximum():
            return "maximum"
        case AccumulateTables():
            return "sum of tables"
        case Pass():
            return "elementwise"
        case _:
            assert_never(process.step)
