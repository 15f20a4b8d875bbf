"""What is predicted of a network with an array for every layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hlsgen.artefact.report import Head, Report, aligned
from hlsgen.board import Board
from hlsgen.cost.build_time import build_time_text
from hlsgen.cost.clock_rate import clock_rate, clock_rate_text, expected_clock_mhz
from hlsgen.cost.process import multiplies
from hlsgen.dataflow.ir import Process
from hlsgen.dataflow.outline import outline
from hlsgen.schedule.stream_network.activity import activity
from hlsgen.schedule.stream_network.cost import schedule_cost, total_cost
from hlsgen.schedule.stream_network.ir import StreamSchedule
from hlsgen.schedule.stream_network.timing import array_cycles


def macs_of(process: Process) -> int:
    """Products per sample; 0 for a process without multipliers in its array."""
    return math.prod(loop.extent for loop in process.loops) if multiplies(process) else 0


def network_report(plan: StreamSchedule, board: Board) -> Report:
    """The predictions for a schedule on a board.

    ``multipliers`` are those of PE arrays (``dsp_multipliers`` + ``lut_multipliers``; constant layers have none); ``utilisation`` is the
    share of their cycles in which they do useful products. ``dsp`` also counts finishing multipliers, in the board's units.
    """
    costs = schedule_cost(plan, board.family)
    total = total_cost(costs)
    layers = [_layer(plan, process, costs[process.name]) for process in plan.dataflow.processes]
    macs = sum(layer["macs"] for layer in layers)
    by_kind = {
        kind: sum(n["multipliers"] for n in layers if n["multiplier"] == kind)
        for kind in ("dsp", "lut")
    }
    multipliers = sum(by_kind.values())
    multiplied = sum(layer["macs"] for layer in layers if layer["multipliers"])
    head = Head(
        macs=macs,
        interval_cycles=plan.interval,
        latency_cycles=plan.latency,
        lut=total.lut,
        ff=total.ff,
        dsp=total.dsp,
        bram=total.bram,
        clock_mhz=expected_clock_mhz(board, total.lut),
    )
    assert head.clock_mhz is not None, "it was just set"
    rate = clock_rate(board, total.lut)
    details = {
        "board": board.name,
        "expected_fmax_mhz": None if rate is None else asdict(rate),
        "multipliers": multipliers,
        "dsp_multipliers": by_kind["dsp"],
        "lut_multipliers": by_kind["lut"],
        "oscillator_mhz": board.clock_mhz,
        "fps": head.clock_mhz * 1e6 / plan.interval,
        "utilisation": multiplied / (multipliers * plan.interval) if multipliers else 0.0,
        "board_lut": board.lut,
        "board_ff": board.ff,
        "board_dsp": board.dsp,
        "board_bram": board.bram,
        "bottleneck": max(layers, key=lambda layer: layer["cycles"])["name"] if layers else None,
        "layers": layers,
        "graph": outline(plan.dataflow),
        "timeline": activity(plan),
    }
    if total.spram:
        details |= {"spram": total.spram, "board_spram": board.spram}
    return Report(
        plan.dataflow.name, head, details, _text(plan.dataflow.name, head, details, board)
    )


def _layer(plan: StreamSchedule, process: Process, cost: Any) -> dict[str, Any]:
    array = plan.arrays[process.name]
    unroll = array.unroll
    cycles = array_cycles(plan, process)
    has_multipliers = multiplies(process) and not array.is_constant
    return {
        "name": process.name,
        "macs": macs_of(process),
        "unroll": {name: getattr(unroll, name) for name in ("x", "g", "o", "ky", "kx", "i")},
        "multipliers": unroll.rows * unroll.lanes if has_multipliers else 0,
        "multiplier": array.multiplier if multiplies(process) else None,
        "finish_lanes": array.finish_lanes,
        "finish_interval": array.finish_interval,
        "finish_multiplier": array.finish_multiplier,
        "cycles": cycles,
        "busy": cycles / plan.interval,
        "buffers": [
            {"channel": b.channel, "read": b.read, "lanes": b.lanes, "depth": b.depth}
            | ({"memory": "spram"} if b.single_port else {})
            for b in plan.buffers
            if b.process == process.name
        ],
        "lut": math.ceil(float(cost.lut)),
        "ff": math.ceil(float(cost.ff)),
        "dsp": int(cost.dsp),
        "bram": int(cost.bram),
    }


def _text(name: str, head: Head, data: Mapping[str, Any], board: Board) -> str:
    """The report as an aligned table."""
    rows = [
        ["layer", "MACs", "unroll", "mult", "cycles", "busy", "depth", "LUT", "FF", "DSP", "BRAM"]
    ]
    for layer in data["layers"]:
        factors = [f"{name}{n}" for name, n in layer["unroll"].items() if n > 1]
        kind = {"dsp": "", "lut": " LUT", "constant": " (adders)", None: ""}[layer["multiplier"]]
        depths = " ".join(
            f"{b['depth']}{' (SPRAM)' if 'memory' in b else ''}" for b in layer["buffers"]
        )
        rows.append(
            [
                layer["name"],
                f"{layer['macs']:,}",
                " ".join(factors) or "1",
                f"{layer['multipliers']}{kind}",
                f"{layer['cycles']:,}",
                f"{layer['busy']:.0%}",
                depths,
                *(f"{layer[key]:,}" for key in ("lut", "ff", "dsp", "bram")),
            ]
        )
    lines = (
        f"{name} on {data['board']} at {head.clock_mhz:g} MHz (predicted)\n"
        f"  interval  {head.interval_cycles:,} cycles = {data['fps']:,.1f} samples a second\n"
        f"  latency   {head.latency_cycles:,} cycles\n"
        f"  work      {head.macs:,} MACs on {data['multipliers']} multipliers"
        f" ({data['dsp_multipliers']} DSP, {data['lut_multipliers']} LUT),"
        f" {data['utilisation']:.0%} of their cycles\n"
    )
    used = [
        f"  {label:<12}{getattr(head, key):,} of {data['board_' + key]:,}"
        f" ({getattr(head, key) / max(1, data['board_' + key]):.0%})"
        for key, label in (("lut", "LUT"), ("dsp", "DSP"), ("bram", "RAM blocks"))
    ]
    if "spram" in data:
        used.append(f"  SPRAM       {data['spram']} of {data['board_spram']}")
    lut, interval = head.lut or 0, head.interval_cycles or 1
    used.append(f"  clock     {clock_rate_text(board, lut, interval)}")
    used.append(f"  build     {build_time_text(board.family, lut)}")
    return lines + "\n".join(used) + "\n\n" + aligned(rows, left=(0, 2))
