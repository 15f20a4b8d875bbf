"""Predicted against synthesised resources, process by process, by which the tables of ``hlsgen/cost`` are fitted.

``python -m benchmarks.calibrate_cost MODEL.onnx --board ulx3s_85f --interval 2000`` schedules the model, synthesises every process by itself
with its buffers and prints a line for each. Smaller units by themselves say little: without long paths around them abc9 spends LUTs on
speed (a drain alone takes three times the LUTs that it takes in its process).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from hlsgen.rtl_templates.stream.process import StreamProcess

from hlsgen.bitstream.build import synthesise
from hlsgen.bitstream.toolchain import Usage
from hlsgen.board import load_board
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.lowering.lower import lower
from hlsgen.passes import to_integer
from hlsgen.rtl.arrays import process_parameters
from hlsgen.rtl.verilog import to_verilog
from hlsgen.schedule.stream_network.cost import schedule_cost, total_cost
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.solver import schedule


class Alone(wiring.Component):
    """A design of one unit."""

    def __init__(self, unit: Any) -> None:
        self.unit = unit
        super().__init__(unit.signature)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.unit = self.unit
        wiring.connect(m, wiring.flipped(self), self.unit)
        return m


def synthesised(unit: Any, family: str) -> Usage:
    """What yosys reports for a unit by itself."""
    with tempfile.TemporaryDirectory(prefix="hlsgen_calibrate_") as folder:
        Path(folder, "design.v").write_text(to_verilog(Alone(unit)))
        return synthesise(folder, family)


def main() -> None:
    """Print predicted / synthesised LUT, FF, DSP and RAM blocks of each process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--board", required=True)
    parser.add_argument("--interval", type=int, help="at most so many cycles per sample")
    parser.add_argument("--process", action="append", help="only this process; repeatable")
    arguments = parser.parse_args()
    board = load_board(arguments.board)
    dataflow = lower(to_integer(read_model(arguments.model)).hardware).dataflow
    plan = schedule(dataflow, board, StreamOptions(target_interval=arguments.interval))
    costs = schedule_cost(plan, board.family)
    for process in dataflow.processes:
        if arguments.process and process.name not in arguments.process:
            continue
        want = total_cost({process.name: costs[process.name]})
        have = synthesised(StreamProcess(process_parameters(plan, process)), board.family)
        pairs = ", ".join(
            f"{label} {getattr(want, key)} / {getattr(have, key)}"
            for label, key in (("LUT", "lut"), ("FF", "ff"), ("DSP", "dsp"), ("RAM", "bram"))
        )
        print(
            f"{process.name}: {pairs} (predicted / found); {plan.arrays[process.name]}", flush=True
        )


if __name__ == "__main__":
    main()
