"""Networks with an array for every layer (schedule stream)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from hlsgen.artefact.board_ports import BoardPorts, stream_board_ports
from hlsgen.artefact.folder import MANIFEST, Artefact, Folder
from hlsgen.artefact.parameter_port import PARAMETER_FILE
from hlsgen.board import DEFAULT_BOARD
from hlsgen.errors import BadOption
from hlsgen.progress import Progress
from hlsgen.targets.network_source import NetworkSource
from hlsgen.targets.target import Target

if TYPE_CHECKING:
    import numpy as np

    from hlsgen.algebra.unroll import Unroll
    from hlsgen.board import Board
    from hlsgen.dataflow.ir import Dataflow
    from hlsgen.host.traffic import Traffic
    from hlsgen.schedule.stream_network.ir import StreamSchedule
    from hlsgen.verify.reference import Reference, Samples
    from hlsgen.verify.run import Failure, Request, Runs, TraceRequest


@dataclass(frozen=True)
class StreamNetworkOptions:
    """``effort``: small, balanced or max (None: balanced), how much of the board more speed is worth; ``target_fps`` instead asks for the
    smallest design that reaches so many inferences a second at the clock that a build is expected to have, ``interval`` for that of at most so many cycles a sample
    (1: every layer unrolled completely, with weights that are wires where that is smaller). ``latency``: at most so many cycles. ``multipliers``, ``dsp``, ``lut``: at most so many
    multipliers in all, of arrays and of finishing; so many DSP blocks; so many LUTs. ``lanes``: so many channels in a word of every input. ``overrides`` fixes the unrolling of single processes.
    ``weights``: "loadable" for memories of weights, biases and scales that can be written while the circuit is there."""

    board: str = DEFAULT_BOARD
    effort: str | None = None
    multipliers: int | None = None
    dsp: int | None = None
    lut: int | None = None
    target_fps: float | None = None
    interval: int | None = None
    latency: int | None = None
    lanes: int | None = None
    overrides: Mapping[str, Unroll] = field(default_factory=dict)
    weights: str | None = None
    name: str | None = None


class StreamNetwork(Target[NetworkSource]):
    """See :class:`hlsgen.targets.target.Target`."""

    kind: ClassVar[str] = "stream_network"
    source: ClassVar[str] = "network"
    schedule: ClassVar[str] = "stream"
    has_waves: ClassVar[bool] = True
    options: ClassVar[type] = StreamNetworkOptions

    def compile(
        self, source: NetworkSource, options: StreamNetworkOptions, progress: Progress
    ) -> Artefact:
        """Solve for the arrays and buffers of every process, and emit Verilog."""
        from hlsgen.board import load_board
        from hlsgen.passes.states import refuse_states
        from hlsgen.rtl.emit import emit
        from hlsgen.rtl.names import design_name
        from hlsgen.rtl.parameters import parameter_image
        from hlsgen.rtl.verilog import to_verilog
        from hlsgen.schedule.stream_network.check import check
        from hlsgen.schedule.stream_network.report import network_report
        from hlsgen.schedule.stream_network.text import to_text
        from hlsgen.schedule.stream_network.truth_tables import with_truth_tables

        _check_weights(options)
        is_loadable = options.weights is not None
        if is_loadable:
            refuse_states(
                source.integer.hardware,
                "a circuit with constant weights",
                "loadable ones",
                "--weights",
            )
        lowered = source.lowered(True, progress, is_loadable)
        progress("solving for unroll factors", None)
        board = load_board(options.board)
        if options.interval == 1 and not is_loadable:
            tabled = with_truth_tables(lowered.dataflow, board.family)
            lowered = replace(lowered, dataflow=tabled)
        with source.named():
            plan = planned(lowered.dataflow, board, options)
        check(plan)
        progress("emitting Verilog", None)
        name = design_name(options.name, source.name)
        design = emit(plan, lowered, board.name, name)
        files = {
            **source.files(),
            **board.files(),
            "design.v": to_verilog(design, f"{source.origin}, for {board.title}").encode(),
        }
        details: dict[str, Any] = {}
        if is_loadable:
            details["loadable"] = options_as_json(options)
            files[PARAMETER_FILE] = parameter_image(plan)
        if source.integer.states:
            details["states"] = source.integer.states
        manifest = replace(design.manifest, declared=source.declared, details=details)
        return Artefact(
            files,
            manifest,
            source.reported(network_report(plan, board)),
            lambda: source.texts(lowered, lambda: to_text(plan)),
        )

    def flags(self, folder: Folder) -> tuple[str, ...]:
        return ()

    def reference(self, folder: Folder, name: str) -> Reference:
        from hlsgen.verify.stored import stored_reference

        return stored_reference(folder, name)

    def run(self, folder: Folder, samples: Samples, request: Request, progress: Progress) -> Runs:
        from hlsgen.targets.stream_runs import run_streams
        from hlsgen.verify.timing import TIMED_SAMPLES

        return run_streams(folder, samples, request, TIMED_SAMPLES, progress)

    def trace(self, folder: Folder, request: TraceRequest, progress: Progress) -> None:
        from hlsgen.verify.stream import trace_stream

        trace_stream(folder, request, progress)

    def first_wrong(
        self, folder: Folder, reference: Reference, failure: Failure, progress: Progress
    ) -> str | None:
        """The first process whose output differs from its meaning."""
        from hlsgen.verify.bisect import first_wrong_process

        dataflow = reference.dataflow(nudged=True)
        if dataflow is None or not folder.manifest.processes:
            return None
        return str(first_wrong_process(folder, dataflow, failure, progress))

    def board_ports(self, folder: Folder) -> BoardPorts:
        return stream_board_ports(folder.manifest, str(folder.directory / MANIFEST))

    def traffic(self, folder: Folder, hardware: Mapping[str, np.ndarray], count: int) -> Traffic:
        from hlsgen.host.traffic import stream_traffic

        return stream_traffic(folder, hardware, count)


def planned(dataflow: Dataflow, board: Board, options: StreamNetworkOptions) -> StreamSchedule:
    """The schedule that is asked for; raises BadOption for options that contradict each other, DoesNotFit."""
    from hlsgen.schedule.stream_network.options import StreamOptions
    from hlsgen.schedule.stream_network.rate import schedule_for_rate
    from hlsgen.schedule.stream_network.solver import schedule

    asked = StreamOptions(
        effort=_effort(options),
        multipliers=options.multipliers,
        dsp=options.dsp,
        lut=options.lut,
        target_interval=options.interval,
        latency=options.latency,
        lanes=options.lanes,
        overrides=options.overrides,
    )
    if options.target_fps is None:
        return schedule(dataflow, board, asked)
    return schedule_for_rate(dataflow, board, asked, options.target_fps)


def options_as_json(options: StreamNetworkOptions) -> dict[str, Any]:
    """The options, so that the same network is planned in the same way again."""
    return asdict(options)


def options_from_json(given: Mapping[str, Any]) -> StreamNetworkOptions:
    """The inverse of ``options_as_json``; raises KeyError, TypeError, ValueError."""
    from hlsgen.algebra.unroll import Unroll

    overrides = {name: Unroll(**factors) for name, factors in given["overrides"].items()}
    return StreamNetworkOptions(**{**given, "overrides": overrides})


def _check_weights(options: StreamNetworkOptions) -> None:
    if options.weights not in (None, "loadable"):
        raise BadOption(
            "--weights",
            f"expected loadable, found {options.weights!r}",
            "Write --weights loadable, or leave it out.",
        )


def _effort(options: StreamNetworkOptions) -> str:
    """The effort; raises BadOption where a rate is asked for as well."""
    rates = {"--target-fps": options.target_fps, "--interval": options.interval}
    asked = [option for option, value in rates.items() if value is not None]
    if options.effort is not None and asked:
        raise BadOption(
            "--effort",
            f"expected --effort or {asked[0]}, found both: a rate asks for the smallest design that reaches it",
            "Leave one of them out.",
        )
    if len(asked) > 1:
        raise BadOption(
            "--interval",
            "expected --interval or --target-fps, found both: either says how many cycles a sample may take",
            "Leave one of them out.",
        )
    return "balanced" if options.effort is None else options.effort
