"""Gowin GW1N and GW2A: yosys synth_gowin, nextpnr-himbaechel, gowin_pack (Project Apicula)."""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.bitstream.carry_cells import GOWIN_CELLS
from hlsgen.bitstream.netlist import Netlist
from hlsgen.bitstream.packing import gowin_chain_ends
from hlsgen.bitstream.toolchain import BoardTarget, OpenToolchain, Usage
from hlsgen.bitstream.tools import GOWIN_PACK, NEXTPNR_GOWIN, Tool
from hlsgen.board import Board

MULTIPLIERS = {"MULT9X9": 1, "MULT18X18": 2, "MULTALU18X18": 2, "MULT36X36": 8}
"""How many MULT9X9 each multiplier primitive takes (Gowin UG287)."""

LUTS_PER_RAM16, FLIP_FLOPS_PER_RAM16 = 8, 6
"""LUTs and flip-flops whose places a RAM16SDP4 takes: those of a whole tile (nextpnr's pack_luts.cc)."""
_CHAIN_ENDS = "ALU_ENDS"


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
        """An ALU takes the place of a LUT; nextpnr counts the places that are taken under LUT4, and those of flip-flops under DFF."""
        memories = sum(n for kind, n in cells.items() if kind.startswith("RAM16"))
        lut = sum(cells.get(f"LUT{inputs}", 0) for inputs in (1, 2, 3, 4)) + cells.get("ALU", 0)
        lut += cells.get(_CHAIN_ENDS, 0) + LUTS_PER_RAM16 * memories
        ff = sum(number for kind, number in cells.items() if kind.startswith("DFF"))
        ff += FLIP_FLOPS_PER_RAM16 * memories
        dsp = sum(size * cells.get(kind, 0) for kind, size in MULTIPLIERS.items())
        ram = sum(
            number
            for kind, number in cells.items()
            if kind.startswith(("SP", "SDP", "DP", "pROM")) and not kind.startswith("DPR")
        )
        return Usage(lut, ff, dsp, ram, cells)

    def packed(self, netlist: Netlist) -> Mapping[str, int]:
        return {_CHAIN_ENDS: gowin_chain_ends(netlist)}

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
        return (*options["nextpnr"], *files, "--freq", f"{target.goal_mhz}")

    def tuned(self, routed: str, parameters: Mapping[str, int]) -> str:
        return self.json_tuned(routed, ("rPLL",), parameters)

    def pack_commands(
        self, target: BoardTarget, tuned: str, bitstream: str
    ) -> tuple[tuple[Tool, tuple[str, ...]], ...]:
        device = target.board.build["toolchain"]["pack"]
        return ((GOWIN_PACK, (*device, "-o", bitstream, tuned)),)
