"""The way of every design: its source is read, a target makes an artefact of it, the folder is written; then it is verified and built."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsgen.algebra.unroll import Unroll
from hlsgen.arguments import PATH, check_arguments
from hlsgen.artefact.folder import Artefact, NewFolder, new_folder, open_folder
from hlsgen.collector import collector_paused
from hlsgen.errors import BadOption
from hlsgen.flow_arguments import BUILT, COMPILED, EMITTED, OF_TARGETS, VERIFIED
from hlsgen.flow_options import asked_of, options_for, refuse_of_kernel, target_for
from hlsgen.numbers import Numbers, SampleSource
from hlsgen.progress import Progress, silent
from hlsgen.reproduction import made_by

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from hlsgen.artefact.manifest import Manifest
    from hlsgen.bitstream.build_result import BuildResult
    from hlsgen.board_session import BoardSession
    from hlsgen.verify.result import VerifyResult
    from hlsgen.verify.run import Runner


SHOWN_FIGURES = ("interval_cycles", "latency_cycles", "lut", "ff", "dsp", "bram", "clock_mhz")
"""Of a report, in the short form of a design."""


@dataclass(frozen=True, repr=False)
class Compiled:
    """A design in its folder: ``design.v``, ``manifest.json``, ``report.json``, ``report.txt`` and its references."""

    directory: Path
    report: Mapping[str, Any]
    manifest: Manifest

    @property
    def verilog(self) -> str:
        """The text of the design's Verilog."""
        return (self.directory / "design.v").read_text()

    def __repr__(self) -> str:
        """A few lines; ``report`` and the folder's report.html have the rest."""
        figures = {name: self.report.get(name) for name in SHOWN_FIGURES}
        known = (f"{name} {value:,}" for name, value in figures.items() if value is not None)
        place = "" if self.manifest.board is None else f" for {self.manifest.board}"
        title = f"{self.manifest.top}: {self.manifest.kind}{place}, in {self.directory}"
        return "\n  ".join((title, ", ".join(known))).rstrip()

    def _repr_html_(self) -> str:
        from hlsgen.html_report.documents import documents_of
        from hlsgen.html_report.page import parts

        return parts(documents_of(open_folder(self.directory)))

    def run(
        self,
        inputs: Mapping[str, np.ndarray],
        engine: str = "integer",
        progress: Progress = silent,
    ) -> dict[str, np.ndarray]:
        """The circuit's outputs by name, as integers: at once from its meaning, or simulated ("fast", "cocotb"); see ``flow_run.run``."""
        from hlsgen.flow_run import run

        return run(self.directory, inputs, engine, progress)

    def verify(
        self,
        inputs: Mapping[str, np.ndarray] | None = None,
        samples: int | None = None,
        stall: str = "random",
        engine: str = "cocotb",
        reference: str = "numpy",
        seed: int = 0,
        progress: Progress = silent,
        port: str | None = None,
        waves: str | os.PathLike[str] | None = None,
        timeline: bool = False,
        parts: int | None = None,
        cluster: Any = None,
    ) -> VerifyResult:
        """Simulate the Verilog on samples (axis 0) and compare every output element; see ``flow.verify``."""
        return verify(
            self.directory,
            inputs,
            samples=samples,
            stall=stall,
            engine=engine,
            reference=reference,
            seed=seed,
            progress=progress,
            port=port,
            waves=waves,
            timeline=timeline,
            parts=parts,
            cluster=cluster,
        )

    def connect(self, port: str | None = None) -> AbstractContextManager[BoardSession]:
        """The board at a serial device, which holds this design; see ``hlsgen.board_session``."""
        from hlsgen.board_session import board_session

        return board_session(open_folder(self.directory), port)

    def build(
        self,
        board: str | os.PathLike[str] | None = None,
        progress: Progress = silent,
        seeds: int = 1,
        clock: str | None = None,
        force: bool = False,
        cluster: Any = None,
    ) -> BuildResult:
        """Synthesise, place and route to a bitstream; see ``flow.build``."""
        return build(self.directory, board, progress, seeds, clock, force, cluster)


def compile(
    model: str | os.PathLike[str] | onnx.ModelProto,
    board: str | os.PathLike[str] | None = None,
    schedule: str = "stream",
    effort: str | None = None,
    multipliers: int | None = None,
    dsp: int | None = None,
    lut: int | None = None,
    target_fps: float | None = None,
    interval: int | None = None,
    latency: int | None = None,
    lanes: int | None = None,
    calibrate: SampleSource | None = None,
    precision: str | None = None,
    samples: SampleSource | None = None,
    reference: str | None = None,
    overrides: Mapping[str, Unroll] | None = None,
    fabric: str | os.PathLike[str] | None = None,
    batch: int | None = None,
    seed: int | None = None,
    time_limit: float | None = None,
    exact: bool | None = None,
    as_given: bool | None = None,
    weights: str | None = None,
    state: Mapping[str, str] | None = None,
    name: str | None = None,
    output: str | os.PathLike[str] | None = None,
    dump: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
    sample: Any = None,
) -> Compiled:
    """Compile an ONNX model, a PyTorch module or Keras model, or a kernel (FILE.py:name, FILE.dot, FILE.xml), to Verilog.

    ``schedule`` "stream": an array for every layer, sized for ``board``; a pipeline for a kernel. "grid": a program for one ``fabric``, a preset
    or a TOML file. What else can be asked is the target's: see the options in ``hlsgen.targets`` (``effort``, ``multipliers``, ``dsp``, ``lut``, ``target_fps``, ``interval``, ``latency``, ``lanes``, ``overrides``, ``weights`` of networks on stream; ``batch`` of networks on a grid; ``seed``, ``time_limit``, ``exact``, ``as_given`` of kernels on a grid).
    ``calibrate``: samples with which a float network is quantised: an npz file, arrays by name of input with the samples along axis 0, or the array of a single input; ``precision``: fixed16 or fixed24, numbers in which a float
    network is computed without that, in formats from the ranges that ``samples`` (as ``calibrate``) reach; ``reference``: ort, ort-int8 or ort-unoptimised, the session of ONNX Runtime to match; ``name``: what modules are called after (else the source);
    ``state``: output -> input, what is kept in the circuit from one sample for the next; ``sample``: of a PyTorch module, the tensor or tensors with which it is traced; ``output``: the folder written (None: a temporary one); ``dump``: one for the text form of every IR of a network. Raises HlsgenError."""
    arguments = dict(locals())
    from hlsgen.targets.kernel_source import is_kernel

    check_arguments("hlsgen.compile", COMPILED, arguments)
    model = _from_framework(model, sample)
    target = target_for(schedule, "kernel" if is_kernel(model) else "network")
    given = {option: arguments[option] for option in OF_TARGETS}
    given["overrides"] = overrides or None
    given |= {key: os.fspath(given[key]) for key in ("fabric", "board") if given[key] is not None}
    if target.source == "kernel":
        refuse_of_kernel(arguments)
    options = options_for(target, given)
    numbers = Numbers(calibrate, precision, samples, reference).checked(target.schedule)
    dumps = nullcontext() if dump is None else new_folder(dump, overwrites=True)
    with new_folder(output) as folder, dumps as texts, collector_paused():
        artefact = target.compile(_read(model, numbers, progress, state), options, progress)
        if texts is not None:
            texts.place(artefact.texts())
        return commit_design(folder, artefact, made_by("compile", model, asked_of(arguments)))


def _from_framework(model: Any, sample: Any) -> Any:
    """The ONNX model of a PyTorch module or Keras model; any other source as it is. Raises BadOption, BadFile."""
    from hlsgen.frontend.modules import exported, framework_of

    framework = framework_of(model)
    if sample is not None and framework != "torch":
        raise BadOption(
            "sample",
            f"expected a PyTorch module to trace with it, found {type(model).__name__}",
            "Leave sample out; samples to quantise with are given as calibrate.",
        )
    return exported(model, sample) if framework else model


def _read(
    model: str | os.PathLike[str] | onnx.ModelProto,
    numbers: Numbers,
    progress: Progress,
    states: Mapping[str, str] | None,
) -> Any:
    """The source of a design: a kernel or a network."""
    from hlsgen.targets.kernel_source import is_kernel, read_kernel
    from hlsgen.targets.network_source import read_network

    if is_kernel(model):
        return read_kernel(model)
    return read_network(model, numbers, progress, states or {})


def map_kernel(
    kernel: str | os.PathLike[str],
    fabric: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    time_limit: float | None = None,
    exact: bool | None = None,
    as_given: bool | None = None,
    name: str | None = None,
    progress: Progress = silent,
) -> Compiled:
    """``compile`` of a kernel (FILE.py:name, FILE.dot, FILE.xml) with ``schedule="grid"``. Raises HlsgenError."""

    from hlsgen.targets.kernel_source import is_kernel, read_kernel

    check_arguments("hlsgen.map_kernel", {"kernel": PATH}, locals())
    if not is_kernel(kernel):
        read_kernel(kernel)  # says what a kernel is
    return compile(
        kernel,
        schedule="grid",
        fabric=fabric,
        seed=seed,
        time_limit=time_limit,
        exact=exact,
        as_given=as_given,
        name=name,
        output=output,
        progress=progress,
    )


def emit_fabric(
    fabric: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    name: str | None = None,
    progress: Progress = silent,
) -> Compiled:
    """The Verilog of a fabric, a preset or a TOML file; its modules are called ``name`` (as the fabric if None). Raises HlsgenError."""
    check_arguments("hlsgen.emit_fabric", EMITTED, locals())
    target = target_for("grid", "fabric")
    with new_folder(output) as folder, collector_paused():
        artefact = target.compile(fabric, target.options(name=name), progress)
        return commit_design(folder, artefact, made_by("fabric", fabric, {"name": name}))


def verify(
    directory: str | os.PathLike[str],
    inputs: Mapping[str, np.ndarray] | None,
    samples: int | None = None,
    stall: str = "random",
    engine: str = "cocotb",
    reference: str = "numpy",
    seed: int = 0,
    progress: Progress = silent,
    port: str | None = None,
    waves: str | os.PathLike[str] | None = None,
    timeline: bool = False,
    parts: int | None = None,
    cluster: Any = None,
) -> VerifyResult:
    """Simulate DIR/design.v on the samples (name -> (samples, ...)), compare, and write DIR/verify.json.

    Kernels have arrays of their own where none are given (``inputs`` None). ``samples`` takes only the first so many; ``stall`` is ``random``
    (idle on inputs, backpressure on outputs, seeded; besides a full-speed run for timing) or ``none``; ``engine`` is ``cocotb``, ``fast``, or
    ``board``: on hardware, at the serial device ``port``;
    ``reference`` says where the integer graph of a network is evaluated: ``numpy``, ``cupy`` or ``torch``. On a mismatch the first process
    with a wrong output is searched for, where the design has such. ``waves``: a file (.fst, .vcd) for all signals during the first two samples or,
    on a mismatch, the first wrong one and the one before it; GTKWave's setup is written beside it. ``timeline``: for the report, follow a sample through the layers (schedule stream).
    ``parts``: so many jobs, side by side on the cores of this machine or on a ``cluster`` (as of ``build``), which has one for each of its threads where ``parts`` is None;
    what an interrupted verification has done is not done again.
    Raises BadOption, BadFile, TypeMismatch, ToolFailed; Mismatch where all elements are right but a rule is broken.
    """
    from hlsgen.bitstream.cluster import pool_of
    from hlsgen.targets import target_of
    from hlsgen.verify.parts import InParts, check_parts
    from hlsgen.verify.timeline import check_timeline
    from hlsgen.verify.verify import checked_request, verify_design
    from hlsgen.verify.waves import check_waves

    check_arguments("verify", VERIFIED, locals())
    request = checked_request(stall, engine, reference, seed, port)
    request = replace(request, waves=None if waves is None else Path(waves), timeline=timeline)
    if samples is not None and samples < 1:
        raise BadOption("--samples", f"expected at least 1, found {samples}", "Ask for 1 or more.")
    folder = open_folder(directory)
    target = target_of(folder)
    target.check_verify(folder, engine)
    if request.waves is not None:
        check_waves(request.waves, target.has_waves, engine)
    if timeline:
        check_timeline(folder, engine)
    with pool_of(cluster) as pool:
        runner: Runner = target
        if parts is not None or cluster is not None:
            check_parts(folder, 1 if parts is None else parts, engine)
            runner = InParts(target, pool, pool.width if parts is None else parts)
        answers = target.reference(folder, reference)
        given = answers.samples(inputs, samples, seed)
        return verify_design(folder, runner, answers, given, request, progress)


def build(
    directory: str | os.PathLike[str],
    board: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
    seeds: int = 1,
    clock: str | None = None,
    force: bool = False,
    cluster: Any = None,
) -> BuildResult:
    """Build a compiled folder to a bitstream for ``board`` (default: the one it was compiled for), the fastest of ``seeds`` tries.

    The circuit's clock is the fastest that the board's PLL makes and place and route allows; ``clock``: MHz in digits, or "oscillator",
    instead. One that place and route finds too fast is refused unless ``force``. ``cluster``: the address of a scheduler of dask.distributed,
    a Client or a cluster object, whose workers do the steps (extra hlsgen[cluster]); None: the cores of this machine.

    Raises BadFile, BadOption, ToolFailed.
    """
    from hlsgen.bitstream.build import build_design
    from hlsgen.bitstream.clock_choice import ClockRequest
    from hlsgen.bitstream.cluster import pool_of
    from hlsgen.targets import target_of

    check_arguments("build", BUILT, locals())
    folder = open_folder(directory)
    ports = target_of(folder).board_ports(folder)
    named = None if board is None else os.fspath(board)
    request = ClockRequest(clock, force)
    with pool_of(cluster) as pool:
        return build_design(folder, ports, named, progress, seeds, request, pool)


def commit_design(new: NewFolder, artefact: Artefact, origin: Mapping[str, Any]) -> Compiled:
    """Write a design into its folder, with its page."""
    from hlsgen.html_report.documents import documents_of_artefact
    from hlsgen.html_report.page import PAGE, page

    artefact = replace(artefact, manifest=replace(artefact.manifest, made_by=origin))
    shown = {PAGE: page(documents_of_artefact(artefact)).encode()}
    folder = new.commit(artefact, shown)
    return Compiled(folder.directory, artefact.report.as_json(), folder.manifest)
