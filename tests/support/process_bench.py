"""Random small processes and networks, and a bench that streams samples through their circuits in Amaranth's simulator."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.lib import wiring
from amaranth.sim import Simulator
from hlsgen.rtl_templates.stream.process import StreamProcess

from hlsgen.algebra.scalar import Add, RequantiseMultiplyShift
from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.ir import Channel, Dataflow
from hlsgen.rtl.arrays import process_parameters
from hlsgen.schedule.stream_network.cost import factors
from hlsgen.schedule.stream_network.geometry import guard_shape, liveness_depth
from hlsgen.schedule.stream_network.ir import ArrayPlan, BufferPlan, StreamSchedule
from hlsgen.schedule.stream_network.legality import word_lanes

PATIENCE = 3_000


@dataclass(frozen=True)
class Stalls:
    """Probability of an idle cycle at the inputs and of backpressure at the output."""

    idle: float = 0.0
    backpressure: float = 0.0
    seed: int = 0


def drive(
    unit: wiring.Component,
    inputs: Mapping[str, Sequence[int]],
    words: int,
    stalls: Stalls,
) -> tuple[list[int], list[int]]:
    """Send words (as integers) into the streams named in ``inputs``, take ``words`` from ``o``: (words, their cycles)."""
    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    taken: list[int] = []
    cycles: list[int] = []
    chance = random.Random(stalls.seed)

    def sender(name: str) -> Any:
        port = getattr(unit, name)

        async def send(context: Any) -> None:
            for word in inputs[name]:
                while chance.random() < stalls.idle:
                    await context.tick()
                context.set(port.payload.as_value(), word)
                context.set(port.valid, 1)
                ready = 0
                while not ready:
                    _, _, ready = await context.tick().sample(port.ready)
                context.set(port.valid, 0)

        return send

    async def receive(context: Any) -> None:
        cycle = waited = 0
        while len(taken) < words:
            ready = int(chance.random() >= stalls.backpressure)
            context.set(unit.o.ready, ready)
            _, _, valid, word = await context.tick().sample(unit.o.valid, unit.o.payload.as_value())
            cycle, waited = cycle + 1, waited + 1
            if valid and ready:
                taken.append(word)
                cycles.append(cycle)
                waited = 0
            if waited > PATIENCE:
                raise TimeoutError(f"{len(taken)} of {words} words")

    for name in inputs:
        simulator.add_testbench(sender(name), background=True)
    simulator.add_testbench(receive)
    simulator.run()
    return taken, cycles


def to_words(samples: np.ndarray, lanes: int, bits: int) -> list[int]:
    """(samples, height, width, channels) as words of ``lanes`` elements of ``bits``; a pixel's last word is padded."""
    pad = -samples.shape[-1] % lanes
    rows = np.pad(samples, [(0, 0)] * 3 + [(0, pad)]).reshape(-1, lanes)
    mask = (1 << bits) - 1
    return [sum((int(v) & mask) << (bits * k) for k, v in enumerate(row)) for row in rows]


def from_words(
    words: Sequence[int], shape: tuple[int, int, int], lanes: int, element: ElementType, step: int
) -> np.ndarray:
    """The inverse of ``to_words``; elements start every ``step`` bits."""
    mask = (1 << element.bits) - 1
    flat = np.array([[(w >> (step * k)) & mask for k in range(lanes)] for w in words], dtype=object)
    flat = element.decode(flat)
    pixel = -(-shape[2] // lanes) * lanes
    return flat.reshape(-1, *shape[:2], pixel)[..., : shape[2]].astype(np.int64)


def process_schedule(
    dataflow: Dataflow,
    unroll: Unroll,
    finish_lanes: int,
    write_lanes: int,
    spare: int,
    finish_interval: int = 1,
) -> StreamSchedule:
    """A schedule of a dataflow of one process, ``spare`` words deeper than liveness asks."""
    process = dataflow.processes[0]
    plan = ArrayPlan(process.name, unroll, finish_lanes, finish_interval, "dsp", "dsp")
    buffers = []
    for k, read in enumerate(process.reads):
        if (channel := dataflow.channels.get(read.source)) is not None:
            lanes = int(word_lanes(process, k, factors(plan)))
            depth = liveness_depth(guard_shape(read, process, unroll, channel, lanes)) + spare
            buffers.append(BufferPlan(read.source, process.name, k, lanes, depth))
    lanes_in = {name: write_lanes for name in dataflow.inputs}
    return StreamSchedule(dataflow, {process.name: plan}, tuple(buffers), lanes_in, {}, 0, 0)


def run_process(
    schedule: StreamSchedule, samples: Mapping[str, np.ndarray], stalls: Stalls
) -> tuple[np.ndarray, list[int]]:
    """The output of a schedule's only process for samples of its inputs, and the cycle of each word."""
    dataflow = schedule.dataflow
    process = dataflow.processes[0]
    unit = StreamProcess(process_parameters(schedule, process))
    sources = [r.source for r in process.reads if r.source in dataflow.channels]
    inputs = {
        f"i{k}": to_words(
            dataflow.channels[name].element.encode(samples[name]),
            schedule.input_lanes[name],
            dataflow.channels[name].element.bits,
        )
        for k, name in enumerate(sources)
    }
    channel = dataflow.channels[process.write.channel]
    lanes = schedule.arrays[process.name].finish_lanes
    height, width, channels = channel.shape
    words = len(samples[sources[0]]) * height * width * -(-channels // lanes)
    taken, cycles = drive(unit, inputs, words, stalls)
    element = channel.element
    return from_words(taken, channel.shape, lanes, element, element.bits), cycles


def random_samples(
    dataflow: Dataflow, count: int, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Uniform samples of every input."""

    def values(channel: Channel) -> np.ndarray:
        shape, element = (count, *channel.shape), channel.element
        if element.bipolar:
            return 2 * generator.integers(0, 2, shape) - 1
        return generator.integers(element.minimum, element.maximum + 1, shape)

    return {name: values(dataflow.channels[name]) for name in dataflow.inputs}


def requantise(channels: int, generator: np.random.Generator) -> Epilogue:
    """A finishing with bias, multiplier and rounding of its own for each channel, whose results spread over int8."""
    return Epilogue(
        S8,
        RequantiseMultiplyShift(20, -128, 127),
        (
            generator.integers(20_000, 120_000, channels),
            generator.integers(0, 1 << 20, channels),
        ),
        generator.integers(-300, 300, channels),
    )


def random_process(generator: np.random.Generator) -> Dataflow:
    """One process: convolution (plain, grouped, depthwise), window maximum, window sum, addition, or Gemm."""
    kind = generator.choice(["conv", "grouped", "depthwise", "maximum", "sum", "add", "gemm"])
    build = DataflowBuilder(str(kind))
    integers = generator.integers
    kernel, stride, dilation = (tuple(integers(1, 4, 2).tolist()) for _ in range(3))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    before = tuple(int(integers(0, r)) for r in reach)
    after = tuple(int(integers(0, r)) for r in reach)
    size = tuple(
        int(max(integers(2, 8), r - b - a)) for r, b, a in zip(reach, before, after, strict=True)
    )
    output = (
        (size[0] + before[0] + after[0] - reach[0]) // stride[0] + 1,
        (size[1] + before[1] + after[1] - reach[1]) // stride[1] + 1,
    )
    window = PlanarWindow(kernel, stride, dilation, before)
    groups, per_group, inner = (int(n) for n in integers(1, 6, 3))
    element = S8 if integers(2) else U8
    match kind:
        case "conv" | "grouped" | "depthwise":
            groups = 1 if kind == "conv" else groups
            inner = 1 if kind == "depthwise" else inner
            source = build.input("x", (*size, groups * inner), element)
            weights = integers(-8, 8, (groups, per_group, *kernel, inner))
            finish = requantise(groups * per_group, generator)
            out = build.multiply_accumulate("p", source, weights, window, output, finish, 3)
        case "maximum":
            source = build.input("x", (*size, groups), element)
            out = build.window_maximum("p", source, window, output, Epilogue(element))
        case "sum":
            source = build.input("x", (*size, groups), element)
            finish = requantise(groups, generator)
            out = build.window_sum("p", source, window, output, finish, 5)
        case "add":
            sources = [build.input(name, (*size, groups), S8) for name in ("a", "b")]
            out = build.elementwise("p", sources, Add(), ElementType(9, True))
        case _:
            source = build.input("x", (*size, inner), element)
            weights = integers(-8, 8, (1, per_group, *size, inner))
            finish = requantise(per_group, generator)
            out = build.multiply_accumulate(
                "p", source, weights, PlanarWindow(size), (1, 1), finish
            )
    build.output(out)
    return build.build()


def random_unroll(
    dataflow: Dataflow, generator: np.random.Generator, pixels: int = 1
) -> tuple[Unroll, int]:
    """Legal unroll factors of the only process, ragged ones included, and finishing lanes."""
    process = dataflow.processes[0]
    extent = {name: process.extent(name) for name in ("x", "g", "o", "ky", "kx", "i")}

    def pick(name: str, most: int | None = None) -> int:
        return int(generator.integers(1, min(extent[name], most or extent[name]) + 1))

    grouped = extent["g"] > 1
    g = pick("g") if extent["i"] == 1 and grouped else 1
    o = extent["o"] if g > 1 else pick("o")
    divisors = [i for i in range(1, extent["i"] + 1) if not grouped or extent["i"] % i == 0]
    i = int(generator.choice(divisors)) if g == 1 else 1
    unroll = Unroll(pick("x", pixels), g, o, pick("ky"), pick("kx"), i)
    whole = extent["o"] if grouped and g == 1 else g * o
    lanes = [f for f in range(1, g * o + 1) if (g * o) % f == 0 and whole % f == 0]
    return unroll, int(generator.choice(lanes))
