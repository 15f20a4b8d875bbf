"""A compiled circuit behind the pins of a tile of a shared chip: eight in, eight out, eight of both ways, as Tiny Tapeout has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    Const,
    Elaboratable,
    Instance,
    Module,
    ResetSignal,
    Signal,
)
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hlsgen.artefact.manifest import Manifest
from hlsgen.rtl.emit import Design
from hlsgen.rtl.header import heading
from hlsgen.rtl.system_top import SystemPort, stream_parts, stream_ports
from hlsgen.rtl.verilog import outside_module, to_verilog
from hlsgen.rtl_templates.ports.pin_handshake import PinReceiver, PinSender
from hlsgen.rtl_templates.ports.words import WordAssembler, WordSplitter

REQUEST_IN, ACKNOWLEDGE_OUT, REQUEST_OUT, ACKNOWLEDGE_IN, LAST = range(5)
"""Pins of ``uio``."""
DRIVEN = 1 << ACKNOWLEDGE_OUT | 1 << REQUEST_OUT | 1 << LAST
"""Those of ``uio`` that the circuit drives."""
PINS = {
    "ui_in": (In, 8, "a byte of the input"),
    "uo_out": (Out, 8, "a byte of the output"),
    "uio_in": (In, 8, "0: the host changes it for each byte on ui_in; 3: equal to 2 once the host has the byte"),
    "uio_out": (Out, 8, "1: equal to 0 once the byte is taken; 2: changes for each byte on uo_out; 4: it is the last of a sample"),
    "uio_oe": (Out, 8, "constant: which of uio are driven"),
    "ena": (In, 1, "not read: high while the tile has power"),
    "clk": (In, 1, "clock"),
    "rst_n": (In, 1, "reset, active low, for at least three cycles; request and acknowledge are low then"),
}  # fmt: skip
"""Ports of a tile: direction, bits, meaning."""


class TileTop(wiring.Component):
    """The circuit of a manifest with one input and one output; its outputs ``flags`` lead nowhere.

    Members: ``PINS``. Words are sent with their lowest byte first. **Timing** see ``PinReceiver`` and ``PinSender``: about five cycles a byte.
    """

    def __init__(self, manifest: Manifest, flags: tuple[str, ...] = ()) -> None:
        self.manifest, self.flags = manifest, flags
        super().__init__({name: flow(bits) for name, (flow, bits, _) in PINS.items()})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        (source,), (sink,) = self.manifest.inputs, self.manifest.outputs
        m.domains.sync = ClockDomain("sync")
        m.d.comb += ClockSignal().eq(self.clk)
        m.submodules.reset_sync = FFSynchronizer(~self.rst_n, ResetSignal(), init=1)
        m.submodules.receiver = receiver = PinReceiver()
        m.submodules.assembler = assembler = WordAssembler(8 * source.word_bytes)
        m.submodules.splitter = splitter = WordSplitter(8 * sink.word_bytes)
        m.submodules.sender = sender = PinSender()
        wiring.connect(m, receiver.o, assembler.i)
        sent = Signal(range(sink.words * sink.word_bytes), name="sent")
        last = sent == sink.words * sink.word_bytes - 1
        m.d.comb += [
            receiver.data.eq(self.ui_in),
            receiver.request.eq(self.uio_in[REQUEST_IN]),
            sender.acknowledge.eq(self.uio_in[ACKNOWLEDGE_IN]),
            sender.i.payload.eq(Cat(splitter.o.payload, last)),
            sender.i.valid.eq(splitter.o.valid),
            splitter.o.ready.eq(sender.i.ready),
            self.uo_out.eq(sender.data),
            self.uio_oe.eq(DRIVEN),
            self.uio_out[ACKNOWLEDGE_OUT].eq(receiver.acknowledge),
            self.uio_out[REQUEST_OUT].eq(sender.request),
            self.uio_out[LAST].eq(sender.last),
        ]
        with m.If(sender.i.valid & sender.i.ready):
            m.d.sync += sent.eq(sent + 1)
            with m.If(last):
                m.d.sync += sent.eq(0)
        m.submodules.circuit = Instance(
            self.manifest.top, *self._connected(assembler.o, splitter.i)
        )
        return m

    def _connected(self, words_in: Any, words_out: Any) -> list[tuple[str, str, Any]]:
        """The ports of the circuit: its input takes ``words_in``, its output gives ``words_out``."""
        manifest, (source,), (sink,) = self.manifest, self.manifest.inputs, self.manifest.outputs
        unread = Signal(name="circuit_last")
        signals = {
            (source.axis, "tdata"): words_in.payload,
            (source.axis, "tvalid"): words_in.valid,
            (source.axis, "tready"): words_in.ready,
            (source.axis, "tlast"): Const(0),
            (sink.axis, "tdata"): words_out.payload,
            (sink.axis, "tvalid"): words_out.valid,
            (sink.axis, "tready"): words_out.ready,
            (sink.axis, "tlast"): unread,
        }
        ports: list[tuple[str, str, Any]] = [
            ("i", manifest.clock, ClockSignal()),
            ("i", manifest.reset, ResetSignal()),
        ]
        ports += [("o", flag, Signal(name=f"circuit_{flag}")) for flag in self.flags]
        for port, inwards in ((source, True), (sink, False)):
            for part in stream_parts(port):
                way = "i" if inwards == (part != "tready") else "o"
                ports.append((way, f"{port.axis}_{part}", signals[port.axis, part]))
        return ports


def tile_verilog(manifest: Manifest, flags: tuple[str, ...], name: str) -> str:
    """The Verilog of the module ``name``, a ``TileTop``; the circuit's own stands in its file. Raises ToolFailed."""
    clock = SystemPort(manifest.clock, 1, True), SystemPort(manifest.reset, 1, True)
    unused = (SystemPort(flag, 1, False) for flag in flags)
    circuit = (*clock, *unused, *stream_ports(manifest))
    outside = outside_module(manifest.top, [(p.name, p.bits, p.is_input) for p in circuit])
    design = Design(TileTop(manifest, flags), replace(manifest, top=name))
    rows = [
        (pin, "input" if flow is In else "output", str(bits), meaning)
        for pin, (flow, bits, meaning) in PINS.items()
    ]
    return heading(name, f"{manifest.top} behind the pins of a tile", rows) + to_verilog(
        design, elsewhere=outside
    )
