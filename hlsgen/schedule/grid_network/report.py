"""What is predicted of a network on a fabric, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hlsgen.artefact.report import Head, Report, aligned
from hlsgen.dataflow.outline import outline
from hlsgen.fabric.packets import Packet, to_words
from hlsgen.schedule.grid_network.border import border
from hlsgen.schedule.grid_network.plan import NetworkPlan
from hlsgen.schedule.grid_network.ports import (
    input_bands,
    input_packets,
    output_bands,
    output_packets,
    result_words,
)
from hlsgen.schedule.grid_network.program import phase_packets, setup_packets
from hlsgen.schedule.grid_network.timeline import Span, idle_from, timeline


def network_report(plan: NetworkPlan, clock_mhz: float | None = None) -> Report:
    """The predictions for a plan; ``clock_mhz`` of its board.

    ``mac_use``: products over the cycles of all PEs; of a layer in its own runs (``cycles``, copies of rows
    included), overall in all cycles from the start of the first run to the end of the last one (``cycles``, waiting for the load
    port included). All but ``head`` is of a batch of ``samples``."""
    packets = phase_packets(plan)
    spans = timeline(plan, packets)
    cycles = idle_from(plan, spans[-1])
    pes = plan.fabric.rows * plan.fabric.columns
    macs = sum(phase.macs for phase in plan.phases)
    sides = border(plan.fabric)
    latency = cycles + _border_words(plan) + _count(packets[0])
    head = Head(
        macs=macs // plan.samples,
        interval_cycles=-(-latency // plan.samples),
        latency_cycles=latency,
        clock_mhz=clock_mhz,
    )
    details = {
        "fabric": plan.fabric.name,
        "samples": plan.samples,
        "processing_elements": pes,
        "cycles": cycles,
        "waiting_cycles": cycles - sum(phase.cycles for phase in plan.phases),
        "mac_use": macs / (pes * cycles),
        "runs": len(plan.phases),
        "setup_words": _count(setup_packets(plan)),
        "sample_words": sum(_count(run) for run in packets),
        "west_elements": sides.west_words,
        "west_elements_used": plan.west_used,
        "north_elements": sides.north_words,
        "weights_resident": all(plan.weights.resident),
        "parameters_resident": all(plan.parameters.resident),
        "layers": _layers(plan, spans, pes),
        "graph": outline(plan.dataflow),
        "phases": [
            {
                "process": phase.process,
                "kind": phase.kind,
                "begin": span.start,
                "cycles": phase.cycles,
                "macs": phase.macs,
                "mac_use": phase.macs / (pes * phase.cycles),
            }
            for phase, span in zip(plan.phases, spans, strict=True)
        ],
    }
    return Report(plan.dataflow.name, head, details, _text(plan.dataflow.name, macs, details))


def _border_words(plan: NetworkPlan) -> int:
    """Words of a batch, of the requests for its results and of the results."""
    zeros = {
        name: np.zeros((1, *plan.dataflow.channels[name].shape), int)
        for name in plan.dataflow.inputs
    }
    bands = output_bands(plan)
    sample = input_packets(plan.fabric, input_bands(plan), zeros)
    return (
        _count(sample)
        + _count(output_packets(plan.fabric, bands))
        + result_words(plan.fabric, bands)
    )


def _count(packets: Sequence[Packet]) -> int:
    return len(to_words(packets))


def _layers(plan: NetworkPlan, spans: Sequence[Span], pes: int) -> list[dict[str, Any]]:
    layers = []
    end = 0
    for process in plan.dataflow.processes:
        own = [
            (phase, span)
            for phase, span in zip(plan.phases, spans, strict=True)
            if phase.process == process.name
        ]
        cycles = sum(span.cycles for _, span in own)
        macs = sum(phase.macs for phase, _ in own)
        last = idle_from(plan, own[-1][1])
        layers.append(
            {
                "name": process.name,
                "macs": macs,
                "runs": len(own),
                "cycles": cycles,
                "copy_cycles": sum(phase.cycles for phase, _ in own if phase.kind == "copy"),
                "waiting_cycles": last - end - cycles,
                "mac_use": macs / (pes * cycles),
                "loaded_words": sum(len(i.words) for phase, _ in own for i in phase.preloads),
            }
        )
        end = last
    return layers


def _text(name: str, macs: int, data: Mapping[str, Any]) -> str:
    """The report as an aligned table."""
    rows = [["layer", "MACs", "runs", "cycles", "of them copies", "waiting", "MAC use"]]
    rows += [
        [
            layer["name"],
            *(
                f"{layer[key]:,}"
                for key in ("macs", "runs", "cycles", "copy_cycles", "waiting_cycles")
            ),
            f"{layer['mac_use']:.1%}" if layer["macs"] else "-",
        ]
        for layer in data["layers"]
    ]
    unit = "sample" if data["samples"] == 1 else f"batch of {data['samples']} samples"
    weights, parameters = (
        "loaded once" if data[key] else f"loaded for every {unit} in part"
        for key in ("weights_resident", "parameters_resident")
    )
    lines = (
        f"{name} on fabric {data['fabric']} (predicted)\n"
        f"  cycles    {data['cycles']:,} a {unit}, {data['waiting_cycles']:,} of them waiting for the load port\n"
        f"  work      {macs:,} MACs on {data['processing_elements']} PEs,"
        f" {data['mac_use']:.1%} of their cycles\n"
        f"  program   {data['setup_words']:,} words once, {data['sample_words']:,} a {unit} and its values\n"
        f"  tiles     {data['west_elements_used']:,} of {data['west_elements']:,} elements for activations;"
        f" weights {weights}, parameters {parameters}\n\n"
    )
    return lines + aligned(rows, left=(0,))
