"""Buffers that RAM blocks do not hold lie in SPRAM where a board has it: planned within its blocks, exact, and as fast as predicted."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.quantised_models import QuantisedModel

import hlsgen
from hlsgen.bitstream.build import synthesise
from hlsgen.board import load_board
from hlsgen.cost.units import FAMILIES, single_port_memory
from hlsgen.errors import DoesNotFit
from hlsgen.numbers import Numbers
from hlsgen.progress import silent
from hlsgen.schedule.stream_network.cost import schedule_cost, total_cost, words_taken
from hlsgen.schedule.stream_network.ir import StreamSchedule
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.solver import schedule
from hlsgen.schedule.stream_network.spram import shares
from hlsgen.schedule.stream_network.text import parse, to_text
from hlsgen.schedule.stream_network.timing import array_cycles
from hlsgen.targets.network_source import read_network

# with room for the network and the link: memory alone decides here
ICEBREAKER = replace(load_board("icebreaker"), lut=8000)
WITHOUT = replace(ICEBREAKER, spram=0)
SIDE, CHANNELS = 32, 8


def gated(side: int = SIDE, channels: int = CHANNELS) -> tuple[onnx.ModelProto, QuantisedModel]:
    """A convolution, all of whose results are multiplied by a function of their mean: the whole tensor waits for it, twice."""
    model = QuantisedModel((1, 1, side, side), "s8")

    def finished(value: str, scale: float, zero: int) -> str:
        return model.dequantize(model.quantize(value, scale, zero, "s8"), scale, zero, "s8")

    def convolution(value: str, scale: float, shape: tuple[int, ...]) -> str:
        weights, bias = model.weights(shape, shape[0], False), model.bias(shape[0], scale)
        border = shape[2] // 2
        return model.node("Conv", value, weights, bias, pads=[border] * 4)

    picture = model.dequantize("x", model.scale, model.zero, "s8")
    kernel = (channels, 1, 3, 3)
    features = finished(
        model.node("Relu", convolution(picture, float(model.scale), kernel)), 0.03, -128
    )
    mean = finished(model.node("GlobalAveragePool", features), 0.02, -128)
    gate = model.node(
        "Sigmoid", finished(convolution(mean, 0.02, (channels, channels, 1, 1)), 0.05, 0)
    )
    product = finished(model.node("Mul", features, finished(gate, 1 / 256, -128)), 0.03, -128)
    result = convolution(product, 0.03, (2, channels, 3, 3))
    return model.finish(model.quantize(result, 0.05, 0, "s8")), model


@functools.cache
def plan(side: int = SIDE) -> StreamSchedule:
    network = read_network(gated(side)[0], Numbers(), silent)
    return schedule(network.lowered(True, silent).dataflow, ICEBREAKER, StreamOptions("small"))


def test_a_network_that_block_ram_does_not_hold_fits_with_its_largest_buffers_in_spram() -> None:
    with pytest.raises(DoesNotFit, match="RAM blocks"):
        schedule(plan().dataflow, WITHOUT, StreamOptions("small"))
    used = total_cost(schedule_cost(plan(), "ice40"))
    assert 0 < used.spram <= ICEBREAKER.spram and used.bram <= ICEBREAKER.bram
    single = {buffer.channel for buffer in plan().buffers if buffer.single_port}
    assert len(single) == 1  # the features, for the mean and for the product
    for process in plan().dataflow.processes:
        held = [b for b in plan().buffers if b.process == process.name and b.single_port]
        words = SIDE * SIDE * CHANNELS if held else 0
        assert words_taken(plan(), process) == sum(-(-words // buffer.lanes) for buffer in held)
        assert array_cycles(plan(), process) <= plan().interval
    assert parse(to_text(plan()), plan().dataflow) == plan()


def test_a_network_that_fits_has_nothing_in_spram() -> None:
    assert not any(buffer.single_port for buffer in plan(8).buffers)


def test_the_largest_buffers_come_first_with_equal_shares() -> None:
    offers = list(shares(plan().dataflow, ICEBREAKER))
    assert [sorted(offer.values()) for offer in offers[:2]] == [[4], [2, 2]]
    assert offers[0].keys() < offers[1].keys()
    assert not list(shares(plan().dataflow, WITHOUT))


@pytest.mark.parametrize(
    ("words", "width", "blocks"), [(16384, 16, 1), (16384, 17, 2), (16385, 8, 2), (4, 1, 1)]
)
def test_memory_takes_whole_blocks(words: int, width: int, blocks: int) -> None:
    assert int(single_port_memory(FAMILIES["ice40"], words, width).spram) == blocks


@pytest.mark.slow
def test_the_circuit_is_exact_as_fast_as_predicted_and_has_the_blocks() -> None:
    model, drawn = gated(24)
    folder = Path(tempfile.mkdtemp(prefix="hlsgen_spram_")) / "gated"
    compiled = hlsgen.compile(model, output=folder, board="icebreaker", effort="small")
    assert (
        compiled.report["spram"] == 2
        and "SPRAM       2 of 4" in (folder / "report.txt").read_text()
    )
    for stall in ("random", "none"):
        result = compiled.verify(drawn.samples(3), stall=stall, engine="fast")
        assert result.good
    assert np.isclose(result.timing.interval_cycles, compiled.report["interval_cycles"], rtol=0.01)
    # placed and routed is the network of the benchmarks' row spram; this one leaves the board no room for the link
    usage = synthesise(compiled.directory, "ice40", top=compiled.manifest.top)
    assert usage.cells["SB_SPRAM256KA"] == compiled.report["spram"]
