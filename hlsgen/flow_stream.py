"""The steps from a lowered network to a circuit with an array for every layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hlsgen.errors import BadOption
from hlsgen.flow_parts import CompiledParts, report_files
from hlsgen.progress import Progress

if TYPE_CHECKING:
    from hlsgen.algebra.unroll import Unroll
    from hlsgen.dataflow.ir import Dataflow
    from hlsgen.lowering.lower import Lowered
    from hlsgen.schedule.stream_network.ir import StreamSchedule

DEFAULT_BOARD = "ulx3s_85f"


def compile_to_stream(
    lowered: Lowered,
    board: str | None,
    multipliers: int | None,
    target_fps: float | None,
    overrides: Mapping[str, Unroll] | None,
    progress: Progress,
) -> CompiledParts:
    """Solve for the arrays and buffers of every process and emit Verilog. Options as of ``flow.compile``; raises HlsgenError."""
    progress("solving for unroll factors", None)
    plan, report, text = _schedule(lowered.dataflow, board, multipliers, target_fps, overrides)
    progress("emitting Verilog", None)
    from hlsgen.rtl.emit import emit
    from hlsgen.rtl.verilog import to_verilog
    from hlsgen.schedule.stream_network.text import to_text

    design = emit(plan, lowered, board=report["board"])
    verilog = to_verilog(design)
    files = {"design.v": verilog.encode(), **report_files(report, text)}
    return CompiledParts(files, report, design.manifest_for(verilog), to_text(plan))


def _schedule(
    dataflow: Dataflow,
    board_name: str | None,
    multipliers: int | None,
    target_fps: float | None,
    overrides: Mapping[str, Unroll] | None,
) -> tuple[StreamSchedule, dict[str, Any], str]:
    from hlsgen.board import load_board
    from hlsgen.report import report, report_text
    from hlsgen.schedule.stream_network.check import check
    from hlsgen.schedule.stream_network.solver import StreamOptions, schedule

    board = load_board(board_name or DEFAULT_BOARD)
    interval = None
    if target_fps is not None:
        if not 0 < target_fps <= board.clock_mhz * 1e6:
            raise BadOption(
                "--target-fps",
                f"expected more than 0 and at most {board.clock_mhz * 1e6:g} (one per clock cycle of"
                f" {board.name}), found {target_fps:g}",
                "Ask for a rate in this range.",
            )
        interval = int(board.clock_mhz * 1e6 / target_fps)
    options = StreamOptions(
        multipliers=multipliers, target_interval=interval, overrides=overrides or {}
    )
    plan = schedule(dataflow, board, options)
    check(plan)
    data = report(plan, board)
    return plan, data, report_text(data)
