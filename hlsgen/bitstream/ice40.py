"""Lattice iCE40: yosys synth_ice40, nextpnr-ice40, icepack (Project IceStorm)."""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.bitstream.carry_cells import ICE40_CELLS
from hlsgen.bitstream.netlist import Netlist
from hlsgen.bitstream.packing import ice40_logic_cells
from hlsgen.bitstream.toolchain import BoardTarget, OpenToolchain, Usage
from hlsgen.bitstream.tools import ICEPACK, NEXTPNR_ICE40, Tool
from hlsgen.board import Board

_LOGIC_CELLS = "ICESTORM_LC"


class Ice40(OpenToolchain):
    """Lattice iCE40: nextpnr-ice40 and icepack."""

    family = "ice40"
    carry_cells = ICE40_CELLS
    coarse_label = "flatten"
    # The pass ice40_dsp of yosys 0.70 takes one register twice, as the last one of its multiplier and as the first one of an adder in
    # another multiplier's block: the sum of two registered products loses one of them. A wire that is kept is not taken by an adder.
    before_coarse = (
        "opt_expr",
        "opt_clean",
        "setattr -set keep 1 t:$mul %co1:+$mul[Y] %co1:+$dff[D] t:$dff %i %co1:+$dff[Q] w:* %i",
    )
    # Where nothing is written, a write port in Verilog has no address; with any but the one that stands there it would not be the read port's.
    before_memories = (
        "opt_expr -mux_undef t:$mem_v2 a:ram_style=huge %i %ci1:+$mem_v2[WR_ADDR] %ci1:+$mux[Y] t:$mux %i",
        "opt_clean",
    )
    wrappers = ("read_verilog -icells -lib -specify +/ice40/abc9_model.v",)
    classic_mapping = (
        "abc -lut 4 -dress",
        "ice40_wrapcarry -unwrap",
        "techmap -map +/ice40/ff_map.v",
        "clean",
        "opt_lut -tech ice40",
    )
    nextpnr, packer = NEXTPNR_ICE40, ICEPACK
    constraints_file, bitstream_suffix = "top.pcf", ".bin"
    lut_kind, ff_kind = "ICESTORM_LC", None

    def synthesis_command(self, board: Board | None, top: str) -> str:
        device = ("-device", "u", "-spram") if board is None else board.build["toolchain"]["yosys"]
        multipliers = "-dsp " if board is None or board.dsp else ""
        return f"synth_ice40 {' '.join(device)} {multipliers}-top {top}"

    def count(self, cells: Mapping[str, int]) -> Usage:
        """Logic cells, which LUTs, flip-flops and carries share as far as ``packing`` says."""
        ff = sum(number for kind, number in cells.items() if kind.startswith("SB_DFF"))
        ram = sum(number for kind, number in cells.items() if kind.startswith("SB_RAM40_4K"))
        lut = cells.get(_LOGIC_CELLS, cells.get("SB_LUT4", 0))
        return Usage(lut, ff, cells.get("SB_MAC16", 0), ram, cells)

    def packed(self, netlist: Netlist) -> Mapping[str, int]:
        return {_LOGIC_CELLS: ice40_logic_cells(netlist)}

    def constraints(self, target: BoardTarget) -> str:
        return "".join(f"set_io {port} {pin}\n" for port, pin in target.pins.named())

    def route_options(
        self, target: BoardTarget, synthesised: Usage, routed: str
    ) -> tuple[str, ...]:
        options = target.board.build["toolchain"]
        files = ("--pcf", self.constraints_file, "--write", routed)
        return (*options["nextpnr"], *files, "--freq", f"{target.goal_mhz}")

    def tuned(self, routed: str, parameters: Mapping[str, int]) -> str:
        return self.json_tuned(routed, ("ICESTORM_PLL",), parameters)

    def pack_commands(
        self, target: BoardTarget, tuned: str, bitstream: str
    ) -> tuple[tuple[Tool, tuple[str, ...]], ...]:
        """nextpnr writes the bits of a design that it placed and routed earlier."""
        done = ("--no-pack", "--no-place", "--no-route", "--timing-allow-fail")
        device = target.board.build["toolchain"]["nextpnr"]
        return (
            (NEXTPNR_ICE40, (*device, "--json", tuned, *done, "--asc", "top.asc")),
            (ICEPACK, ("top.asc", bitstream)),
        )
