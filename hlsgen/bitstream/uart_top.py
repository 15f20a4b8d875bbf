"""The minimal complete design of a board: its oscillator, its serial line, and the compiled circuit between them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from amaranth.back import rtlil
from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Const,
    Elaboratable,
    Instance,
    Module,
    Signal,
    ValueLike,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hlsgen.rtl_templates.ports.uart import UartLink

TOP = "board_top"
RESET_MICROSECONDS = 20
"""Length of the reset after configuration; the block RAMs of iCE40 need 15 us before they read rightly."""


class BoardTop(wiring.Component):
    """A compiled circuit between a serial line's words.

    Parameters
    ----------
    clock_mhz : float
        The oscillator.
    baud : int
        Bits per second of the line.
    input_prefix, output_prefix : str
        AXI4-Stream port prefixes of the circuit, e.g. ``s_axis``, ``m_axis``.
    word_in, word_out : int
        Bits of a word of each.
    depth : int
        Bytes of input that wait in a FIFO while the circuit is busy.
    input_last : bool
        Whether the input port has tlast.
    tied : Mapping[str, int]
        Other inputs of the circuit with the values that they hold.
    module : str
        The module of the circuit.

    Members
    -------
    clk, rx, tx : In(1), In(1), Out(1)

    **Timing** The circuit is held in reset for 20 us after configuration and for a cycle after each break of ``rx``.
    """

    def __init__(
        self,
        *,
        clock_mhz: float,
        baud: int,
        input_prefix: str,
        output_prefix: str,
        word_in: int,
        word_out: int,
        depth: int,
        input_last: bool = True,
        tied: Mapping[str, int] = MappingProxyType({}),
        module: str = "hlsgen_top",
    ) -> None:
        self.clock_mhz, self.baud = clock_mhz, baud
        self.input_prefix, self.output_prefix = input_prefix, output_prefix
        self.word_in, self.word_out, self.depth = word_in, word_out, depth
        self.input_last, self.tied, self.module = input_last, tied, module
        super().__init__({"clk": In(1), "rx": In(1, init=1), "tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.domains.sync = ClockDomain("sync", reset_less=True)
        m.submodules.link = link = UartLink(
            divisor=round(self.clock_mhz * 1e6 / self.baud),
            word_in=self.word_in,
            word_out=self.word_out,
            depth=self.depth,
        )
        wait = round(RESET_MICROSECONDS * self.clock_mhz)
        waited = Signal(range(wait + 1), name="waited")
        reset = Signal(init=1, name="reset")
        m.d.comb += [ClockSignal().eq(self.clk), link.rx.eq(self.rx), self.tx.eq(link.tx)]
        m.d.sync += reset.eq((waited != wait) | link.broken)
        with m.If(waited != wait):
            m.d.sync += waited.eq(waited + 1)

        ready, valid = Signal(name="ready"), Signal(name="valid")
        s, o = self.input_prefix, self.output_prefix
        tied = {**self.tied} | ({f"{s}_tlast": 0} if self.input_last else {})
        m.submodules.circuit = self.circuit(
            {
                "clk": ("i", ClockSignal()),
                "rst": ("i", reset),
                f"{s}_tdata": ("i", link.o.payload),
                f"{s}_tvalid": ("i", link.o.valid & ~reset),
                f"{s}_tready": ("o", ready),
                f"{o}_tdata": ("o", link.i.payload),
                f"{o}_tvalid": ("o", valid),
                f"{o}_tlast": ("o", Signal(name="end_of_sample")),
                f"{o}_tready": ("i", link.i.ready & ~reset),
                **{name: ("i", Const(value)) for name, value in tied.items()},
            }
        )
        m.d.comb += [link.o.ready.eq(ready & ~reset), link.i.valid.eq(valid & ~reset)]
        return m

    def circuit(self, ports: Mapping[str, tuple[str, ValueLike]]) -> Elaboratable:
        """The compiled circuit, connected to ``ports``: name -> ("i" or "o", signal)."""
        return Instance(
            self.module, *((way, name, signal) for name, (way, signal) in ports.items())
        )


def to_rtlil(top: BoardTop) -> str:
    """The board top as RTLIL, with the circuit as a cell to be read from ``design.v``."""
    return str(
        rtlil.convert(
            top,
            name=TOP,
            ports=[top.clk, top.rx, top.tx],
            emit_src=False,
        )
    )
