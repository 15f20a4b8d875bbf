"""A sample every cycle: which layers are constant, how they follow one another, their latency, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import onnx
import pytest
from support.qonnx_models import QonnxModel, network_of_vectors

from hlsgen.board import load_board
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import DoesNotFit, IllegalGraph
from hlsgen.numbers import Numbers
from hlsgen.progress import silent
from hlsgen.schedule.stream_network.check import check
from hlsgen.schedule.stream_network.constant import chain_latency, chains
from hlsgen.schedule.stream_network.ir import StreamSchedule
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.solver import schedule
from hlsgen.schedule.stream_network.text import parse, to_text
from hlsgen.targets.network_source import read_network

BOARD = load_board("ulx3s_25f")


def lowered(model: onnx.ModelProto) -> Dataflow:
    return read_network(model, Numbers(), silent).lowered(nudged=True, progress=silent).dataflow


@cache
def dataflow() -> Dataflow:
    return lowered(network_of_vectors()[0])


@cache
def plan(latency: int | None = None) -> StreamSchedule:
    return schedule(dataflow(), BOARD, StreamOptions(target_interval=1, latency=latency))


def test_vectors_every_cycle_go_through_one_chain_of_constant_layers() -> None:
    every_cycle = plan()
    check(every_cycle)
    assert every_cycle.interval == 1
    assert not every_cycle.buffers
    (chain,) = chains(every_cycle.dataflow, every_cycle.arrays)
    assert [p.name for p in chain] == [p.name for p in every_cycle.dataflow.processes]
    assert parse(to_text(every_cycle), every_cycle.dataflow) == every_cycle


def test_other_intervals_have_no_constant_layers() -> None:
    every_cycle = schedule(dataflow(), BOARD, StreamOptions(target_interval=2))
    assert not any(array.is_constant for array in every_cycle.arrays.values())


def test_a_lower_latency_leaves_registers_out() -> None:
    shorter = plan(plan().latency - 4)
    check(shorter)
    assert shorter.latency <= plan().latency - 4
    assert any(array.adders_in_a_row > 1 for array in shorter.arrays.values())
    (chain,) = chains(shorter.dataflow, shorter.arrays)
    before, after = (chain_latency(p.dataflow, p.arrays, chain) for p in (plan(), shorter))
    assert before - after == plan().latency - shorter.latency


def test_a_latency_that_no_design_has_is_refused_with_the_least() -> None:
    with pytest.raises(DoesNotFit) as refused:
        plan(3)
    least = int(refused.value.remedy.split("--latency ")[1].split(",")[0])
    assert "at most 3 cycles" in refused.value.problem
    assert plan(least).latency == least


def test_constant_layers_beyond_the_budget_are_refused_with_what_they_need() -> None:
    model = QonnxModel((1, 32), opset=13)
    w = model.quant(model.reals(32, 32), 0.1, 6)
    large = lowered(model.finish(model.node("MatMul", model.quant("x", 0.25, 5), w)))
    board = load_board("icebreaker")
    with pytest.raises(DoesNotFit) as refused:
        schedule(large, board, StreamOptions(target_interval=1))
    assert "a sample every cycle; as constant layers it needs" in refused.value.problem
    fits = int(refused.value.remedy.split("--interval ")[1].split(",")[0])
    assert schedule(large, board, StreamOptions(target_interval=fits)).interval <= fits


def test_a_constant_layer_of_parts_of_vectors_is_illegal() -> None:
    every_cycle = plan()
    first = every_cycle.dataflow.processes[0].name
    array = replace(every_cycle.arrays[first], finish_lanes=3)
    with pytest.raises(IllegalGraph):
        check(replace(every_cycle, arrays={**every_cycle.arrays, first: array}))
