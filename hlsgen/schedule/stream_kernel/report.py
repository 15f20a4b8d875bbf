"""The figures of fixed pipelines."""

from __future__ import annotations

from collections.abc import Sequence

from hlsgen.artefact.report import Head, Report
from hlsgen.board import Board
from hlsgen.cost.clock_rate import expected_clock_mhz
from hlsgen.cost.units import Cost
from hlsgen.loops.outline import outline
from hlsgen.schedule.stream_kernel.pipeline import PipelineSchedule


def pipeline_report(
    name: str,
    plans: Sequence[PipelineSchedule],
    cycles: tuple[int, int],
    board: Board,
    cost: Cost,
) -> Report:
    """``cycles``: interval and latency of an execution; ``cost``: the prediction for ``board``. Per loop graph: ``ops`` operations, ``ii`` and its lower bounds ``rec_mii`` (recurrences) and ``mem_mii`` (write ports),
    ``length`` of an iteration and ``cycles`` of the run; its ``operations``."""
    details = {
        "board": board.name,
        **{f"board_{kind}": getattr(board, kind) for kind in ("lut", "ff", "dsp", "bram")},
        "graphs": [
            {
                "name": plan.graph.name,
                "ops": len(plan.graph.operations),
                "ii": plan.ii,
                "rec_mii": plan.recurrence,
                "mem_mii": plan.write_ports,
                "iterations": plan.graph.iterations,
                "length": plan.length,
                "cycles": plan.cycles,
                "operations": outline(plan.graph, plan.times),
            }
            for plan in plans
        ],
    }
    used = {kind: round(float(getattr(cost, kind))) for kind in ("lut", "ff", "dsp", "bram")}
    clock = expected_clock_mhz(board, cost.lut)
    head = Head(interval_cycles=cycles[0], latency_cycles=cycles[1], clock_mhz=clock, **used)
    sizes = ", ".join(f"{used[kind]:,} {kind.upper()}" for kind in used)
    title = f"{name} on {board.name} at {clock:g} MHz: {sizes} (predicted)\n"
    return Report(name, head, details, "\n".join([title, *map(pipeline_text, plans)]))


def pipeline_text(plan: PipelineSchedule) -> str:
    """The pipeline for people: its figures, then the operations by the cycle of their issue."""
    lines = [
        f"{plan.graph.name}: interval {plan.ii} (recurrences {plan.recurrence}, write ports {plan.write_ports}),"
        f" {plan.length} cycles an iteration, {plan.cycles} cycles for {plan.graph.iterations} iterations"
    ]
    operations = sorted(plan.graph.operations, key=lambda operation: plan.times[operation.name])
    lines += [
        f"{plan.times[operation.name]:5}  {operation.operator:20} {operation.name}"
        for operation in operations
    ]
    return "\n".join([*lines, ""])
