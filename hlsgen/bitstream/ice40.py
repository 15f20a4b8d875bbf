"""Lattice iCE40: yosys synth_ice40, nextpnr-ice40, icepack (Project IceStorm)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hlsgen.bitstream.toolchain import (
    NEXTPNR_STAGES,
    Routed,
    Target,
    Toolchain,
    Usage,
    read_report,
)
from hlsgen.bitstream.tools import ICEPACK, NEXTPNR_ICE40, run_tool
from hlsgen.board import Board
from hlsgen.progress import Progress


class Ice40(Toolchain):
    family = "ice40"

    def synthesis_command(self, board: Board | None, top: str) -> str:
        device = ("-device", "u") if board is None else board.build["toolchain"]["yosys"]
        return f"synth_ice40 {' '.join(device)} -dsp -top {top}"

    def count(self, cells: Mapping[str, int]) -> Usage:
        """SB_CARRY shares a logic cell with the LUT that adds; only what nextpnr packs otherwise is missing here."""
        ff = sum(number for kind, number in cells.items() if kind.startswith("SB_DFF"))
        ram = sum(number for kind, number in cells.items() if kind.startswith("SB_RAM40_4K"))
        return Usage(cells.get("SB_LUT4", 0), ff, cells.get("SB_MAC16", 0), ram, cells)

    def place_and_route(self, target: Target, synthesised: Usage, progress: Progress) -> Routed:
        folder, board, pins = target.folder, target.board, target.pins
        options = board.build["toolchain"]
        (folder / "top.pcf").write_text(
            "".join(f"set_io {port} {pin}\n" for port, pin in pins.named())
        )
        files = ("--json", "top.json", "--pcf", "top.pcf", "--asc", "top.asc")
        timing = ("--freq", f"{options['target_mhz']}", "--timing-allow-fail", "--seed", "1")
        run_tool(
            NEXTPNR_ICE40,
            (*options["nextpnr"], *files, *timing, "--report", "routed.json"),
            folder,
            "route.log",
            progress=progress,
            what="place and route (nextpnr-ice40)",
            stages=NEXTPNR_STAGES,
        )
        run_tool(
            ICEPACK,
            ("top.asc", "top.bin"),
            folder,
            "pack.log",
            progress=progress,
            what="packing the bitstream (icepack)",
        )
        fmax, used = read_report(folder / "routed.json")
        usage = replace(synthesised, lut=used["ICESTORM_LC"]["used"])
        return Routed(folder / "top.bin", fmax, usage, used)
