"""From a netlist to a bitstream: one step of nextpnr for each seed, then the best is packed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsgen.bitstream.clocking import CIRCUIT_CLOCK
from hlsgen.bitstream.steps import BuildStep, Workplace
from hlsgen.bitstream.toolchain import BoardTarget, OpenToolchain, Usage, Utilisation
from hlsgen.bitstream.tools import identity, run_tool
from hlsgen.errors import ToolFailed

TUNED = "tuned.routed"
"""The routed design with the PLL's parameters of the clock that was chosen."""
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


def tune_step(toolchain: OpenToolchain, seed: int, parameters: Mapping[str, int]) -> BuildStep:
    """The routed design of a seed with these parameters of its PLL (as it is where there are none): ``TUNED``.

    Place and route knows nothing of the PLL's parameters, so that what it found holds for all of them: a small design of each family,
    placed and routed with others and the same seed, differed in these parameters only.
    """
    routed = f"seed_{seed}.routed"

    def work(place: Workplace) -> None:
        text = (place.folder / routed).read_text()
        tuned = toolchain.tuned(text, parameters) if parameters else text
        (place.folder / TUNED).write_text(tuned)

    return BuildStep("clock", (routed,), (TUNED,), (json.dumps(dict(parameters)),), work)


def pack_step(toolchain: OpenToolchain, target: BoardTarget) -> BuildStep:
    """``TUNED`` to ``top`` with the family's suffix."""
    bitstream = bitstream_of(toolchain)
    commands = toolchain.pack_commands(target, TUNED, bitstream)

    def work(place: Workplace) -> None:
        for tool, options in commands:
            run_tool(
                tool,
                options,
                place.folder,
                f"pack_{tool.name}.log",
                progress=place.progress,
                what=f"packing the bitstream ({tool.name})",
                running=place.running,
            )

    settings = tuple(text for tool, options in commands for text in (*options, identity(tool)))
    return BuildStep("packing", (TUNED,), (bitstream,), settings, work)


def bitstream_of(toolchain: OpenToolchain) -> str:
    """The name of the bitstream in the folder of the build."""
    return f"top{toolchain.bitstream_suffix}"


@dataclass(frozen=True)
class RoutedReport:
    """What nextpnr says of a seed: MHz that the circuit and the link can do (None: no path between registers), and the cells."""

    circuit_mhz: float | None
    link_mhz: float | None
    used: Utilisation


def read_report(folder: Path, seed: int, two_clocks: bool) -> RoutedReport:
    """nextpnr's report of a seed. ``two_clocks``: the circuit has a clock of its own; else one clock is both. Raises ToolFailed."""
    report = json.loads((folder / f"seed_{seed}.json").read_text())
    used = {kind: row for kind, row in report["utilization"].items() if row["used"]}
    rates: dict[bool, list[float]] = {True: [], False: []}
    for net, clock in report.get("fmax", {}).items():
        rates[CIRCUIT_CLOCK in net or not two_clocks].append(float(clock["achieved"]))
    circuit = min(rates[True], default=None)
    if two_clocks and circuit is None:
        raise ToolFailed(
            f"place and route, report {folder / f'seed_{seed}.json'}",
            f"expected how fast the net {CIRCUIT_CLOCK} can be, found {', '.join(report.get('fmax', {})) or 'no clock'}",
            "Build with --clock oscillator.",
        )
    return RoutedReport(circuit, min(rates[False], default=None) if two_clocks else circuit, used)


def best_seed(fmax: Mapping[int, float | None]) -> int:
    """The seed with the fastest design, the first of those that are equal."""
    return max(fmax, key=lambda seed: (fmax[seed] or 0.0, -seed))
