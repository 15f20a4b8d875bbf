"""From a StreamSchedule to an Amaranth component with AXI4-Stream ports, and its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hlsgen.algebra.types import ElementType
from hlsgen.artefact.manifest import TOP, Manifest
from hlsgen.artefact.parameter_port import PARAMETER_PARTS, PARAMETERS
from hlsgen.dataflow.ir import Process, StateChannel
from hlsgen.rtl.arrays import layer_parameters, process_parameters, write_lanes
from hlsgen.rtl.manifest import PortNames, gate_name, instances, manifest, port_names, state_name
from hlsgen.rtl.parameters import is_loadable, loaded_processes
from hlsgen.rtl_templates.arithmetic.shapes import shape_of
from hlsgen.rtl_templates.ports.axi_stream import AxisInput, AxisOutput, element_bytes
from hlsgen.rtl_templates.stream.adder_layer import AdderLayer, ConstantGate
from hlsgen.rtl_templates.stream.fork import StreamFork
from hlsgen.rtl_templates.stream.process import StreamProcess
from hlsgen.rtl_templates.stream.state_loop import StateLoop
from hlsgen.schedule.stream_network.constant import PLACES, chains
from hlsgen.schedule.stream_network.ir import StreamSchedule

if TYPE_CHECKING:
    from hlsgen.lowering.lower import Lowered


@dataclass(frozen=True, eq=False)
class Design:
    """A circuit (``component``, not yet elaborated) and what others must know of it (``manifest``, without the hashes of files)."""

    component: wiring.Component
    manifest: Manifest


def emit(
    schedule: StreamSchedule,
    lowered: Lowered | None = None,
    board: str | None = None,
    name: str = TOP,
) -> Design:
    """The design of a schedule. ``lowered`` names the graph values of the ports in the manifest (else the channels)."""
    component = StreamTop(schedule)
    return Design(component, replace(manifest(schedule, lowered, board), top=name))


class StreamTop(wiring.Component):
    """The whole network: a process beside the other, joined by streams.

    Members: per port ``<prefix>_tdata, _tvalid, _tready, _tlast`` as in AXI4-Stream.
    """

    def __init__(self, schedule: StreamSchedule) -> None:
        self.schedule = schedule
        members: dict[str, Any] = {}
        for names, directions in (
            (port_names(schedule.dataflow.inputs, "s_axis"), (In, Out)),
            (port_names(schedule.dataflow.outputs, "m_axis"), (Out, In)),
        ):
            forward, backward = directions
            for channel, prefix in names.items():
                element = shape_of(self._element(channel).twos_complement)
                lanes = write_lanes(schedule, channel)
                members[f"{prefix}_tdata"] = forward(8 * element_bytes(element) * lanes)
                members[f"{prefix}_tvalid"] = forward(1)
                members[f"{prefix}_tready"] = backward(1)
                members[f"{prefix}_tlast"] = forward(1)
        if is_loadable(schedule):
            members |= {
                f"{PARAMETERS}_{part}": (Out if part == "tready" else In)(bits)
                for part, bits in PARAMETER_PARTS.items()
            }
        super().__init__(members)

    def _element(self, channel: str) -> ElementType:
        return self.schedule.dataflow.channels[channel].element

    def elaborate(self, platform: object) -> Module:
        m = Module()
        dataflow = self.schedule.dataflow
        sources: dict[str, Any] = {}
        sinks: dict[str, list[Any]] = {name: [] for name in dataflow.channels}
        for channel, prefix in port_names(dataflow.inputs, "s_axis").items():
            sources[channel] = self._input(m, channel, prefix)
        for state in dataflow.states:
            m.submodules[state_name(state)] = loop = self._state(state)
            sources[state.read] = loop.o
            sinks[state.written].append(loop.i)
        names = instances(dataflow)
        for chain in chains(dataflow, self.schedule.arrays):
            self._chain(m, chain, names, sources, sinks)
        for process in dataflow.processes:
            if self.schedule.arrays[process.name].is_constant:
                continue
            unit = StreamProcess(process_parameters(self.schedule, process))
            m.submodules[names[process.name]] = unit
            sources[process.write.channel] = unit.o
            reads = [read.source for read in process.reads if read.source in dataflow.channels]
            for number, channel in enumerate(reads):
                sinks[channel].append(getattr(unit, f"i{number}"))
        for channel, prefix in port_names(dataflow.outputs, "m_axis").items():
            sinks[channel].append(self._output(m, channel, prefix))
        self._loads(m, [m.submodules[names[p.name]] for p in loaded_processes(self.schedule)])
        for channel, source in sources.items():  # within chains there are no others
            self._join(m, channel, source, sinks[channel])
        return m

    def _chain(
        self,
        m: Module,
        chain: tuple[Process, ...],
        names: Mapping[str, str],
        sources: dict[str, Any],
        sinks: dict[str, list[Any]],
    ) -> None:
        """Constant layers one after the other between the ends of a gate."""
        units = [AdderLayer(layer_parameters(self.schedule, process)) for process in chain]
        first, last = units[0].i.payload.shape(), units[-1].o.payload.shape()
        latency = sum(unit.contract.latency for unit in units)
        gate = ConstantGate(first, last, latency=latency, places=PLACES * len(chain))
        m.submodules[gate_name(names[chain[0].name])] = gate
        before = gate.first
        for process, unit in zip(chain, units, strict=True):
            m.submodules[names[process.name]] = unit
            wiring.connect(m, before, unit.i)
            before = unit.o
        wiring.connect(m, before, gate.last)
        sinks[chain[0].reads[0].source].append(gate.i)
        sources[chain[-1].write.channel] = gate.o

    def _loads(self, m: Module, units: list[StreamProcess]) -> None:
        """The image of all parameters goes through one layer after the other."""
        if not units:
            return
        m.d.comb += [
            units[0].load.byte.eq(getattr(self, f"{PARAMETERS}_tdata")),
            units[0].load.valid.eq(getattr(self, f"{PARAMETERS}_tvalid")),
            units[0].load.last.eq(getattr(self, f"{PARAMETERS}_tlast")),
            getattr(self, f"{PARAMETERS}_tready").eq(1),
        ]
        for unit, following in pairwise(units):
            wiring.connect(m, unit.loaded, following.load)

    def _join(self, m: Module, channel: str, source: Any, sinks: list[Any]) -> None:
        assert sinks, f"channel {channel} has no reader"
        if len(sinks) > 1:
            element = shape_of(self._element(channel))
            layout = data.ArrayLayout(element, write_lanes(self.schedule, channel))
            fork = StreamFork(layout, len(sinks))
            m.submodules[f"fork_{channel}"] = fork
            wiring.connect(m, source, fork.i)
            branches = [getattr(fork, f"o{k}") for k in range(len(sinks))]
        else:
            branches = [source]
        for branch, sink in zip(branches, sinks, strict=True):
            wiring.connect(m, branch, sink)

    def _state(self, state: StateChannel) -> StateLoop:
        height, width, channels = self.schedule.dataflow.channels[state.read].shape
        lanes, element = write_lanes(self.schedule, state.read), self._element(state.read)
        word = sum(
            (state.initial % (1 << element.bits)) << (k * element.bits) for k in range(lanes)
        )
        layout = data.ArrayLayout(shape_of(element), lanes)
        return StateLoop(layout, words=height * width * -(-channels // lanes), initial=word)

    def _input(self, m: Module, channel: str, prefix: str) -> Any:
        element = self._element(channel)
        lanes = write_lanes(self.schedule, channel)
        unit = AxisInput(shape_of(element.twos_complement), lanes, bipolar=element.bipolar)
        m.submodules[prefix] = unit
        m.d.comb += [
            unit.tdata.eq(getattr(self, f"{prefix}_tdata")),
            unit.tvalid.eq(getattr(self, f"{prefix}_tvalid")),
            getattr(self, f"{prefix}_tready").eq(unit.tready),
        ]
        return unit.o

    def _output(self, m: Module, channel: str, prefix: str) -> Any:
        height, width, channels = self.schedule.dataflow.channels[channel].shape
        lanes = write_lanes(self.schedule, channel)
        element = shape_of(self._element(channel))
        unit = AxisOutput(element, lanes, channels, height * width)
        m.submodules[prefix] = unit
        m.d.comb += [
            unit.tready.eq(getattr(self, f"{prefix}_tready")),
            getattr(self, f"{prefix}_tdata").eq(unit.tdata),
            getattr(self, f"{prefix}_tvalid").eq(unit.tvalid),
            getattr(self, f"{prefix}_tlast").eq(unit.tlast),
        ]
        return unit.i


__all__ = ["Design", "PortNames", "StreamTop", "emit"]
