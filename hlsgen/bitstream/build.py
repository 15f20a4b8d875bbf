"""``build``: from a compiled folder to a bitstream and ``build.json``; ``synthesise``: resources only."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from hlsgen.artefact.board_ports import BoardPorts
from hlsgen.artefact.folder import Folder
from hlsgen.artefact.manifest import DESIGN
from hlsgen.artefact.manifest import TOP as UNNAMED
from hlsgen.bitstream.board_top import TOP, BoardTop, Circuit, to_rtlil
from hlsgen.bitstream.build_result import BuildResult
from hlsgen.bitstream.by_layer import critical_path, usage_by_layer
from hlsgen.bitstream.clock_choice import FASTEST, ClockPlan, ClockRequest, plan_clock, settle_clock
from hlsgen.bitstream.ecp5 import Ecp5
from hlsgen.bitstream.gowin import Gowin
from hlsgen.bitstream.ice40 import Ice40
from hlsgen.bitstream.pins import pins_of
from hlsgen.bitstream.place_and_route import (
    best_seed,
    bitstream_of,
    pack_step,
    read_report,
    route_step,
    tune_step,
)
from hlsgen.bitstream.remaining import Remaining
from hlsgen.bitstream.steps import BuildStep, Done, LocalCores, StepPool, Workplace, run_step
from hlsgen.bitstream.synthesis import (
    NETLIST,
    SynthesisJob,
    notes_of,
    parts_of,
    synthesis_steps,
    usage_of,
)
from hlsgen.bitstream.toolchain import BoardTarget, OpenToolchain, Toolchain, Usage, Utilisation
from hlsgen.bitstream.tools import YOSYS, identity
from hlsgen.bitstream.xilinx import Xilinx7
from hlsgen.board import Board, board_of
from hlsgen.clock.families import pll_parameters, pll_rules
from hlsgen.clock.pll import PllSetting
from hlsgen.cost.build_time import part_seconds
from hlsgen.errors import BadOption, ToolFailed
from hlsgen.html_report.page import write_page
from hlsgen.processes import Running
from hlsgen.progress import Progress, silent

TOOLCHAINS: Mapping[str, Toolchain] = {
    toolchain.family: toolchain for toolchain in (Ecp5(), Ice40(), Gowin(), Xilinx7())
}


def build_design(
    folder: Folder,
    ports: BoardPorts,
    board: str | None = None,
    progress: Progress = silent,
    seeds: int = 1,
    request: ClockRequest = FASTEST,
    pool: StepPool | None = None,
) -> BuildResult:
    """Build the design of a folder for ``board`` (default: the one it was compiled for); ``ports``: what the serial line reaches.

    Place and route is tried with ``seeds`` seeds, side by side in ``pool`` (else on the cores there are), and the fastest is taken; its clock is the fastest that
    the PLL makes and place and route allows, or that of ``request``. Writes ``build/<board>/``
    with every file of the tools, the bitstream beside ``design.v`` and, last and atomically, ``build.json``. A step that an earlier build
    did on the same inputs is not done again. Raises BadFile, BadOption, ToolFailed.
    """
    began = time.monotonic()
    directory = folder.directory
    name = board or folder.manifest.board
    if name is None:
        raise BadOption(
            f"{directory}",
            "expected a board; the design was compiled for none",
            "Name one: --board; 'hlsgen boards' lists them.",
        )
    if seeds < 1:
        raise BadOption("--seeds", f"expected at least 1, found {seeds}", "Ask for 1 or more.")
    known = board_of(directory, name)
    plan = plan_clock(known, request, ports.large)
    for copy, content in known.files().items():
        folder.write(copy, content.decode())
    target = BoardTarget(known, pins_of(known), ports.large, plan.goal_mhz)
    (directory / "build.json").unlink(missing_ok=True)
    work = directory / "build" / known.name
    work.mkdir(parents=True, exist_ok=True)
    (work / DESIGN).write_bytes(folder.read(DESIGN))
    manifest = folder.manifest
    circuit = Circuit(manifest.top, ports, manifest.verilog_sha256)
    (work / f"{TOP}.il").write_text(to_rtlil(BoardTop(known, circuit, plan.setting)))
    toolchain, pool = TOOLCHAINS[target.board.family], pool or LocalCores()
    place = BuildPlace(Workplace(work, progress, pool.running.branch()), pool)
    job = SynthesisJob((DESIGN, f"{TOP}.il"), TOP, target.board, ports.large, ports.floorplan)
    remaining = Remaining(part_seconds(toolchain.family, folder.report().get("lut") or 0))
    done = [place.run_counted(step, remaining) for step in synthesis_steps(toolchain, job)]
    routed = _routed(toolchain, target, place, remaining, tuple(range(1, seeds + 1)), plan, request)
    result = _result(folder, target.board, routed, notes_of(work), (*done, *routed.done), began)
    if routed.seed is not None:
        report, two_clocks = work / f"seed_{routed.seed}.json", plan.setting is not None
        slowest = critical_path(report, two_clocks, manifest.processes)
        result = replace(result, critical_path=slowest)
    layers = usage_by_layer(parts_of(work), toolchain, manifest.processes)
    result = replace(result, layers=tuple(layers))
    folder.write("build.json", json.dumps(asdict(result), indent=2) + "\n")
    write_page(folder)
    return result


@dataclass(frozen=True)
class _Routed:
    """What comes after synthesis; for Xilinx, nothing but scripts."""

    usage: Usage
    done: tuple[Done, ...]
    tools: Mapping[str, str]
    utilisation: Utilisation = field(default_factory=dict)
    seeds: Mapping[int, float | None] = field(default_factory=dict)
    seed: int | None = None
    link_mhz: float | None = None
    setting: PllSetting | None = None
    bitstream: Path | None = None


@dataclass(frozen=True)
class BuildPlace:
    """Where a build works, and the pool that does its long steps."""

    at: Workplace
    pool: StepPool

    def run_counted(self, step: BuildStep, remaining: Remaining) -> Done:
        """Do a step whose progress says what remains of the build."""
        counted = replace(self.at, progress=remaining.during(step.name, self.at.progress))
        (done,) = self.pool.run([step], counted)
        remaining.done(step.name, done.seconds, done.reused)
        return done


def _routed(
    toolchain: Toolchain,
    target: BoardTarget,
    place: BuildPlace,
    remaining: Remaining,
    seeds: Sequence[int],
    plan: ClockPlan,
    request: ClockRequest,
) -> _Routed:
    """Place and route with each seed, set the clock of the fastest and pack it."""
    at, folder = place.at, place.at.folder
    usage, tools = usage_of(folder, toolchain), {YOSYS.name: identity(YOSYS)}
    if isinstance(toolchain, Xilinx7):
        return _Routed(usage, (run_step(toolchain.scripts(target), at),), tools)
    assert isinstance(toolchain, OpenToolchain)
    tools |= {tool.name: identity(tool) for tool in (toolchain.nextpnr, toolchain.packer)}
    (folder / toolchain.constraints_file).write_text(toolchain.constraints(target))
    steps = [route_step(toolchain, target, NETLIST, usage, seed, len(seeds) == 1) for seed in seeds]
    rounds = -(-len(seeds) // place.pool.width)
    remaining.left["routing"] = remaining.left.get("routing", 0.0) * rounds
    counted = replace(at, progress=remaining.during("routing", at.progress))
    done = place.pool.run(steps, counted)
    remaining.left.pop("routing")
    reports = {seed: read_report(folder, seed, plan.setting is not None) for seed in seeds}
    fmax = {seed: report.circuit_mhz for seed, report in reports.items()}
    seed = best_seed(fmax)
    best = reports[seed]
    setting = settle_clock(target.board, request, plan, best.circuit_mhz, best.link_mhz)
    rules = pll_rules(target.board)
    parameters = {} if setting is None or rules is None else pll_parameters(rules, setting)
    tuned = run_step(tune_step(toolchain, seed, parameters), at)
    packed = place.run_counted(pack_step(toolchain, target), remaining)
    return _Routed(
        toolchain.routed_usage(best.used, usage),
        (*done, tuned, packed),
        tools,
        best.used,
        fmax,
        seed,
        best.link_mhz,
        setting,
        folder / bitstream_of(toolchain),
    )


def synthesise(
    directory: str | os.PathLike[str],
    family: str,
    progress: Progress = silent,
    large: bool = False,
    top: str = UNNAMED,
) -> Usage:
    """Resources of ``directory/design.v`` alone on a family (ecp5, ice40, gowin, xilinx7), without place and route.

    ``large`` as in ``SynthesisJob``; ``top`` is the name of the design.
    """
    if family not in TOOLCHAINS:
        raise BadOption(
            f"family {family!r}",
            f"expected one of {', '.join(TOOLCHAINS)}; found {family!r}",
            "Choose a family of this list.",
        )
    directory = Path(directory)
    folder = Path(tempfile.mkdtemp(prefix="hlsgen_synthesis_"))
    try:
        shutil.copyfile(directory / DESIGN, folder / DESIGN)
        job = SynthesisJob((DESIGN,), top, large=large)
        result = synthesised(TOOLCHAINS[family], Workplace(folder, progress, Running()), job)
    except ToolFailed:  # names the log in this folder
        raise
    except BaseException:
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)
    return result


def synthesised(toolchain: Toolchain, place: Workplace, job: SynthesisJob) -> Usage:
    """Do the steps of synthesis; the netlist is in the place's folder then. Raises ToolFailed."""
    for step in synthesis_steps(toolchain, job):
        run_step(step, place)
    return usage_of(place.folder, toolchain)


def _result(
    folder: Folder,
    board: Board,
    routed: _Routed,
    notes: tuple[str, ...],
    done: Sequence[Done],
    began: float,
) -> BuildResult:
    """Copy the bitstream beside the design and put the numbers together."""
    directory, report, bitstream = folder.directory, folder.report(), None
    clock = board.clock_mhz if routed.setting is None else round(float(routed.setting.mhz), 6)
    interval = folder.manifest.interval_cycles
    if routed.bitstream is not None:
        bitstream = f"{board.name}{routed.bitstream.suffix}"
        shutil.copyfile(routed.bitstream, directory / bitstream)
    return BuildResult(
        board=board.name,
        lut=routed.usage.lut,
        ff=routed.usage.ff,
        dsp=routed.usage.dsp,
        bram=routed.usage.bram,
        fmax_mhz=None if routed.seed is None else routed.seeds[routed.seed],
        clock_mhz=clock,
        oscillator_mhz=board.clock_mhz,
        bitstream=bitstream,
        seconds=round(time.monotonic() - began, 1),
        predicted_lut=report.get("lut"),
        predicted_ff=report.get("ff"),
        predicted_dsp=report.get("dsp"),
        predicted_bram=report.get("bram"),
        utilisation=routed.utilisation,
        link_fmax_mhz=routed.link_mhz,
        inferences_per_second=None if interval is None else round(clock * 1e6 / interval, 1),
        seed=routed.seed,
        seeds=routed.seeds,
        tools=routed.tools,
        steps={step.name: step.seconds for step in done},
        notes=notes,
        title=board.title,
        device=board.device,
        available={kind: getattr(board, kind) for kind in ("lut", "ff", "dsp", "bram")},
    )
