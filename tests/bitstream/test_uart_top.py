"""The board top: bytes on the line come back through the circuit, after reset and after a break."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Elaboratable, Module
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.sim import Simulator

from hlsgen.bitstream.uart_top import BoardTop, to_rtlil

DIVISOR = 4
OPTIONS = {
    "clock_mhz": 4.0,
    "baud": 1_000_000,
    "input_prefix": "s_axis",
    "output_prefix": "m_axis",
    "word_in": 16,
    "word_out": 16,
    "depth": 16,
}


class TopAroundFifo(BoardTop):
    """The board top with a FIFO in the place of the compiled circuit, which a simulator of Amaranth cannot run."""

    def circuit(self, ports: Mapping[str, tuple[str, Any]]) -> Elaboratable:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=16, depth=4)
        signals = {name: signal for name, (_, signal) in ports.items()}
        m.d.comb += [
            fifo.w_data.eq(signals["s_axis_tdata"]),
            fifo.w_en.eq(signals["s_axis_tvalid"]),
            signals["s_axis_tready"].eq(fifo.w_rdy),
            signals["m_axis_tdata"].eq(fifo.r_data + 1),
            signals["m_axis_tvalid"].eq(fifo.r_rdy),
            fifo.r_en.eq(signals["m_axis_tready"]),
        ]
        return m


class Line:
    """A host at the other end of the line, which also turns the crank of the clock."""

    def __init__(self, ctx: Any, top: BoardTop) -> None:
        self.ctx, self.top = ctx, top
        self.seen: list[int] = []

    async def cycles(self, count: int) -> None:
        for _ in range(count):
            self.ctx.set(self.top.clk, 1)
            await self.ctx.delay(1e-7)
            self.ctx.set(self.top.clk, 0)
            await self.ctx.delay(1e-7)
            self.seen.append(self.ctx.get(self.top.tx))

    async def send(self, data: bytes) -> None:
        for byte in data:
            for bit in (0, *((byte >> k) & 1 for k in range(8)), 1):
                self.ctx.set(self.top.rx, bit)
                await self.cycles(DIVISOR)

    async def send_break(self) -> None:
        self.ctx.set(self.top.rx, 0)
        await self.cycles(20 * DIVISOR)
        self.ctx.set(self.top.rx, 1)
        await self.cycles(2 * DIVISOR)

    def received(self) -> bytes:
        """Every byte that the board has sent."""
        sent, at = bytearray(), 0
        while at < len(self.seen):
            if self.seen[at]:
                at += 1
                continue
            bits = [self.seen[at + DIVISOR // 2 + DIVISOR * (k + 1)] for k in range(8)]
            sent.append(sum(bit << k for k, bit in enumerate(bits)))
            at += 10 * DIVISOR - DIVISOR // 2
        return bytes(sent)


def test_words_go_through_the_circuit_and_a_break_begins_anew() -> None:
    top = TopAroundFifo(**OPTIONS)

    async def host(ctx: Any) -> None:
        line = Line(ctx, top)
        await line.cycles(100)  # reset after configuration
        await line.send(b"\x10\x20\x30\x40")
        await line.cycles(60 * DIVISOR)
        assert line.received() == b"\x11\x20\x31\x40"
        await line.send(b"\x99")  # half a word, then a break
        await line.send_break()
        await line.send(b"\xff\x01")
        await line.cycles(60 * DIVISOR)
        assert line.received() == b"\x11\x20\x31\x40\x00\x02"

    simulator = Simulator(top)
    simulator.add_testbench(host)
    simulator.run()


def test_the_top_refers_to_the_circuit_by_name() -> None:
    text = to_rtlil(BoardTop(**OPTIONS))
    assert "cell \\hlsgen_top \\circuit" in text
    for port in ("clk", "rst", "s_axis_tdata", "s_axis_tlast", "m_axis_tready"):
        assert f"connect \\{port} " in text
