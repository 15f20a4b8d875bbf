"""Gowin GW1N and GW2A: yosys synth_gowin, nextpnr-himbaechel, gowin_pack (Project Apicula)."""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.bitstream.carry_cells import GOWIN_CELLS
from hlsgen.bitstream.toolchain import BoardTarget, OpenToolchain, Usage
from hlsgen.bitstream.tools import GOWIN_PACK, NEXTPNR_GOWIN
from hlsgen.board import Board

MULTIPLIERS = {"MULT9X9": 1, "MULT18X18": 2, "MULTALU18X18": 2, "MULT36X36": 8}
"""How many MULT9X9 each multiplier primitive takes (Gowin UG287)."""

LUTS_PER_RAM16 = 4
"""LUTs of the slices that a RAM16SDP4 occupies."""


class Gowin(OpenToolchain):
    """Gowin LittleBee and Arora: nextpnr-himbaechel and gowin_pack."""

    family = "gowin"
    carry_cells = GOWIN_CELLS
    classic_mapping = ("abc -lut 4:8 -dress", "clean")
    nextpnr, packer = NEXTPNR_GOWIN, GOWIN_PACK
    constraints_file, bitstream_suffix = "top.cst", ".fs"
    lut_kind, ff_kind = "LUT4", "DFF"

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

    def constraints(self, target: BoardTarget) -> str:
        lines = []
        for port, pin in target.pins.named():
            standard = target.pins.io_standard
            lines += [f'IO_LOC "{port}" {pin};', f'IO_PORT "{port}" IO_TYPE={standard};']
        return "\n".join(lines) + "\n"

    def route_options(
        self, target: BoardTarget, synthesised: Usage, routed: str
    ) -> tuple[str, ...]:
        options = target.board.build["toolchain"]
        files = ("--vopt", f"cst={self.constraints_file}", "--write", routed)
        return (*options["nextpnr"], *files, "--freq", f"{options['target_mhz']}")

    def pack_options(self, target: BoardTarget, routed: str, bitstream: str) -> tuple[str, ...]:
        return (*target.board.build["toolchain"]["pack"], "-o", bitstream, routed)
