"""Lattice ECP5: yosys synth_ecp5, nextpnr-ecp5, ecppack (Project Trellis)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hlsgen.artefact.floorplan import Floorplan
from hlsgen.bitstream.addresses_ecp5 import repeat_addresses
from hlsgen.bitstream.align_ecp5 import align_operands
from hlsgen.bitstream.anchors_ecp5 import anchor
from hlsgen.bitstream.carry_cells import ECP5_CELLS
from hlsgen.bitstream.carry_ecp5 import begin_chains
from hlsgen.bitstream.fold_ecp5 import fold_registers
from hlsgen.bitstream.netlist import Netlist
from hlsgen.bitstream.toolchain import BoardTarget, OpenToolchain, Usage
from hlsgen.bitstream.tools import ECPPACK, NEXTPNR_ECP5, Tool
from hlsgen.board import Board

DENSE = 0.5
"""The share of the LUTs from which nextpnr places by density and routes by negotiation: cgra_4x4 (57 %) was routed so, and not
after the analytic placer. Smaller designs are as fast with the latter, and sooner done."""


class Ecp5(OpenToolchain):
    """Lattice ECP5: nextpnr-ecp5 and ecppack."""

    family = "ecp5"
    carry_cells = ECP5_CELLS
    classic_mapping = ("abc -lut 4:7 -dress", "clean")
    nextpnr, packer = NEXTPNR_ECP5, ECPPACK
    constraints_file, bitstream_suffix = "top.lpf", ".bit"
    lut_kind, ff_kind = "TRELLIS_COMB", "TRELLIS_FF"

    def synthesis_command(self, board: Board | None, top: str) -> str:
        return f"synth_ecp5 -top {top}"

    def count(self, cells: Mapping[str, int]) -> Usage:
        """What nextpnr counts as TRELLIS_COMB once it has packed: a CCU2C is two; a DPR16X4 four, and a RAMW that blocks two more.

        Only a constant that nothing else can give (one or two LUTs a design) and a chain that is read between its ends are not counted.
        """
        lut = cells.get("LUT4", 0) + 2 * cells.get("CCU2C", 0) + 6 * cells.get("TRELLIS_DPR16X4", 0)
        bram = cells.get("DP16KD", 0) + cells.get("PDPW16KD", 0)
        return Usage(lut, cells.get("TRELLIS_FF", 0), cells.get("MULT18X18D", 0), bram, cells)

    def finish_netlist(self, netlist: Netlist) -> None:
        """See ``addresses_ecp5``, ``align_ecp5``, ``fold_ecp5`` and ``carry_ecp5``."""
        repeat_addresses(netlist)
        align_operands(netlist)
        fold_registers(netlist)
        begin_chains(netlist)

    def anchor(self, netlist: Netlist, floorplan: Floorplan, board: Board) -> None:
        """See ``anchors_ecp5``."""
        anchor(netlist, floorplan, board.device)

    def constraints(self, target: BoardTarget) -> str:
        """The oscillator's frequency is kept for the reader: nextpnr's goal is an option."""
        lines = [f"# oscillator {target.board.clock_mhz} MHz"]
        for port, pin in target.pins.named():
            lines += [
                f'LOCATE COMP "{port}" SITE "{pin}";',
                f'IOBUF PORT "{port}" IO_TYPE={target.pins.io_standard};',
            ]
        return "\n".join(lines) + "\n"

    def route_options(
        self, target: BoardTarget, synthesised: Usage, routed: str
    ) -> tuple[str, ...]:
        options, board = target.board.build["toolchain"], target.board
        dense = target.large or synthesised.lut > DENSE * board.lut
        ways = ("static", "router2") if dense else ("heap", "router1")
        files = ("--lpf", self.constraints_file, "--textcfg", routed)
        return (
            *options["nextpnr"],
            *files,
            "--freq",
            f"{target.goal_mhz}",
            "--placer",
            ways[0],
            "--router",
            ways[1],
        )

    def tuned(self, routed: str, parameters: Mapping[str, int]) -> str:
        """Dividers stand in the configuration less one, the phase as it is; 7 binary digits each."""
        for name, value in parameters.items():
            digits = f"{value - name.endswith('_DIV'):07b}"
            routed, places = re.subn(
                rf"^word: {name} [01]{{7}}$", f"word: {name} {digits}", routed, flags=re.MULTILINE
            )
            assert places == 1, (name, places)
        return routed

    def pack_commands(
        self, target: BoardTarget, tuned: str, bitstream: str
    ) -> tuple[tuple[Tool, tuple[str, ...]], ...]:
        return ((ECPPACK, ("--compress", "--input", tuned, "--bit", bitstream)),)
