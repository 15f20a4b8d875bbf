"""The resources that are predicted of a kernel as a fixed pipeline, against synthesis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hlsgen.rtl_templates.kernel.shape import ConstantTap, PipelineShape

from hlsgen import flow
from hlsgen.bitstream.build import synthesise
from hlsgen.cost.kernel import kernel_cost
from hlsgen.cost.units import FAMILIES, Cost
from hlsgen.loops.clean import clean
from hlsgen.rtl.pipeline import kernel_shape
from hlsgen.schedule.stream_kernel.pipeline import schedule_pipeline
from hlsgen.targets.kernel_source import read_kernel

KERNELS = Path(__file__).parents[2] / "examples" / "kernels"


def predicted(name: str, family: str) -> Cost:
    kernel = read_kernel(f"{KERNELS / name}.py:{name}").kernel
    kernel = replace(kernel, graphs=tuple(map(clean, kernel.graphs)))
    plans = [schedule_pipeline(graph) for graph in kernel.graphs]
    return kernel_cost(kernel_shape(kernel, plans), FAMILIES[family])


@pytest.mark.parametrize("board", ["ulx3s_85f", "icebreaker", "tang_nano_20k"])
def test_the_report_of_a_kernel_says_what_it_takes_of_the_board(board: str, tmp_path: Path) -> None:
    source = f"{KERNELS / 'fir.py'}:fir"
    report = flow.compile(source, board=board, output=tmp_path / "out").report
    cost = predicted("fir", {"u": "ecp5", "i": "ice40", "t": "gowin"}[board[0]])
    assert report["board"] == board
    assert (report["lut"], report["ff"]) == (round(float(cost.lut)), round(float(cost.ff)))
    assert report["dsp"] == cost.dsp > 0 and report["bram"] == cost.bram
    text = (tmp_path / "out" / "report.txt").read_text()
    assert text.startswith(
        f"fir on {board} at {report['clock_mhz']:g} MHz: {report['lut']:,} LUT, "
    )


@pytest.mark.parametrize(("name", "counted"), [("fir", 379), ("cordic", 854), ("atax", 673)])
def test_flip_flops_on_ice40_with_those_around_memories_are_near_the_netlist_s(
    name: str, counted: int
) -> None:
    assert 0.85 < float(predicted(name, "ice40").ff) / counted < 1.15


def test_shifts_by_constants_and_products_with_powers_of_two_are_wires() -> None:
    kernel = read_kernel(f"{KERNELS / 'sobel.py'}:sobel").kernel
    plans = [schedule_pipeline(graph) for graph in map(clean, kernel.graphs)]
    shape = kernel_shape(replace(kernel, graphs=tuple(map(clean, kernel.graphs))), plans)
    changed = tuple(map(with_constants_of_three, shape.pipelines))
    table = FAMILIES["ecp5"]
    products = kernel_cost(replace(shape, pipelines=changed), table)
    assert products.dsp > kernel_cost(shape, table).dsp


def with_constants_of_three(shape: PipelineShape) -> PipelineShape:
    """The pipeline with products in place of shifts, and no power of two among constants."""
    stages = tuple(
        replace(
            stage,
            operator="multiply" if stage.operator.startswith("shift") else stage.operator,
            operands=tuple(
                ConstantTap(3) if isinstance(tap, ConstantTap) else tap for tap in stage.operands
            ),
        )
        for stage in shape.stages
    )
    return replace(shape, stages=stages)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ecp5", "ice40"])
@pytest.mark.parametrize("name", ["atax", "cordic", "fir"])
def test_prediction_is_near_synthesis(name: str, family: str, tmp_path: Path) -> None:
    design = flow.compile(f"{KERNELS / name}.py:{name}", output=tmp_path / "out")
    usage, cost = synthesise(design.directory, family, top=name), predicted(name, family)
    assert 0.8 < float(cost.lut) / usage.lut < 1.25
    assert 0.6 < float(cost.ff) / usage.ff < 1.4
    assert cost.dsp == usage.dsp and cost.bram == usage.bram
