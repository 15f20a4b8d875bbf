"""A unit between flip-flops on a device: what surrounds it, and what place and route says of its speed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    Elaboratable,
    Module,
    ResetSignal,
    Signal,
    Value,
)
from amaranth.lib.wiring import In

from hlsgen.bitstream.build import TOOLCHAINS, synthesised
from hlsgen.bitstream.pins import pins_of
from hlsgen.bitstream.place_and_route import read_report, route_step
from hlsgen.bitstream.steps import Workplace, run_step
from hlsgen.bitstream.synthesis import NETLIST, SynthesisJob
from hlsgen.bitstream.toolchain import BoardTarget, OpenToolchain
from hlsgen.board import Board
from hlsgen.processes import Running
from hlsgen.progress import silent

TOP = "board_top"


class Surroundings(Elaboratable):
    """A unit whose inputs come out of a shift register and whose outputs go, each through a flip-flop, into one bit.

    The ports are those of a board's top (clk, rx, tx), so that a unit of any number of bits fits a package.
    """

    def __init__(self, unit: Any) -> None:
        self.unit = unit
        self.clk, self.rx, self.tx = Signal(name="clk"), Signal(name="rx"), Signal(name="tx")

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.unit = self.unit
        m.domains.sync, m.domains.around = (
            ClockDomain("sync"),
            ClockDomain("around", reset_less=True),
        )
        m.d.comb += [ClockSignal("sync").eq(self.clk), ClockSignal("around").eq(self.clk)]
        inputs: list[Value] = [ResetSignal("sync")]
        outputs: list[Value] = []
        for _, member, port in self.unit.signature.flatten(self.unit):
            (inputs if member.flow is In else outputs).append(Value.cast(port))
        # Kept: else registers of equal content on both sides of the unit's border become one.
        chain = Signal(sum(map(len, inputs)), attrs={"keep": 1}, name="chain")
        m.d.around += chain.eq(Cat(self.rx, chain[:-1]))
        m.d.comb += Cat(*inputs).eq(chain)
        bits: Value = Cat(*outputs)
        level = 0
        while True:
            taken = Signal(len(bits), name=f"taken_{level}")
            m.d.around += taken.eq(bits)
            if len(bits) == 1:
                break
            bits = Cat(*(taken[k : k + 4].xor() for k in range(0, len(taken), 4)))
            level += 1
        m.d.comb += self.tx.eq(taken)
        return m


@dataclass(frozen=True)
class Measured:
    """What one unit takes on a device, and its Fmax and slowest path with each seed."""

    lut: int
    ff: int
    dsp: int
    bram: int
    fmax_mhz: dict[int, float]
    path: dict[str, Any]


def measured(unit: Any, board: Board, folder: Path, seeds: tuple[int, ...]) -> Measured:
    """Place and route a unit by itself. Resources are those of synthesis, without what surrounds the unit. Raises ToolFailed."""
    toolchain = TOOLCHAINS[board.family]
    assert isinstance(toolchain, OpenToolchain)
    folder.mkdir(parents=True, exist_ok=True)
    top = Surroundings(unit)
    text = rtlil.convert(top, name=TOP, ports=[top.clk, top.rx, top.tx], emit_src=False)
    (folder / "unit.il").write_text(text)
    place, goal = Workplace(folder, silent, Running()), board.build["toolchain"]["target_mhz"]
    target = BoardTarget(board, pins_of(board), large=False, goal_mhz=float(goal))
    usage = synthesised(toolchain, place, SynthesisJob(("unit.il",), TOP, board))
    (folder / toolchain.constraints_file).write_text(toolchain.constraints(target))
    fmax: dict[int, float] = {}
    for seed in seeds:
        run_step(route_step(toolchain, target, NETLIST, usage, seed), place)
        fmax[seed] = round(read_report(folder, seed, two_clocks=False).circuit_mhz or 0.0, 1)
    slowest = min(fmax, key=lambda seed: fmax[seed])
    around = _around(top)
    path = slowest_path(json.loads((folder / f"seed_{slowest}.json").read_text()))
    return Measured(usage.lut, usage.ff - around, usage.dsp, usage.bram, fmax, path)


def _around(top: Surroundings) -> int:
    """Flip-flops of the surroundings."""
    flows = [
        (member.flow, len(Value.cast(port)))
        for _, member, port in top.unit.signature.flatten(top.unit)
    ]
    count = 1 + sum(bits for _, bits in flows)
    bits = sum(bits for flow, bits in flows if flow is not In)
    while bits > 1:
        bits = -(-bits // 4)
        count += bits
    return count


def slowest_path(report: dict[str, Any]) -> dict[str, Any]:
    """The slowest path between clocked cells in nextpnr's report: its ends without the tools' suffixes, nanoseconds in cells and in wires."""
    clocked = [
        path["path"]
        for path in report["critical_paths"]
        if "async" not in path["from"] + path["to"]
    ]
    steps = max(clocked, key=lambda path: sum(step["delay"] for step in path))
    wires = sum(step["delay"] for step in steps if step["type"] == "routing")
    whole = sum(step["delay"] for step in steps)
    return {
        "from": _name(steps[0]["from"]["cell"]),
        "to": _name(steps[-1]["to"]["cell"]),
        "logic_ns": round(whole - wires, 2),
        "wires_ns": round(wires, 2),
    }


def _name(cell: str) -> str:
    """The signal or memory after which a cell is named."""
    for mark in (
        "_TRELLIS",
        "_MULT18X18D",
        "_LUT4",
        "_CCU2C",
        "_SB_",
        "_DFF",
        "_ALU",
        "_PFUMX",
        "_MUX",
    ):
        cell = cell.partition(mark)[0]
    return cell
