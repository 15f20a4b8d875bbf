"""From Verilog to a netlist of the family's cells, in three steps: everything but LUTs; LUTs, by which one that fails is not the end; and
registers, which move into multipliers and memories."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsgen.artefact.floorplan import Floorplan
from hlsgen.bitstream.by_layer import counts_by_part
from hlsgen.bitstream.lut_products import lut_products
from hlsgen.bitstream.netlist import Netlist
from hlsgen.bitstream.steps import BuildStep, Workplace
from hlsgen.bitstream.toolchain import Toolchain, Usage
from hlsgen.bitstream.tools import YOSYS, identity, run_tool
from hlsgen.board import Board
from hlsgen.errors import ToolFailed

NETLIST = "top.json"
"""The netlist that synthesis writes."""
STATISTICS = "statistics.json"
"""How many cells of each kind it has."""
PARTS = "parts.json"
"""The same by instance of the design."""
MAPPING = "mapping.json"
"""Which mapper made it, and why if not the usual one."""
LARGE_LOGIC_PS = 16_000
"""Picoseconds that the logic of a path may take in a large design, whose wires take longer than its logic: cgra_4x4 on ECP5 has a fifth
fewer LUTs with this bound than where paths are as short as they can be."""
_UNMAPPED = "unmapped.il"
_LUT_PRODUCTS = "lut_products.il"
"""LUT multipliers in the family's carry cells, which take the place of the design's own."""
_MAPPED = "mapped.json"
_STAGES = {
    "-- Running command `techmap": "mapping",
    "MEMORY_LIBMAP": "mapping memories",
    "Executing ABC": "optimising logic",
}


@dataclass(frozen=True)
class SynthesisJob:
    """What is synthesised: ``sources`` (.v and .il files of the folder) with the module ``top``, for ``board`` or (None) without pads.

    ``large``: LUTs are saved as long as no path's logic takes longer than LARGE_LOGIC_PS. ``floorplan``: where units of it are to stand on
    the board's device.
    """

    sources: tuple[str, ...]
    top: str
    board: Board | None = None
    large: bool = False
    floorplan: Floorplan | None = None


def synthesis_steps(toolchain: Toolchain, job: SynthesisJob) -> tuple[BuildStep, ...]:
    """The steps that write NETLIST, STATISTICS, PARTS and MAPPING."""
    return (_coarse_step(toolchain, job), _lut_step(toolchain, job), _register_step(toolchain, job))


def usage_of(folder: Path, toolchain: Toolchain) -> Usage:
    """Resources of the synthesised design."""
    counts: Mapping[str, int] = json.loads((folder / STATISTICS).read_text())
    return toolchain.count(counts)


def parts_of(folder: Path) -> Mapping[str, Mapping[str, int]]:
    """Instance of the design -> number of its cells of each kind."""
    parts: Mapping[str, Mapping[str, int]] = json.loads((folder / PARTS).read_text())
    return parts


def notes_of(folder: Path) -> tuple[str, ...]:
    """What a user should know of how the design was synthesised."""
    return tuple(json.loads((folder / MAPPING).read_text())["notes"])


def plain_names(text: str, rtlil: bool = False) -> str:
    """The same Verilog (or RTLIL) with ``<n>`` for ``[n]`` inside names.

    yosys 0.70 gives bit 1 of ``x`` and the wire ``\\\\x[1]`` one name on their way through ABC, where ``abc9`` connects the two: the netlist is
    wrong, or its synthesis stops (GetSize(conn.first) == GetSize(conn.second)). Amaranth names fields of arrays so.
    """
    names = r"[\\$]\S+" if rtlil else r"\\\S+"
    return re.sub(names, lambda name: name[0].replace("[", "<").replace("]", ">"), text)


def _coarse_step(toolchain: Toolchain, job: SynthesisJob) -> BuildStep:
    command = toolchain.synthesis_command(job.board, job.top)
    first: tuple[str, ...] = ()
    begin = "begin"
    if toolchain.before_coarse:
        first, begin = (f"{command} -run begin:coarse", *toolchain.before_coarse), "coarse"
    memories: tuple[str, ...] = (f"{command} -run {begin}:map_luts",)
    if toolchain.memory_label is not None:
        # Memories marked no_collision never read a word while it is written. Verilog has no don't-care for that case, and yosys would
        # build 20 to 60 LUTs and registers around every block RAM to return the old word.
        memories = (
            f"{command} -run {begin}:{toolchain.memory_label}",
            "setparam -set RD_COLLISION_X_MASK 1'1 "
            "t:$mem_v2 a:no_collision %i r:RD_PORTS=1 %i r:WR_PORTS=1 %i",
            *toolchain.before_memories,
            f"{command} -run {toolchain.memory_label}:map_luts",
        )
    script = (
        *(
            f"read_{'rtlil' if s.endswith('.il') else 'verilog -sv'} {_plain(s)}"
            for s in job.sources
        ),
        *((f"read_rtlil -overwrite {_LUT_PRODUCTS}",) if toolchain.carry_cells else ()),
        f"hierarchy -top {job.top}",
        *first,
        *memories,
        "delete =A:blackbox =A:whitebox",
        f"write_rtlil {_UNMAPPED}",
    )

    def work(place: Workplace) -> None:
        for source in job.sources:
            text = plain_names((place.folder / source).read_text(), source.endswith(".il"))
            (place.folder / _plain(source)).write_text(text)
        if toolchain.carry_cells is not None:
            verilog = "".join(
                (place.folder / source).read_text()
                for source in job.sources
                if source.endswith(".v")
            )
            modules = lut_products(verilog, toolchain.carry_cells)
            (place.folder / _LUT_PRODUCTS).write_text(modules)
        _yosys(place, "synthesis", script, "synthesis (yosys)")

    outputs = (*(_plain(source) for source in job.sources), _UNMAPPED)
    return BuildStep("synthesis", job.sources, outputs, (*script, identity(YOSYS)), work)


def _lut_step(toolchain: Toolchain, job: SynthesisJob) -> BuildStep:
    command = toolchain.synthesis_command(job.board, job.top)
    libraries = (*toolchain.wrappers, f"{command} -run begin:{toolchain.coarse_label}")
    begin = (f"read_rtlil {_UNMAPPED}", *libraries)
    end = (
        f"{command} -run {toolchain.cells_label}:",
        # Units that were kept apart until here are a part of the netlist as all others.
        "setattr -mod -unset keep_hierarchy *",
        "flatten",
        f"write_json {_MAPPED}",
    )
    bound = (f"scratchpad -set abc9.D {LARGE_LOGIC_PS}",) if job.large else ()
    usual = (*begin, *bound, f"{command} -run map_luts:{toolchain.cells_label}", *end)
    classic = (*begin, *toolchain.classic_mapping, *end)

    def work(place: Workplace) -> None:
        mapper, notes = "abc9", []
        try:
            _yosys(place, "mapping", usual, "mapping to LUTs (yosys)")
        except ToolFailed as error:
            mapper = "abc"
            _yosys(
                place, "mapping_abc", classic, "mapping to LUTs by abc, since abc9 failed (yosys)"
            )
            notes.append(
                f"LUTs were mapped by abc, since abc9 failed ({_reason(error)}): more LUTs, slower; see mapping.log"
            )
        (place.folder / MAPPING).write_text(json.dumps({"mapper": mapper, "notes": notes}) + "\n")

    outputs = (_MAPPED, MAPPING)
    return BuildStep("mapping", (_UNMAPPED,), outputs, (*usual, *classic, identity(YOSYS)), work)


def _register_step(toolchain: Toolchain, job: SynthesisJob) -> BuildStep:
    def work(place: Workplace) -> None:
        netlist = Netlist.read(place.folder / _MAPPED)
        toolchain.finish_netlist(netlist)
        if job.board is not None and job.floorplan is not None:
            toolchain.anchor(netlist, job.floorplan, job.board)
        netlist.write(place.folder / NETLIST)
        counts = {**netlist.counts(), **toolchain.packed(netlist)}
        (place.folder / STATISTICS).write_text(json.dumps(counts, indent=1) + "\n")
        parts = counts_by_part(netlist, toolchain)
        (place.folder / PARTS).write_text(json.dumps(parts, indent=1) + "\n")

    outputs = (NETLIST, STATISTICS, PARTS)
    options = (toolchain.family, repr(job.floorplan))
    return BuildStep("registers", (_MAPPED,), outputs, options, work)


def _plain(source: str) -> str:
    return f"plain_{source}"


def _reason(error: ToolFailed) -> str:
    """The line of the log that says why."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line.startswith("ERROR")), lines[-2][:120])


def _yosys(place: Workplace, name: str, script: tuple[str, ...], what: str) -> None:
    (place.folder / f"{name}.ys").write_text("\n".join(script) + "\n")
    run_tool(
        YOSYS,
        (f"{name}.ys",),
        place.folder,
        f"{name}.log",
        progress=place.progress,
        what=what,
        stages=_STAGES,
        running=place.running,
    )
