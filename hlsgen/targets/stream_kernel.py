"""Loop kernels as fixed pipelines (schedule stream)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from hlsgen.artefact.board_ports import BoardPorts, stream_board_ports
from hlsgen.artefact.folder import MANIFEST, Artefact, Folder
from hlsgen.board import DEFAULT_BOARD
from hlsgen.progress import Progress
from hlsgen.targets.kernel_source import KernelSource
from hlsgen.targets.target import Target

if TYPE_CHECKING:
    import numpy as np

    from hlsgen.host.traffic import Traffic
    from hlsgen.verify.reference import Reference, Samples
    from hlsgen.verify.run import Failure, Request, Runs, TraceRequest

TIMED_EXECUTIONS = 3


@dataclass(frozen=True)
class StreamKernelOptions:
    """A pipeline leaves nothing to choose; ``board``: whose resources the report counts, and for which it is built."""

    board: str = DEFAULT_BOARD
    name: str | None = None


class StreamKernel(Target[KernelSource]):
    """See :class:`hlsgen.targets.target.Target`."""

    kind: ClassVar[str] = "stream_kernel"
    source: ClassVar[str] = "kernel"
    schedule: ClassVar[str] = "stream"
    has_waves: ClassVar[bool] = True
    options: ClassVar[type] = StreamKernelOptions

    def compile(
        self, source: KernelSource, options: StreamKernelOptions, progress: Progress
    ) -> Artefact:
        """Schedule a pipeline for every loop graph, and emit Verilog."""
        from hlsgen.board import load_board
        from hlsgen.cost.kernel import kernel_cost
        from hlsgen.cost.units import FAMILIES
        from hlsgen.loops.check import check
        from hlsgen.loops.clean import clean
        from hlsgen.rtl.names import design_name
        from hlsgen.rtl.pipeline import emit_pipeline, kernel_shape
        from hlsgen.rtl.verilog import to_verilog
        from hlsgen.schedule.stream_kernel.pipeline import schedule_pipeline
        from hlsgen.schedule.stream_kernel.report import pipeline_report

        board = load_board(options.board)
        for graph in source.kernel.graphs:
            check(graph)
        kernel = replace(source.kernel, graphs=tuple(map(clean, source.kernel.graphs)))
        progress("scheduling the pipeline", None)
        plans = [schedule_pipeline(graph) for graph in kernel.graphs]
        design = emit_pipeline(kernel, plans, design_name(options.name, kernel.name))
        progress("emitting Verilog", None)
        files = {"design.v": to_verilog(design, source.origin).encode(), **source.files(kernel)}
        files |= board.files()
        identity = {"kernel": source.identity(kernel)}
        manifest = replace(design.manifest, board=board.name, details=identity)
        assert manifest.interval_cycles is not None and manifest.latency_cycles is not None
        cycles = manifest.interval_cycles, manifest.latency_cycles
        cost = kernel_cost(kernel_shape(kernel, plans), FAMILIES[board.family])
        return Artefact(files, manifest, pipeline_report(kernel.name, plans, cycles, board, cost))

    def flags(self, folder: Folder) -> tuple[str, ...]:
        return ("running",)

    def reference(self, folder: Folder, name: str) -> Reference:
        from hlsgen.verify.kernel import kernel_reference

        return kernel_reference(folder, name)

    def run(self, folder: Folder, samples: Samples, request: Request, progress: Progress) -> Runs:
        """A pipeline takes the predicted cycles exactly: others are a broken rule."""
        from hlsgen.targets.stream_runs import run_streams
        from hlsgen.verify.run import Runs
        from hlsgen.verify.timing import Timing, measure

        runs = run_streams(folder, samples, request, TIMED_EXECUTIONS, progress)
        manifest, measured = folder.manifest, measure(runs.timed)
        predicted = Timing(manifest.latency_cycles, manifest.interval_cycles)
        if runs.timed.stopped or measured == predicted:
            return runs
        text = f"expected {predicted}, found {measured}"
        timed = replace(runs.timed, violations=(*runs.timed.violations, text))
        return Runs(timed if runs.main is runs.timed else runs.main, timed)

    def trace(self, folder: Folder, request: TraceRequest, progress: Progress) -> None:
        from hlsgen.verify.stream import trace_stream

        trace_stream(folder, request, progress)

    def first_wrong(
        self, folder: Folder, reference: Reference, failure: Failure, progress: Progress
    ) -> str | None:
        """A pipeline has no parts that can be told apart: the first wrong store."""
        from hlsgen.verify.kernel import kernel_reference

        return kernel_reference(folder, "numpy").first_wrong(failure)

    def board_ports(self, folder: Folder) -> BoardPorts:
        return stream_board_ports(folder.manifest, str(folder.directory / MANIFEST))

    def traffic(self, folder: Folder, hardware: Mapping[str, np.ndarray], count: int) -> Traffic:
        from hlsgen.host.traffic import stream_traffic

        return stream_traffic(folder, hardware, count)
