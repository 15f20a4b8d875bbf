"""What every FPGA family offers to the build, as data and pure functions; the steps are made of them elsewhere."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from hlsgen.artefact.floorplan import Floorplan
from hlsgen.bitstream.carry_cells import CarryCells
from hlsgen.bitstream.netlist import Netlist
from hlsgen.bitstream.pins import Pins
from hlsgen.bitstream.tools import Tool
from hlsgen.board import Board


@dataclass(frozen=True)
class Usage:
    """Resources of a design, in the units of ``Board`` and as the placer counts them; ``cells``: the number of primitives of each kind."""

    lut: int
    ff: int
    dsp: int
    bram: int
    cells: Mapping[str, int]


@dataclass(frozen=True)
class BoardTarget:
    """Where a design goes: the board and its pins. ``large``: the design fills much of the device, so that room counts more than speed;
    ``goal_mhz``: the clock that place and route is asked for."""

    board: Board
    pins: Pins
    large: bool
    goal_mhz: float


Utilisation = Mapping[str, Mapping[str, int]]
"""Kind of cell -> ``used`` and ``available``, nextpnr's own table."""


class Toolchain(ABC):
    """Synthesis for one FPGA family."""

    family: ClassVar[str]
    memory_label: ClassVar[str | None] = "map_ram"
    """The step of the synthesis command that maps memories; None where block RAMs read old data without extra logic."""
    carry_cells: ClassVar[CarryCells | None] = None
    """What LUT multipliers are made of; None where their portable text maps as well."""
    before_memories: ClassVar[tuple[str, ...]] = ()
    """Commands before ``memory_label``."""
    coarse_label: ClassVar[str] = "coarse"
    """The step of the synthesis command after ``begin``, which reads the family's cells."""
    before_coarse: ClassVar[tuple[str, ...]] = ()
    """Commands on the flattened design, before the step ``coarse`` of the synthesis command."""
    wrappers: ClassVar[tuple[str, ...]] = ()
    """Commands that read cells of yosys' own which stand in the design before ``map_luts`` and are not the family's."""
    cells_label: ClassVar[str] = "map_cells"
    """The step of the synthesis command after ``map_luts``, which ends with LUTs."""
    classic_mapping: ClassVar[tuple[str, ...]]
    """What ``map_luts`` does, with yosys' older mapper ``abc`` in the place of ``abc9``."""

    @abstractmethod
    def synthesis_command(self, board: Board | None, top: str) -> str:
        """The yosys command that maps the design to the family; without a board, out of context (no pads)."""

    @abstractmethod
    def count(self, cells: Mapping[str, int]) -> Usage:
        """Resources from the number of each kind of cell."""

    def finish_netlist(self, netlist: Netlist) -> None:  # noqa: B027 - families without such steps do nothing
        """Use, in place, what cells of the family offer and yosys leaves: registers of multipliers and memories, beginnings of carry chains."""

    def anchor(self, netlist: Netlist, floorplan: Floorplan, board: Board) -> None:  # noqa: B027 - families without such steps do nothing
        """Give, in place, cells of the floorplan's units their sites."""

    def packed(self, netlist: Netlist) -> Mapping[str, int]:
        """What the placer makes of the netlist's cells and ``count`` cannot tell from their numbers, by names that it knows."""
        return {}


class OpenToolchain(Toolchain):
    """A family whose bitstreams open tools make: nextpnr and a packer."""

    nextpnr: ClassVar[Tool]
    packer: ClassVar[Tool]
    constraints_file: ClassVar[str]
    bitstream_suffix: ClassVar[str]
    lut_kind: ClassVar[str]
    """How nextpnr's table calls what the board counts as LUTs."""
    ff_kind: ClassVar[str | None]
    """The same for flip-flops; None where they are part of a logic cell."""

    @abstractmethod
    def constraints(self, target: BoardTarget) -> str:
        """The text of the file of constraints."""

    @abstractmethod
    def route_options(
        self, target: BoardTarget, synthesised: Usage, routed: str
    ) -> tuple[str, ...]:
        """Options of nextpnr beside netlist, seed and report; ``routed`` is the file that the packer reads."""

    @abstractmethod
    def tuned(self, routed: str, parameters: Mapping[str, int]) -> str:
        """The text of a routed design with other parameters of its one PLL (as ``pll_parameters`` names them), and nothing else changed."""

    @abstractmethod
    def pack_commands(
        self, target: BoardTarget, tuned: str, bitstream: str
    ) -> tuple[tuple[Tool, tuple[str, ...]], ...]:
        """Tools with their options that make the bitstream of a routed design, one after the other."""

    def json_tuned(self, routed: str, kinds: tuple[str, ...], parameters: Mapping[str, int]) -> str:
        """``tuned`` of a design that nextpnr wrote as JSON, where parameters are binary digits."""
        design = json.loads(routed)
        (module,) = design["modules"].values()
        (pll,) = (cell for cell in module["cells"].values() if cell["type"] in kinds)
        for name, value in parameters.items():
            width = len(pll["parameters"][name])
            pll["parameters"][name] = f"{value:0{width}b}"
        return json.dumps(design)

    def routed_usage(self, used: Utilisation, synthesised: Usage) -> Usage:
        """What the design uses once it is placed."""
        ff = synthesised.ff if self.ff_kind is None else used[self.ff_kind]["used"]
        return replace(synthesised, lut=used[self.lut_kind]["used"], ff=ff)
