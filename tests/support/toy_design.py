"""A small design with the ports and the manifest of a compiled one, for tests of the build."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hlsgen.algebra.types import S8
from hlsgen.artefact.folder import Artefact, new_folder
from hlsgen.artefact.manifest import Manifest
from hlsgen.artefact.port import Port
from hlsgen.artefact.report import Head, Report
from hlsgen.bitstream.tools import YOSYS, run_tool


class Toy(wiring.Component):
    """Multiplies each sample by a table and by what came 16 words earlier, and sums."""

    def __init__(self) -> None:
        word = stream.Signature(16)
        super().__init__({"i": In(word), "o": Out(word), "i_last": In(1), "o_last": Out(1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.table = table = Memory(
            shape=8, depth=1024, init=[k % 251 for k in range(1024)]
        )
        m.submodules.past = past = Memory(shape=16, depth=1024, init=[], attrs={"no_collision": 1})
        factor, write, earlier = table.read_port(), past.write_port(), past.read_port()
        address, behind = Signal(10), Signal(10)
        total = Signal(32, reset_less=True)
        take = Signal()
        m.d.comb += [
            self.i.ready.eq(self.o.ready | ~self.o.valid),
            take.eq(self.i.valid & self.i.ready),
            factor.addr.eq(address),
            write.addr.eq(address),
            write.data.eq(self.i.payload),
            write.en.eq(take),
            earlier.addr.eq(behind),
            self.o.payload.eq(total >> 8),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(take):
            low, high = self.i.payload[:8].as_signed(), self.i.payload[8:].as_signed()
            product = low * factor.data.as_signed() + high * earlier.data[:8].as_signed()
            m.d.sync += [address.eq(address + 1), behind.eq(behind + low[:3])]
            m.d.sync += [total.eq(total + product), self.o.valid.eq(1)]
        return m


def write_toy(folder: Path, inputs: int = 1) -> Path:
    """Write ``design.v``, ``manifest.json`` and ``report.json`` of the toy as ``hlsgen compile`` would."""
    toy = Toy()
    ports: dict[str, Any] = {"clk": None, "rst": None}
    for axis, port, last in (("s_axis", toy.i, toy.i_last), ("m_axis", toy.o, toy.o_last)):
        ports[f"{axis}_tdata"] = (port.payload, None)
        ports[f"{axis}_tvalid"] = (port.valid, None)
        ports[f"{axis}_tready"] = (port.ready, None)
        ports[f"{axis}_tlast"] = (last, None)
    ports = {name: port for name, port in ports.items() if port is not None}
    text = rtlil.convert(toy, name="hlsgen_top", ports=ports, emit_src=False)
    with TemporaryDirectory() as scratch:
        work = Path(scratch)
        (work / "design.il").write_text(text)
        commands = "read_rtlil design.il\nproc\nmemory_collect\nwrite_verilog -sv design.v\n"
        (work / "design.ys").write_text(commands)
        run_tool(YOSYS, ("design.ys",), work, "design.log")
        design = (work / "design.v").read_bytes()
    source, sink = (
        Port("x", "x", (1, 2, 8, 8), (0, 2, 3, 1), (8, 8, 2), S8, axis, 2)
        for axis in ("s_axis", "m_axis")
    )
    manifest = Manifest(
        kind="stream_network",
        inputs=(source,) * inputs,
        outputs=(sink,),
        interval_cycles=64,
        latency_cycles=64,
    )
    report = Report("toy", Head(lut=100, dsp=2, bram=2), {}, "")
    with new_folder(folder) as written:
        written.commit(Artefact({"design.v": design}, manifest, report))
    return folder
