"""The manifest: what a simulator, a board or a user must know of a design."""

from __future__ import annotations

from typing import TypeAlias

from hlsgen.artefact.manifest import Manifest
from hlsgen.artefact.port import Port, PortLayout, ProcessPoint
from hlsgen.dataflow.ir import Dataflow, StateChannel
from hlsgen.lowering.lower import Lowered
from hlsgen.rtl.arrays import write_lanes
from hlsgen.rtl.names import instance_names
from hlsgen.schedule.stream_network.ir import StreamSchedule

PortNames: TypeAlias = dict[str, str]


def port_names(channels: tuple[str, ...], prefix: str) -> PortNames:
    """The AXI4-Stream prefix of each channel: the plain prefix where there is one channel."""
    if len(channels) == 1:
        return {channels[0]: prefix}
    return {channel: f"{prefix}_{channel}" for channel in channels}


def instances(dataflow: Dataflow) -> dict[str, str]:
    """Process -> the name of its instance in the top. Other names there: ports, the units behind them, and forks."""
    ports = [
        *port_names(dataflow.inputs, "s_axis").values(),
        *port_names(dataflow.outputs, "m_axis").values(),
    ]
    taken = {"clk", "rst", *ports, *(f"fork_{channel}" for channel in dataflow.channels)}
    taken |= {state_name(state) for state in dataflow.states}
    taken |= {f"{port}_{part}" for port in ports for part in ("tdata", "tvalid", "tready", "tlast")}
    return instance_names((process.name for process in dataflow.processes), taken)


def gate_name(first: str) -> str:
    """The name of the gate in front of a chain of constant layers, of which ``first`` is the first; no process is called so."""
    return f"{first}.gate"


def state_name(state: StateChannel) -> str:
    """The name of the instance that keeps a state."""
    return f"state_{state.read}"


def manifest(schedule: StreamSchedule, lowered: Lowered | None, board: str | None) -> Manifest:
    """The manifest of a design. Values are named by channel where ``lowered`` is None."""
    dataflow = schedule.dataflow
    if lowered is None:
        inputs = tuple(channel_layout(dataflow, name) for name in dataflow.inputs)
        outputs = tuple(channel_layout(dataflow, name) for name in dataflow.outputs)
    else:
        inputs, outputs = lowered.inputs, lowered.outputs

    def ports(layouts: tuple[PortLayout, ...], prefix: str) -> tuple[Port, ...]:
        names = port_names(tuple(layout.channel for layout in layouts), prefix)
        return tuple(
            port(layout, names[layout.channel], write_lanes(schedule, layout.channel))
            for layout in layouts
        )

    names = instances(dataflow)
    return Manifest(
        kind="stream_network",
        board=board,
        inputs=ports(inputs, "s_axis"),
        outputs=ports(outputs, "m_axis"),
        processes=tuple(
            ProcessPoint(
                process.name,
                names[process.name],
                process.write.channel,
                schedule.arrays[process.name].finish_lanes,
            )
            for process in dataflow.processes
        ),
        interval_cycles=schedule.interval,
        latency_cycles=schedule.latency,
    )


def port(layout: PortLayout, axis: str, lanes: int = 1) -> Port:
    """The port ``axis`` that carries a value in a layout."""
    return Port(**vars(layout), axis=axis, lanes=lanes)


def channel_layout(dataflow: Dataflow, channel: str) -> PortLayout:
    """The layout of a port that stands for no graph value: a tensor (1, C, H, W) named as the channel."""
    tensor = dataflow.channels[channel]
    height, width, channels = tensor.shape
    element = tensor.element.at_ports
    return PortLayout(
        channel, channel, (1, channels, height, width), (0, 2, 3, 1), tensor.shape, element
    )
