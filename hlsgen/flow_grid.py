"""The steps from a lowered network to the program that runs it on a fabric."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hlsgen.flow_parts import CompiledParts, fabric_file, report_files
from hlsgen.progress import Progress

if TYPE_CHECKING:
    from hlsgen.lowering.lower import Lowered, PortLayout
    from hlsgen.schedule.grid_network.plan import NetworkPlan
    from hlsgen.schedule.grid_network.ports import Band

DEFAULT_FABRIC = "mac_8x8"


def compile_to_grid(
    lowered: Lowered,
    fabric_name: str | os.PathLike[str] | None,
    board: str | None,
    progress: Progress,
) -> CompiledParts:
    """Map a network to a fabric, and emit the fabric's Verilog and the program of its load port. Raises HlsgenError."""
    from hlsgen.board import load_board
    from hlsgen.fabric.file import load_fabric
    from hlsgen.fabric.program import to_words
    from hlsgen.network_report import network_report, network_report_text
    from hlsgen.rtl.fabric import emit_fabric
    from hlsgen.rtl.verilog import to_verilog
    from hlsgen.schedule.grid_network.plan import plan_network
    from hlsgen.schedule.grid_network.program import sample_packets, setup_packets

    if board is not None:
        load_board(board)  # refuses an unknown one
    name = os.fspath(fabric_name or DEFAULT_FABRIC)
    fabric = load_fabric(name)
    progress(f"mapping the network to fabric {fabric.name}", None)
    plan = plan_network(fabric, lowered.dataflow)
    report = network_report(plan)
    progress("emitting Verilog", None)
    verilog = to_verilog(emit_fabric(fabric))
    files = {
        "design.v": verilog.encode(),
        f"{fabric.name}.toml": fabric_file(name),
        "setup.bin": to_words(setup_packets(plan)).astype("<u4").tobytes(),
        "sample.bin": to_words(sample_packets(plan)).astype("<u4").tobytes(),
    }
    manifest = _manifest(plan, lowered, board, report, files)
    files |= report_files(report, network_report_text(report))
    return CompiledParts(files, report, manifest, _schedule_text(plan))


def _manifest(
    plan: NetworkPlan,
    lowered: Lowered,
    board: str | None,
    report: Mapping[str, Any],
    files: Mapping[str, bytes],
) -> dict[str, Any]:
    """As of a streaming design, with ``bands``: where the elements of a port are in the fabric's tiles."""
    from hlsgen import __version__
    from hlsgen.fabric.file import fabric_hash
    from hlsgen.schedule.grid_network.ports import input_bands, output_bands

    def digest(name: str) -> str:
        return hashlib.sha256(files[name]).hexdigest()

    return {
        "hlsgen": __version__,
        "schedule": "grid",
        "top": "hlsgen_top",
        "clock": "clk",
        "reset": "rst",
        "board": board,
        "fabric": plan.fabric.name,
        "fabric_hash": fabric_hash(plan.fabric),
        "verilog_sha256": digest("design.v"),
        "setup_sha256": digest("setup.bin"),
        "sample_sha256": digest("sample.bin"),
        "inputs": [_port(port, input_bands(plan), "load") for port in lowered.inputs],
        "outputs": [_port(port, output_bands(plan), "unload") for port in lowered.outputs],
        "processes": [],
        "predicted_interval_cycles": report["interval"],
        "predicted_latency_cycles": report["interval"],
        "run_cycles": [phase.cycles for phase in plan.phases],
    }


def _port(port: PortLayout, bands: tuple[Band, ...], axis: str) -> dict[str, Any]:
    height, width, channels = port.stream_shape
    return {
        "axis": axis,
        "value": port.value,
        "channel": port.channel,
        "tensor_shape": list(port.tensor_shape),
        "axes": [int(item) for item in port.axes],
        "stream_shape": [height, width, channels],
        "element": str(port.element),
        "lanes": 1,
        "words": height * width * channels,
        "bands": [asdict(band) for band in bands if band.channel == port.channel],
    }


def _schedule_text(plan: NetworkPlan) -> str:
    lines = [
        f"{number:4}  {phase.kind:8} {phase.process:24} {phase.cycles:8} cycles {phase.macs:10} MACs"
        for number, phase in enumerate(plan.phases)
    ]
    return "\n".join([f"network {plan.dataflow.name} on fabric {plan.fabric.name}", *lines, ""])
