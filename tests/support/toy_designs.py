"""Small devices under test, in Amaranth: two processes behind AXI4-Stream ports, right or with one fault."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Call, Literal, Operand
from hlsgen.algebra.scalar import Add, Clamp, Subtract
from hlsgen.algebra.types import S8
from hlsgen.artefact.declared import Declared
from hlsgen.artefact.digest import sha256
from hlsgen.artefact.manifest import Manifest
from hlsgen.artefact.port import Port, ProcessPoint
from hlsgen.dataflow.ir import Channel, Dataflow, Elementwise, Loop, Pass, Process, Read, Write
from hlsgen.verify.reference import Samples

FAULTS = ("", "wrong value", "valid withdrawn", "late last", "stops", "surplus word")
SHAPE = (2, 3, 4)  # height, width, channels


class Stage(wiring.Component):
    """One register: each element negated, or increased by 1; with a fault, in words 13 and later."""

    def __init__(self, lanes: int, negate: bool, fault: str) -> None:
        self.lanes, self.negate, self.fault = lanes, negate, fault
        super().__init__(
            {"i": In(stream.Signature(8 * lanes)), "o": Out(stream.Signature(8 * lanes))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(16)
        late = Signal()
        m.d.comb += [self.i.ready.eq(~self.o.valid | self.o.ready), late.eq(count >= 13)]
        if self.fault == "stops":
            m.d.comb += self.i.ready.eq((~self.o.valid | self.o.ready) & ~late)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += count.eq(count + 1)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += self.o.valid.eq(self.i.valid & self.i.ready)
            for k in range(self.lanes):
                element = self.i.payload.word_select(k, 8)
                result = -element if self.negate else element + 1
                if self.fault == "wrong value" and k == 0:
                    result = result + (late & (count == 13))
                m.d.sync += self.o.payload.word_select(k, 8).eq(result)
        if self.fault == "valid withdrawn":
            with m.Elif(late):
                m.d.sync += self.o.valid.eq(0)
        if self.fault == "surplus word":
            m.d.sync += self.o.valid.eq(1)
        return m


class ToyTop(Elaboratable):
    """negate, then increase by 1; ``faulty`` names the stage that has the fault."""

    def __init__(self, lanes: int, fault: str = "", faulty: int = 1) -> None:
        self.lanes, self.fault, self.faulty = lanes, fault, faulty
        self.ports = {
            f"{side}_axis_t{part}": Signal(
                8 * lanes if part == "data" else 1, name=f"{side}_axis_t{part}"
            )
            for side in "sm"
            for part in ("data", "valid", "ready", "last")
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ports, words = self.ports, words_per_sample(self.lanes)
        faults = [self.fault if k == self.faulty else "" for k in range(2)]
        m.submodules.process_0 = first = Stage(self.lanes, True, faults[0])
        m.submodules.process_1 = second = Stage(self.lanes, False, faults[1])
        connect(m, first.o, second.i)
        position = Signal(range(words + 1))
        last = words - 1 + (self.fault == "late last")
        m.d.comb += [
            first.i.payload.eq(ports["s_axis_tdata"]),
            first.i.valid.eq(ports["s_axis_tvalid"]),
            ports["s_axis_tready"].eq(first.i.ready),
            ports["m_axis_tdata"].eq(second.o.payload),
            ports["m_axis_tvalid"].eq(second.o.valid),
            second.o.ready.eq(ports["m_axis_tready"]),
            ports["m_axis_tlast"].eq(position == last),
        ]
        with m.If(second.o.valid & second.o.ready):
            m.d.sync += position.eq(position + 1)
            with m.If(position == last):
                m.d.sync += position.eq(0)
        return m


def words_per_sample(lanes: int) -> int:
    height, width, channels = SHAPE
    return height * width * -(-channels // lanes)


def write_toy(directory: Path, lanes: int = 3, fault: str = "", faulty: int = 1) -> None:
    """Write design.v and manifest.json of a toy."""
    directory.mkdir(parents=True, exist_ok=True)
    top = ToyTop(lanes, fault, faulty)
    text = rtlil.convert(top, name="hlsgen_top", ports=list(top.ports.values()))
    (directory / "design.il").write_text(text)
    script = "read_rtlil design.il; proc; memory_collect; write_verilog -noattr design.v"
    program = "import sys; from pyosys import libyosys; d = libyosys.Design(); [d.run_pass(c) for c in sys.argv[1].split('; ')]"
    subprocess.run(
        [sys.executable, "-c", program, script], cwd=directory, check=True, capture_output=True
    )
    write_manifest(directory, lanes)


def write_manifest(directory: Path, lanes: int = 3, **changes: object) -> None:
    """The manifest of DIR/design.v; ``changes`` are other fields of its JSON object."""
    height, width, channels = SHAPE
    source, sink = (
        Port(value, value, (1, channels, height, width), (0, 2, 3, 1), SHAPE, S8, axis, lanes)
        for axis, value in (("s_axis", "x"), ("m_axis", "y"))
    )
    manifest = Manifest(
        kind="stream_network",
        inputs=(source,),
        outputs=(sink,),
        processes=(
            ProcessPoint("negate", "process_0", "negated", lanes),
            ProcessPoint("increase", "process_1", "y", lanes),
        ),
        interval_cycles=words_per_sample(lanes),
        latency_cycles=words_per_sample(lanes) + 1,
        declared=(Declared("y", "integer"),),
        files={"design.v": sha256((directory / "design.v").read_bytes())},
    )
    fields = json.loads(manifest.to_text()) | changes
    (directory / "manifest.json").write_text(json.dumps(fields))


def toy_dataflow() -> Dataflow:
    """The meaning of the toy: clamp(-x) then clamp(+1); inputs stay away from where these would saturate."""
    clamp = Clamp(-128, 127)
    return Dataflow(
        "toy",
        {name: Channel(name, SHAPE, S8) for name in ("x", "negated", "y")},
        {},
        (
            _elementwise(
                "negate",
                "x",
                "negated",
                Call(clamp, (Call(Subtract(), (Literal(0), Operand("r0"))),)),
            ),
            _elementwise(
                "increase", "negated", "y", Call(clamp, (Call(Add(), (Operand("r0"), Literal(1))),))
            ),
        ),
        ("x",),
        ("y",),
    )


def _elementwise(name: str, source: str, target: str, finish: Call) -> Process:
    height, width, channels = SHAPE
    loops = (Loop("y", height), Loop("x", width), Loop("g", channels), Loop("o", 1))
    loops += tuple(Loop(reduce, 1, True) for reduce in ("ky", "kx", "i"))
    index = tuple(Affine(0, ((loop, 1),)) for loop in ("y", "x", "g"))
    return Process(
        name,
        loops,
        (Read(source, index),),
        Write(target, index),
        Pass(),
        Elementwise(finish),
    )


@dataclass(frozen=True)
class ToyReference:
    """The reference of the toy: y = 1 - x; ``off``: by how much the declared session differs where y is above 100."""

    off: int = 0
    title: str = "toy"
    others: tuple[str, ...] = ("default", "integer")
    inputs: tuple[str, ...] = ("x",)

    def samples(
        self, inputs: Mapping[str, np.ndarray] | None, limit: int | None, seed: int
    ) -> Samples:
        assert inputs is not None
        hardware = {"x": inputs["x"].reshape((-1, 1, 4, 2, 3)).astype(np.int64)}
        return Samples(len(inputs["x"]), inputs, hardware)

    def integers(self, samples: Samples) -> Mapping[str, np.ndarray]:
        return {"y": 1 - samples.hardware["x"]}

    def results(
        self, samples: Samples, outputs: Mapping[str, np.ndarray]
    ) -> Mapping[str, np.ndarray]:
        return outputs

    def answers(self, other: str, samples: Samples) -> Mapping[str, np.ndarray]:
        # As with the real one, the two sessions disagree with each other now and then.
        answer = 1 - samples.hardware["x"]
        return {"y": answer + (other == "default") * (answer == 7) + self.off * (answer > 100)}

    def dataflow(self, nudged: bool) -> Dataflow:
        return toy_dataflow()


def toy_samples(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(seed).integers(-126, 127, (count, 4, 2, 3), dtype=np.int8)}
