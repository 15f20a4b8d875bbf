"""Predicted against synthesised resources, by which the tables of ``hlsgen/cost/units.py`` are fitted.

``python benchmarks/calibrate_cost.py MODEL.onnx --board ulx3s_85f --board icebreaker --interval 2000`` compiles the model
for each board, synthesises the bare design (no board top, no place and route) and prints a line per board.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from hlsgen.artefact.manifest import TOP
from hlsgen.bitstream.build import synthesise
from hlsgen.bitstream.toolchain import Usage
from hlsgen.board import load_board
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.lowering.lower import lower
from hlsgen.passes import to_integer
from hlsgen.rtl.emit import emit
from hlsgen.rtl.verilog import to_verilog
from hlsgen.schedule.stream_network.cost import schedule_cost, total_cost
from hlsgen.schedule.stream_network.ir import StreamSchedule
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.solver import schedule


def synthesised(plan: StreamSchedule, family: str) -> Usage:
    """What yosys reports for the schedule's design."""
    with tempfile.TemporaryDirectory(prefix="hlsgen_calibrate_") as folder:
        work = Path(folder)
        (work / "design.v").write_text(to_verilog(emit(plan)))
        return synthesise(work, family, top=TOP)


def main() -> None:
    """Print predicted / synthesised LUT, FF, DSP and RAM blocks for each board."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--board", action="append", required=True)
    parser.add_argument("--interval", type=int, help="at most so many cycles per sample")
    arguments = parser.parse_args()
    dataflow = lower(to_integer(read_model(arguments.model)).hardware).dataflow
    for name in arguments.board:
        board = load_board(name)
        plan = schedule(dataflow, board, StreamOptions(target_interval=arguments.interval))
        want = total_cost(schedule_cost(plan, board.family))
        have = synthesised(plan, board.family)
        pairs = ", ".join(
            f"{label} {getattr(want, key)} / {getattr(have, key)}"
            for label, key in (("LUT", "lut"), ("FF", "ff"), ("DSP", "dsp"), ("RAM", "bram"))
        )
        print(f"{arguments.model} {name}, interval {plan.interval}: {pairs} (predicted / found)")


if __name__ == "__main__":
    main()
