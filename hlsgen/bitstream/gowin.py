"""Gowin GW1N and GW2A: yosys synth_gowin, nextpnr-himbaechel, gowin_pack (Project Apicula)."""

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
from hlsgen.bitstream.tools import GOWIN_PACK, NEXTPNR_GOWIN, run_tool
from hlsgen.board import Board
from hlsgen.progress import Progress

MULTIPLIERS = {"MULT9X9": 1, "MULT18X18": 2, "MULTALU18X18": 2, "MULT36X36": 8}
"""How many MULT9X9 each multiplier primitive takes (Gowin UG287)."""

LUTS_PER_RAM16 = 4
"""LUTs of the slices that a RAM16SDP4 occupies."""


class Gowin(Toolchain):
    family = "gowin"

    def synthesis_command(self, board: Board | None, top: str) -> str:
        options = ("-family", "gw1n") if board is None else board.build["toolchain"]["yosys"]
        pads = "-noiopads " if board is None else ""
        return f"synth_gowin {' '.join(options)} {pads}-top {top}"

    def count(self, cells: Mapping[str, int]) -> Usage:
        """An ALU takes the place of a LUT; nextpnr counts the places that are taken under LUT4."""
        lut = sum(cells.get(f"LUT{inputs}", 0) for inputs in (1, 2, 3, 4)) + cells.get("ALU", 0)
        lut += LUTS_PER_RAM16 * sum(n for kind, n in cells.items() if kind.startswith("RAM16"))
        ff = sum(number for kind, number in cells.items() if kind.startswith("DFF"))
        dsp = sum(size * cells.get(kind, 0) for kind, size in MULTIPLIERS.items())
        ram = sum(
            number
            for kind, number in cells.items()
            if kind.startswith(("SP", "SDP", "DP", "pROM")) and not kind.startswith("DPR")
        )
        return Usage(lut, ff, dsp, ram, cells)

    def place_and_route(self, target: Target, synthesised: Usage, progress: Progress) -> Routed:
        folder, board, pins = target.folder, target.board, target.pins
        options = board.build["toolchain"]
        (folder / "top.cst").write_text(_constraints(pins))
        files = ("--json", "top.json", "--vopt", "cst=top.cst", "--write", "routed_netlist.json")
        timing = ("--freq", f"{options['target_mhz']}", "--timing-allow-fail", "--seed", "1")
        run_tool(
            NEXTPNR_GOWIN,
            (*options["nextpnr"], *files, *timing, "--report", "routed.json"),
            folder,
            "route.log",
            progress=progress,
            what="place and route (nextpnr-himbaechel)",
            stages=NEXTPNR_STAGES,
        )
        run_tool(
            GOWIN_PACK,
            (*options["pack"], "-o", "top.fs", "routed_netlist.json"),
            folder,
            "pack.log",
            progress=progress,
            what="packing the bitstream (gowin_pack)",
        )
        fmax, used = read_report(folder / "routed.json")
        usage = replace(synthesised, lut=used["LUT4"]["used"], ff=used["DFF"]["used"])
        return Routed(folder / "top.fs", fmax, usage, used)


def _constraints(pins: Pins) -> str:
    """The CST file."""
    lines = []
    for port, pin in pins.named():
        lines += [f'IO_LOC "{port}" {pin};', f'IO_PORT "{port}" IO_TYPE={pins.io_standard};']
    return "\n".join(lines) + "\n"
