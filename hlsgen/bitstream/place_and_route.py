"""From a netlist to a bitstream: one step of nextpnr for each seed, then the best is packed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hlsgen.bitstream.steps import BuildStep, Workplace
from hlsgen.bitstream.toolchain import BoardTarget, OpenToolchain, Usage, Utilisation
from hlsgen.bitstream.tools import identity, run_tool

_STAGES = {
    "Packing": "packing",
    "Creating initial": "placing",
    "Running simulated annealing": "refining the placement",
    "Routing..": "routing",
}
"""Texts of nextpnr's log at which a new part of its work begins."""


def route_step(
    toolchain: OpenToolchain,
    target: BoardTarget,
    netlist: str,
    synthesised: Usage,
    seed: int,
    alone: bool = True,
) -> BuildStep:
    """Place and route ``netlist`` with one seed: ``seed_N.json`` (nextpnr's report) and the routed design.

    ``alone``: no other seed runs beside it, so that its progress need not name it.
    """
    name = f"seed_{seed}"
    what = f"place and route ({toolchain.nextpnr.name}{'' if alone else f', seed {seed}'})"
    options = (
        "--json",
        netlist,
        *toolchain.route_options(target, synthesised, f"{name}.routed"),
        "--timing-allow-fail",
        "--seed",
        f"{seed}",
        "--report",
        f"{name}.json",
    )

    def work(place: Workplace) -> None:
        run_tool(
            toolchain.nextpnr,
            options,
            place.folder,
            f"{name}.log",
            progress=place.progress,
            what=what,
            stages=_STAGES,
            running=place.running,
        )

    inputs, outputs = (netlist, toolchain.constraints_file), (f"{name}.json", f"{name}.routed")
    return BuildStep(name, inputs, outputs, (*options, identity(toolchain.nextpnr)), work)


def pack_step(toolchain: OpenToolchain, target: BoardTarget, seed: int) -> BuildStep:
    """The routed design of a seed to ``top`` with the family's suffix."""
    routed, bitstream = f"seed_{seed}.routed", bitstream_of(toolchain)
    options = toolchain.pack_options(target, routed, bitstream)

    def work(place: Workplace) -> None:
        run_tool(
            toolchain.packer,
            options,
            place.folder,
            "pack.log",
            progress=place.progress,
            what=f"packing the bitstream ({toolchain.packer.name})",
            running=place.running,
        )

    settings = (*options, identity(toolchain.packer))
    return BuildStep("packing", (routed,), (bitstream,), settings, work)


def bitstream_of(toolchain: OpenToolchain) -> str:
    """The name of the bitstream in the folder of the build."""
    return f"top{toolchain.bitstream_suffix}"


def read_report(folder: Path, seed: int) -> tuple[float | None, Utilisation]:
    """(slowest clock in MHz, used and available cells of each kind) from nextpnr's report of a seed."""
    report = json.loads((folder / f"seed_{seed}.json").read_text())
    clocks = [float(clock["achieved"]) for clock in report.get("fmax", {}).values()]
    used = {kind: row for kind, row in report["utilization"].items() if row["used"]}
    return (min(clocks) if clocks else None), used


def best_seed(fmax: Mapping[int, float | None]) -> int:
    """The seed with the fastest design, the first of those that are equal."""
    return max(fmax, key=lambda seed: (fmax[seed] or 0.0, -seed))
