"""Bytes over pins to a host whose clock is another one: two-phase handshakes with the data beside them.

A wire changes its level with every byte (*request*); the other side makes a wire of its own equal to it (*acknowledge*) once it has the byte, and
until then the data stay as they are. Both wires are low in reset. Such a link needs no relation between the two clocks:
I. E. Sutherland, "Micropipelines", Communications of the ACM 32(6), 1989.
"""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out


class PinReceiver(wiring.Component):
    """Bytes from pins.

    Members
    -------
    data, request : In(8), In(1)
        Of the host: ``request`` changes once ``data`` are there, and both stay until ``acknowledge`` is equal to ``request``.
    acknowledge : Out(1)
        A register.
    o : stream of 8 bits
        ``o.payload`` is ``data``; ``o.valid`` does not depend on ``o.ready``.

    **Timing** A byte is valid two cycles after its request at the earliest; a host that answers at once passes one in four cycles.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "data": In(8),
                "request": In(1),
                "acknowledge": Out(1),
                "o": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        requested = Signal(name="requested")
        m.submodules.request_sync = FFSynchronizer(self.request, requested, reset_less=False)
        m.d.comb += [
            self.o.payload.eq(self.data),
            self.o.valid.eq(requested != self.acknowledge),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.acknowledge.eq(requested)
        return m


class PinSender(wiring.Component):
    """Bytes to pins.

    Members
    -------
    i : stream of 9 bits
        A byte, and above it whether it is the last of a sample. ``i.ready`` is low from a byte until the host has it.
    data, last, request : Out(8), Out(1), Out(1)
        Registers; ``request`` changes a cycle after ``data`` and ``last``, so that these are there whatever the lengths of the wires.
    acknowledge : In(1)
        Of the host.

    **Timing** A host that answers at once takes a byte in five cycles.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(9)),
                "data": Out(8),
                "last": Out(1),
                "request": Out(1),
                "acknowledge": In(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        acknowledged, waits = Signal(name="acknowledged"), Signal(name="waits")
        m.submodules.acknowledge_sync = FFSynchronizer(
            self.acknowledge, acknowledged, reset_less=False
        )
        m.d.comb += self.i.ready.eq((acknowledged == self.request) & ~waits)
        m.d.sync += waits.eq(self.i.valid & self.i.ready)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [self.data.eq(self.i.payload[:8]), self.last.eq(self.i.payload[8])]
        with m.If(waits):
            m.d.sync += self.request.eq(~self.request)
        return m
