"""Lattice ECP5: yosys synth_ecp5, nextpnr-ecp5, ecppack (Project Trellis)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hlsgen.bitstream.toolchain import (
    NEXTPNR_STAGES,
    Pins,
    Routed,
    Target,
    Toolchain,
    Usage,
    read_report,
)
from hlsgen.bitstream.tools import ECPPACK, NEXTPNR_ECP5, run_tool
from hlsgen.board import Board
from hlsgen.progress import Progress


class Ecp5(Toolchain):
    family = "ecp5"

    def synthesis_command(self, board: Board | None, top: str) -> str:
        return f"synth_ecp5 -top {top}"

    def count(self, cells: Mapping[str, int]) -> Usage:
        """A CCU2C takes two of nextpnr's TRELLIS_COMB; a DPR16X4 four, and a RAMW that blocks two more."""
        lut = cells.get("LUT4", 0) + 2 * cells.get("CCU2C", 0) + 6 * cells.get("TRELLIS_DPR16X4", 0)
        bram = cells.get("DP16KD", 0) + cells.get("PDPW16KD", 0)
        return Usage(lut, cells.get("TRELLIS_FF", 0), cells.get("MULT18X18D", 0), bram, cells)

    def place_and_route(self, target: Target, synthesised: Usage, progress: Progress) -> Routed:
        folder, board, pins = target.folder, target.board, target.pins
        options = board.build["toolchain"]
        (folder / "top.lpf").write_text(_constraints(pins, board.clock_mhz))
        files = ("--json", "top.json", "--lpf", "top.lpf", "--textcfg", "top.config")
        target_mhz = board.clock_mhz if target.large else options["target_mhz"]
        timing = ("--freq", f"{target_mhz}", "--timing-allow-fail", "--seed", "1")
        ways = ("--placer", "static", "--router", "router2") if target.large else ()
        run_tool(
            NEXTPNR_ECP5,
            (*options["nextpnr"], *files, *timing, *ways, "--report", "routed.json"),
            folder,
            "route.log",
            progress=progress,
            what="place and route (nextpnr-ecp5)",
            stages=NEXTPNR_STAGES,
        )
        run_tool(
            ECPPACK,
            ("--compress", "--input", "top.config", "--bit", "top.bit"),
            folder,
            "pack.log",
            progress=progress,
            what="packing the bitstream (ecppack)",
        )
        fmax, used = read_report(folder / "routed.json")
        usage = replace(
            synthesised,
            lut=used["TRELLIS_COMB"]["used"],
            ff=used["TRELLIS_FF"]["used"],
        )
        return Routed(folder / "top.bit", fmax, usage, used)


def _constraints(pins: Pins, clock_mhz: float) -> str:
    """The LPF file. ``clock_mhz`` is kept for the reader: nextpnr's goal is an option."""
    lines = [f"# oscillator {clock_mhz} MHz"]
    for port, pin in pins.named():
        lines += [
            f'LOCATE COMP "{port}" SITE "{pin}";',
            f'IOBUF PORT "{port}" IO_TYPE={pins.io_standard};',
        ]
    return "\n".join(lines) + "\n"
