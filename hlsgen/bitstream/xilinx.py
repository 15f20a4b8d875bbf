"""Xilinx 7 series: Verilog, constraints and a Vivado script; no open tool makes the bitstream here.

yosys synth_xilinx gives the resources, so that the prediction has something to stand beside.
"""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.bitstream.pins import Pins
from hlsgen.bitstream.steps import BuildStep, Workplace
from hlsgen.bitstream.toolchain import BoardTarget, Toolchain, Usage
from hlsgen.bitstream.tools import YOSYS, identity, run_tool
from hlsgen.board import Board


class Xilinx7(Toolchain):
    """AMD 7 series: yosys only; the vendor's tools place and route."""

    family = "xilinx7"
    memory_label = None
    coarse_label = "prepare"
    cells_label = "finalize"
    classic_mapping = (
        "opt_expr -mux_undef -noclkinv",
        "abc -luts 2:2,3,6:5,10,20 -dress",
        "clean",
        "xilinx_srl -fixed -minlen 3",
        "techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6",
        "xilinx_dffopt",
        "opt_lut_ins -tech xilinx",
    )

    def synthesis_command(self, board: Board | None, top: str) -> str:
        pads = "-noiopad -noclkbuf " if board is None else ""
        return f"synth_xilinx -family xc7 -flatten {pads}-top {top}"

    def count(self, cells: Mapping[str, int]) -> Usage:
        """Block RAM counts RAMB18; a LUT RAM counts the LUTs it occupies (UG474)."""
        lut_ram = {"RAM64M": 4, "RAM32M": 4, "RAM64X1D": 2, "RAM32X1D": 2, "RAM128X1D": 4}
        shift = cells.get("SRL16E", 0) + cells.get("SRLC32E", 0)
        lut = sum(cells.get(f"LUT{inputs}", 0) for inputs in range(1, 7)) + shift
        lut += sum(size * cells.get(kind, 0) for kind, size in lut_ram.items())
        ff = sum(cells.get(kind, 0) for kind in ("FDRE", "FDSE", "FDCE", "FDPE"))
        ram = cells.get("RAMB18E1", 0) + 2 * cells.get("RAMB36E1", 0)
        return Usage(lut, ff, cells.get("DSP48E1", 0), ram, cells)

    def scripts(self, target: BoardTarget) -> BuildStep:
        """The step that writes the board top as Verilog, constraints and the Vivado script."""
        script = "\n".join(
            ("read_rtlil board_top.il", "proc", "memory_collect", "write_verilog board_top.v", "")
        )
        constraints = _constraints(target.pins, target.board.clock_mhz)
        build = _script(target.board.build["toolchain"]["part"])

        def work(place: Workplace) -> None:
            (place.folder / "verilog.ys").write_text(script)
            run_tool(
                YOSYS,
                ("verilog.ys",),
                place.folder,
                "verilog.log",
                progress=place.progress,
                what="writing Verilog",
                running=place.running,
            )
            (place.folder / "board_top.xdc").write_text(constraints)
            (place.folder / "build.tcl").write_text(build)

        settings = (script, constraints, build, identity(YOSYS))
        outputs = ("board_top.v", "board_top.xdc", "build.tcl")
        return BuildStep("scripts", ("board_top.il",), outputs, settings, work)


def _constraints(pins: Pins, clock_mhz: float) -> str:
    """The XDC file."""
    lines = [f"create_clock -name clk -period {1000 / clock_mhz:.3f} [get_ports clk]"]
    lines += [
        f"set_property -dict {{PACKAGE_PIN {pin} IOSTANDARD {pins.io_standard}}} [get_ports {port}]"
        for port, pin in pins.named()
    ]
    return "\n".join(lines) + "\n"


def _script(part: str) -> str:
    """The Vivado script; run it in this folder: vivado -mode batch -source build.tcl."""
    return "\n".join(
        (
            "read_verilog -sv design.v",
            "read_verilog board_top.v",
            "read_xdc board_top.xdc",
            f"synth_design -top board_top -part {part}",
            "opt_design",
            "place_design",
            "route_design",
            "report_utilization -file utilization.rpt",
            "report_timing_summary -file timing.rpt",
            "write_bitstream -force top.bit",
            "",
        )
    )
