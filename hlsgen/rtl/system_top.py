"""A compiled circuit for a larger design: its streams, a clock and a reset as AXI names them, and registers that a processor writes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Elaboratable,
    Instance,
    Module,
    ResetInserter,
    ResetSignal,
    Signal,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hlsgen.algebra.registers import CONTROL, SIGNATURE, VERSION, address_bits
from hlsgen.artefact.manifest import Manifest
from hlsgen.artefact.parameter_port import PARAMETER_PARTS, PARAMETERS, has_parameter_port
from hlsgen.artefact.port import Port
from hlsgen.rtl.emit import Design
from hlsgen.rtl.header import heading, port_meaning
from hlsgen.rtl.verilog import outside_module, to_verilog
from hlsgen.rtl_templates.ports.axi_lite import AxiLiteRegisters, axi_lite_members
from hlsgen.rtl_templates.ports.run_control import RunControl, SampleGate

BUS = "s_axil"
"""Prefix of the registers' bus."""
CLOCK, RESET, INTERRUPT = "aclk", "aresetn", "irq"
ASKED = {"start": 1, "samples": 32, "endless": 1, "held": 1}
"""What a run is told, and its bits: see ``algebra.registers.CONTROL``; ``held``: in reset."""
TOLD = {
    **{name: 1 for name in ("running", "done", "busy", "ended")},
    **{name: 32 for name in ("finished", "cycles", "busy_cycles")},
}
"""What a run says of itself; ``ended`` is high in the cycle in which it becomes done."""
MEANINGS = {
    CLOCK: "clock: all else is sampled and changes at its rising edge",
    RESET: "reset, synchronous, active low",
    INTERRUPT: "high while an event stands that was enabled",
    "start": "let in as many samples as 'samples' says",
    "samples": "how many",
    "endless": "let samples in without end",
    "held": "hold the circuit in reset",
    "running": "samples may go in, or are to come out",
    "done": "all samples of the last start have come out",
    "busy": "a sample is inside",
    "ended": "high in the cycle in which 'done' becomes so",
    "finished": "samples that have come out since the last start",
    "cycles": "clock cycles since the last start, until it was done",
    "busy_cycles": "those in which a sample was inside",
}


@dataclass(frozen=True)
class SystemPort:
    """One port of a circuit: name, bits, direction."""

    name: str
    bits: int
    is_input: bool


def stream_parts(port: Port) -> dict[str, int]:
    """The signals of a stream and their bits."""
    return {"tdata": 8 * port.word_bytes, "tvalid": 1, "tready": 1, "tlast": 1}


def parameter_ports(manifest: Manifest) -> tuple[SystemPort, ...]:
    """The signals of the parameter port, where there is one."""
    parts = PARAMETER_PARTS.items() if has_parameter_port(manifest) else ()
    return tuple(SystemPort(f"{PARAMETERS}_{k}", bits, k != "tready") for k, bits in parts)


def stream_ports(manifest: Manifest) -> tuple[SystemPort, ...]:
    """The signals of all streams."""
    streams = tuple(
        SystemPort(f"{port.axis}_{part}", bits, inwards == (part != "tready"))
        for ports, inwards in ((manifest.inputs, True), (manifest.outputs, False))
        for port in ports
        for part, bits in stream_parts(port).items()
    )
    return (*streams, *parameter_ports(manifest))


def bus_ports() -> tuple[SystemPort, ...]:
    """The signals of the registers' bus."""
    members = axi_lite_members(address_bits(CONTROL)).items()
    return tuple(SystemPort(f"{BUS}_{k}", v.shape, v.flow is In) for k, v in members)


def system_ports(manifest: Manifest) -> tuple[SystemPort, ...]:
    """All ports of a ``SystemTop``, the clock first."""
    clock = SystemPort(CLOCK, 1, True), SystemPort(RESET, 1, True)
    return (*clock, *bus_ports(), *stream_ports(manifest), SystemPort(INTERRUPT, 1, False))


def controlled_ports(manifest: Manifest) -> tuple[SystemPort, ...]:
    """All ports of a ``ControlledCircuit``, the clock first."""
    return (
        *(SystemPort(name, 1, True) for name in ("clk", "rst")),
        *(SystemPort(name, bits, True) for name, bits in ASKED.items()),
        *(SystemPort(name, bits, False) for name, bits in TOLD.items()),
        *stream_ports(manifest),
    )


def _members(ports: tuple[SystemPort, ...]) -> dict[str, Any]:
    return {port.name: (In if port.is_input else Out)(port.bits) for port in ports}


class ControlledCircuit(wiring.Component):
    """The circuit of a manifest behind AXI4-Stream ports that let samples in when they are told to; its outputs ``flags`` lead nowhere.

    Members: ``ASKED``, ``TOLD``, and the streams of the manifest. Words pass without a register between. A circuit without inputs has its
    outputs let out instead. The first word of the first stream that is let through begins a sample.
    """

    def __init__(self, manifest: Manifest, flags: tuple[str, ...] = ()) -> None:
        self.manifest, self.flags = manifest, flags
        super().__init__(_members(controlled_ports(manifest)[2:]))

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        manifest = self.manifest
        control = RunControl(len(manifest.outputs))
        m.submodules.control = ResetInserter(self.held)(control)
        asked = ("start", "samples", "endless")
        m.d.comb += [getattr(control, name).eq(getattr(self, name)) for name in asked]
        m.d.comb += [getattr(self, name).eq(getattr(control, name)) for name in TOLD]
        connected: dict[str, tuple[str, Any]] = {
            manifest.clock: ("i", ClockSignal()),
            manifest.reset: ("i", ResetSignal() | self.held),
        }
        connected |= {name: ("o", Signal(name=f"circuit_{name}")) for name in self.flags}
        for passed in parameter_ports(manifest):
            connected[passed.name] = ("i" if passed.is_input else "o", getattr(self, passed.name))
        gated = manifest.inputs or manifest.outputs
        for port in manifest.inputs:
            self._stream(m, port, True, port in gated, control, connected)
        for number, port in enumerate(manifest.outputs):
            passed = self._stream(m, port, False, port in gated, control, connected)
            m.d.comb += control.last[number].eq(passed)
        m.submodules.circuit = Instance(
            manifest.top, *((way, name, signal) for name, (way, signal) in connected.items())
        )
        return m

    def _stream(
        self,
        m: Module,
        port: Port,
        inwards: bool,
        gated: bool,
        control: RunControl,
        connected: dict[str, tuple[str, Any]],
    ) -> Any:
        """Connect a stream of the circuit to that of the component; returns what is high when the last word of a sample passes."""
        inner = {
            part: Signal(bits, name=f"circuit_{port.axis}_{part}")
            for part, bits in stream_parts(port).items()
        }
        outer = {part: getattr(self, f"{port.axis}_{part}") for part in inner}
        for part, signal in inner.items():
            way = "i" if inwards == (part != "tready") else "o"
            connected[f"{port.axis}_{part}"] = (way, signal)
        source, sink = (outer, inner) if inwards else (inner, outer)
        m.d.comb += [sink[part].eq(source[part]) for part in ("tdata", "tlast")]
        if gated:
            gate = SampleGate(port.words)
            m.submodules[f"gate_{port.axis}"] = ResetInserter(self.held)(gate)
            m.d.comb += [
                gate.load.eq(control.load),
                gate.samples.eq(self.samples),
                gate.endless.eq(self.endless),
                gate.valid.eq(source["tvalid"]),
                source["tready"].eq(gate.ready),
                sink["tvalid"].eq(gate.passed_valid),
                gate.passed_ready.eq(sink["tready"]),
            ]
            if port in (*self.manifest.inputs, *self.manifest.outputs)[:1]:
                m.d.comb += control.first.eq(gate.first)
        else:
            m.d.comb += sink["tvalid"].eq(source["tvalid"])
            m.d.comb += source["tready"].eq(sink["tready"])
        return sink["tvalid"] & sink["tready"] & sink["tlast"]


class SystemTop(wiring.Component):
    """A ``ControlledCircuit`` and its registers on AXI4-Lite.

    Members: ``system_ports``. ``aresetn`` is sampled by ``aclk``.
    """

    def __init__(self, manifest: Manifest, flags: tuple[str, ...] = ()) -> None:
        self.manifest, self.flags = manifest, flags
        super().__init__(_members(system_ports(manifest)))

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.domains.sync = ClockDomain("sync")
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        m.submodules.registers = registers = AxiLiteRegisters(CONTROL)
        m.submodules.controlled = controlled = ControlledCircuit(self.manifest, self.flags)
        for name, member in axi_lite_members(address_bits(CONTROL)).items():
            inner, outer = getattr(registers, name), getattr(self, f"{BUS}_{name}")
            m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        for port in stream_ports(self.manifest):
            inner, outer = getattr(controlled, port.name), getattr(self, port.name)
            m.d.comb += inner.eq(outer) if port.is_input else outer.eq(inner)
        low, high = design_words(self.manifest)
        m.d.comb += [
            registers.identity_version.eq(VERSION),
            registers.identity_signature.eq(SIGNATURE),
            registers.design_low_value.eq(low),
            registers.design_high_value.eq(high),
            controlled.start.eq(registers.control_start),
            controlled.endless.eq(registers.control_endless),
            controlled.samples.eq(registers.samples_value),
            registers.interrupt_done_set.eq(controlled.ended),
            self.irq.eq(registers.interrupt_done & registers.interrupt_enable_done),
        ]
        m.d.sync += controlled.held.eq(registers.control_reset)
        for flag in ("running", "done", "busy"):
            m.d.comb += getattr(registers, f"status_{flag}").eq(getattr(controlled, flag))
        for count in ("finished", "cycles", "busy_cycles"):
            m.d.comb += getattr(registers, f"{count}_value").eq(getattr(controlled, count))
        return m


def design_words(manifest: Manifest) -> tuple[int, int]:
    """The first eight bytes of the design's SHA-256 as the two registers hold them."""
    digest = bytes.fromhex(manifest.verilog_sha256)
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def system_verilog(
    manifest: Manifest, flags: tuple[str, ...], name: str, registers: bool = True
) -> str:
    """The Verilog of the module ``name``: a ``SystemTop``, or without ``registers`` a ``ControlledCircuit``. The circuit's own, with the outputs
    ``flags`` beside its streams, stands in its file. Raises ToolFailed.
    """
    component = (SystemTop if registers else ControlledCircuit)(manifest, flags)
    ports = system_ports(manifest) if registers else controlled_ports(manifest)
    clock = SystemPort(manifest.clock, 1, True), SystemPort(manifest.reset, 1, True)
    unused = (SystemPort(flag, 1, False) for flag in flags)
    circuit = (*clock, *unused, *stream_ports(manifest))
    outside = outside_module(manifest.top, [(p.name, p.bits, p.is_input) for p in circuit])
    text = to_verilog(Design(component, replace(manifest, top=name)), elsewhere=outside)
    streams = {port.axis: port for port in (*manifest.inputs, *manifest.outputs)}
    rows = [
        (
            port.name,
            "input" if port.is_input else "output",
            str(port.bits),
            MEANINGS.get(port.name) or port_meaning(port.name, streams),
        )
        for port in ports
        if not port.name.startswith(f"{BUS}_")
    ]
    how = f" and registers on AXI4-Lite ({BUS}_*)" if registers else " that are let in when told"
    return heading(name, f"{manifest.top} behind AXI4-Stream ports{how}", rows) + text
