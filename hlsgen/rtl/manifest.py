"""The manifest: what a simulator, a board or a user must know of a design."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from hlsgen import __version__
from hlsgen.dataflow.ir import Dataflow
from hlsgen.lowering.lower import Lowered, PortLayout
from hlsgen.rtl.arrays import write_lanes
from hlsgen.schedule.stream_network.ir import StreamSchedule

PortNames: TypeAlias = dict[str, str]


def port_names(channels: tuple[str, ...], prefix: str) -> PortNames:
    """The AXI4-Stream prefix of each channel: the plain prefix where there is one channel."""
    if len(channels) == 1:
        return {channels[0]: prefix}
    return {channel: f"{prefix}_{channel}" for channel in channels}


def manifest(
    schedule: StreamSchedule, lowered: Lowered | None, board: str | None
) -> dict[str, Any]:
    """The manifest of a design without ``verilog_sha256``. Values are named by channel where ``lowered`` is None."""
    dataflow = schedule.dataflow
    if lowered is None:
        inputs = tuple(channel_layout(dataflow, name) for name in dataflow.inputs)
        outputs = tuple(channel_layout(dataflow, name) for name in dataflow.outputs)
    else:
        inputs, outputs = lowered.inputs, lowered.outputs

    def ports(layouts: tuple[PortLayout, ...], prefix: str) -> list[dict[str, Any]]:
        names = port_names(tuple(layout.channel for layout in layouts), prefix)
        return [
            {
                "axis": names[layout.channel],
                "value": layout.value,
                "channel": layout.channel,
                "tensor_shape": list(layout.tensor_shape),
                "axes": [int(axis) for axis in layout.axes],
                "stream_shape": list(layout.stream_shape),
                "element": str(layout.element),
                "lanes": (lanes := write_lanes(schedule, layout.channel)),
                "words": math.prod(layout.stream_shape[:2])
                * math.ceil(layout.stream_shape[2] / lanes),
            }
            for layout in layouts
        ]

    return {
        "hlsgen": __version__,
        "top": "hlsgen_top",
        "clock": "clk",
        "reset": "rst",
        "board": board,
        "inputs": ports(inputs, "s_axis"),
        "outputs": ports(outputs, "m_axis"),
        "processes": [
            {
                "name": process.name,
                "instance": f"process_{index}",
                "channel": process.write.channel,
                "lanes": schedule.arrays[process.name].finish_lanes,
            }
            for index, process in enumerate(dataflow.processes)
        ],
        "predicted_interval_cycles": schedule.interval,
        "predicted_latency_cycles": schedule.latency,
    }


def channel_layout(dataflow: Dataflow, channel: str) -> PortLayout:
    """The layout of a port that stands for no graph value: a tensor (1, C, H, W) named as the channel."""
    item = dataflow.channels[channel]
    height, width, channels = item.shape
    return PortLayout(
        channel, channel, (1, channels, height, width), (0, 2, 3, 1), item.shape, item.element
    )
