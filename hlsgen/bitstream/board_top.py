"""The complete design of a board: its oscillator, its serial line, the compiled circuit between them, and the clock of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from amaranth.back import rtlil
from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Const,
    DomainRenamer,
    Elaboratable,
    Instance,
    Module,
    ResetInserter,
    ResetSignal,
    Signal,
    ValueLike,
)
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hlsgen.algebra.link import HASH_BYTES, VERSION
from hlsgen.artefact.board_ports import BoardPort, BoardPorts
from hlsgen.bitstream.clocking import add_clocks
from hlsgen.board import Board
from hlsgen.clock.pll import PllSetting
from hlsgen.rtl_templates.ports.handover import Handover
from hlsgen.rtl_templates.ports.link import FrameLink
from hlsgen.rtl_templates.ports.measure import Measure, SampleReplay
from hlsgen.rtl_templates.ports.uart import LEAST_CYCLES, BitTimes
from hlsgen.rtl_templates.ports.words import WordAssembler, WordSplitter

TOP = "board_top"
RESET_MICROSECONDS = 20
"""Length of the reset after configuration; the block RAMs of iCE40 need 15 us before they read rightly."""
BUFFER_BYTES = {"ice40": 1024}
"""Bytes that wait on the board, of each input and output, where block RAM is scarce; elsewhere MANY_BYTES."""
MANY_BYTES = 2048
FINEST = 100
"""Parts of a cycle in which the lengths of bits are counted, at most: oscillators as of 33.333 MHz would need a counter of 50 bits."""


@dataclass(frozen=True)
class Circuit:
    """A compiled circuit: its module, its ports, and the SHA-256 of its Verilog (64 hexadecimal digits)."""

    module: str
    ports: BoardPorts
    verilog_sha256: str


class BoardTop(wiring.Component):
    """A compiled circuit behind the link of a board.

    Parameters
    ----------
    board : Board
    circuit : Circuit
    setting : PllSetting or None
        Of the circuit's clock; None: it is the oscillator's.

    Members
    -------
    clk, rx, tx : In(1), In(1), Out(1)

    **Timing** The link runs at the oscillator, whatever the circuit's clock. The circuit is held in reset for 20 us after configuration,
    while its clock is not steady, and when the host asks for it.
    """

    def __init__(self, board: Board, circuit: Circuit, setting: PllSetting | None) -> None:
        self.board, self.circuit, self.setting = board, circuit, setting
        super().__init__({"clk": In(1), "rx": In(1, init=1), "tx": Out(1, init=1)})

    @property
    def identity(self) -> Mapping[str, int]:
        """What the board says of itself."""
        uart, ports = self.board.build["uart"], self.circuit.ports
        digest = bytes.fromhex(self.circuit.verilog_sha256)[:HASH_BYTES]
        return {
            "version": VERSION,
            "inputs": len(ports.inputs),
            "outputs": len(ports.outputs),
            "capacity": BUFFER_BYTES.get(self.board.family, MANY_BYTES),
            "measures": int(ports.measures),
            "oscillator_khz": round(self.board.clock_mhz * 1000),
            "baud": uart["baud"],
            "fast_baud": uart["fast_baud"],
            "design": int.from_bytes(digest, "little"),
        }

    @property
    def times(self) -> BitTimes:
        """The lengths of bits at the oscillator."""
        hertz, uart = Fraction(self.board.clock_mhz) * 1_000_000, self.board.build["uart"]
        usual, fast = (
            (hertz / uart[rate]).limit_denominator(FINEST) for rate in ("baud", "fast_baud")
        )
        return BitTimes(max(usual, Fraction(LEAST_CYCLES)), max(fast, Fraction(LEAST_CYCLES)))

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.domains.sync = ClockDomain("sync", reset_less=True)
        m.domains.circuit = ClockDomain("circuit")
        steady = add_clocks(m, self.clk, self.board, self.setting)
        m.submodules.link = link = FrameLink(self.times, self.identity)
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx)]
        ports = self.circuit.ports
        connected: dict[str, tuple[str, ValueLike]] = {
            "clk": ("i", ClockSignal("circuit")),
            "rst": ("i", ResetSignal("circuit")),
            **{name: ("i", Const(value)) for name, value in ports.tied.items()},
        }
        self._reset(m, link, steady)
        measure = self._measure(m, link)
        first, last = [], []
        for number, port in enumerate(ports.inputs):
            first.append(self._input(m, link, measure, number, port, connected))
        for number, port in enumerate(ports.outputs):
            last.append(self._output(m, link, measure, number, port, connected))
        m.d.comb += [measure.first.eq(first[0]), measure.last.eq(last[0])]
        m.submodules.circuit = self.instance(connected)
        return m

    def _reset(self, m: Module, link: FrameLink, steady: ValueLike) -> None:
        """The circuit's domain is held in reset."""
        wait = round(RESET_MICROSECONDS * self.board.clock_mhz)
        waited, ready = Signal(range(wait + 1), name="waited"), Signal(name="ready")
        with m.If(waited != wait):
            m.d.sync += waited.eq(waited + 1)
        m.d.sync += ready.eq((waited == wait) & ~link.restart)
        running, reset = Signal(name="running"), Signal(init=1, name="circuit_reset")
        m.d.comb += running.eq(ready & steady)
        m.submodules.reset = FFSynchronizer(~running, reset, o_domain="circuit", init=1)
        m.d.comb += ResetSignal("circuit").eq(reset)

    def _measure(self, m: Module, link: FrameLink) -> Measure:
        """Levels of either side reach the other through two registers; numbers are read while they stand still."""
        measure = Measure()
        m.submodules.measure = DomainRenamer("circuit")(measure)
        for name in ("run", "hold", "ticked", "refused"):
            to_circuit = FFSynchronizer(
                getattr(link, name), getattr(measure, name), o_domain="circuit"
            )
            m.submodules[name] = to_circuit
        m.submodules.replay = FFSynchronizer(measure.replay, link.replay)
        counts = Handover(8, "circuit", "sync")
        m.submodules.counts = ResetInserter({"sync": link.restart})(counts)
        wiring.connect(m, measure.counts, counts.i)
        wiring.connect(m, counts.o, link.counts)
        m.d.comb += [
            measure.samples_wanted.eq(link.samples_wanted),
            measure.ticks.eq(link.ticks),
        ]
        return measure

    def _input(
        self,
        m: Module,
        link: FrameLink,
        measure: Measure,
        number: int,
        port: BoardPort,
        connected: dict[str, tuple[str, ValueLike]],
    ) -> ValueLike:
        """Bytes of the link to words of the circuit; returns what is high when a sample's first word goes in."""
        handover = Handover(8, "sync", "circuit")
        assembler = WordAssembler(port.word_bits)
        m.submodules[f"input_{number}"] = ResetInserter({"sync": link.restart})(handover)
        m.submodules[f"assembler_{number}"] = DomainRenamer("circuit")(assembler)
        wiring.connect(m, getattr(link, f"o{number}"), handover.i)
        wiring.connect(m, handover.o, assembler.i)
        words, first = assembler.o, Const(0)
        if port.words is not None:
            replay = SampleReplay(port.word_bits, port.words, self._kept_words(port))
            m.submodules[f"replay_{number}"] = DomainRenamer("circuit")(replay)
            wiring.connect(m, assembler.o, replay.i)
            m.d.comb += [replay.closed.eq(measure.closed), replay.replay.eq(measure.replay)]
            words, first = replay.o, replay.first
        connected |= {
            f"{port.prefix}_tdata": ("i", words.payload),
            f"{port.prefix}_tvalid": ("i", words.valid),
            f"{port.prefix}_tready": ("o", words.ready),
        }
        if port.last:
            connected[f"{port.prefix}_tlast"] = ("i", Const(0))
        return first

    def _kept_words(self, port: BoardPort) -> int:
        """Words of a sample that are kept to be run again: all of them where they fit the buffer's size."""
        assert port.words is not None
        room = max(1, 8 * self.identity["capacity"] // port.word_bits)
        return min(1 << (port.words - 1).bit_length(), 1 << room.bit_length() - 1)

    def _output(
        self,
        m: Module,
        link: FrameLink,
        measure: Measure,
        number: int,
        port: BoardPort,
        connected: dict[str, tuple[str, ValueLike]],
    ) -> ValueLike:
        """Words of the circuit to bytes of the link; returns what is high when a sample's last word comes out."""
        splitter, handover = WordSplitter(port.word_bits), Handover(8, "circuit", "sync")
        m.submodules[f"splitter_{number}"] = DomainRenamer("circuit")(splitter)
        m.submodules[f"output_{number}"] = ResetInserter({"sync": link.restart})(handover)
        wiring.connect(m, splitter.o, handover.i)
        wiring.connect(m, handover.o, getattr(link, f"i{number}"))
        valid, last = Signal(name=f"valid_{number}"), Signal(name=f"last_{number}")
        ready, ended = Signal(name=f"ready_{number}"), Signal(name=f"ended_{number}")
        m.d.comb += [
            splitter.i.valid.eq(valid & ~measure.closed),
            ready.eq(splitter.i.ready | measure.closed),
            ended.eq(valid & ready & last),
        ]
        connected |= {
            f"{port.prefix}_tdata": ("o", splitter.i.payload),
            f"{port.prefix}_tvalid": ("o", valid),
            f"{port.prefix}_tready": ("i", ready),
        }
        if port.last:
            connected[f"{port.prefix}_tlast"] = ("o", last)
        return ended

    def instance(self, ports: Mapping[str, tuple[str, ValueLike]]) -> Elaboratable:
        """The compiled circuit, connected to ``ports``: name -> ("i" or "o", signal)."""
        return Instance(
            self.circuit.module, *((way, name, signal) for name, (way, signal) in ports.items())
        )


def to_rtlil(top: BoardTop) -> str:
    """The board top as RTLIL, with the circuit as a cell to be read from ``design.v``."""
    return str(rtlil.convert(top, name=TOP, ports=[top.clk, top.rx, top.tx], emit_src=False))
