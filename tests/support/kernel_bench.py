"""Runs a kernel's fixed pipeline in Amaranth's simulator: arrays in, arrays out, under idle and backpressure patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import numpy as np
from amaranth.sim import Simulator

from hlsgen.loops.ir import Kernel
from hlsgen.rtl.pipeline import PipelineTop
from hlsgen.schedule.stream_kernel.pipeline import PipelineSchedule, schedule_pipeline

PATIENCE = 200_000


def run_kernel(
    kernel: Kernel,
    samples: list[Mapping[str, np.ndarray]],
    idle: float = 0.0,
    backpressure: float = 0.0,
    seed: int = 0,
) -> tuple[list[dict[str, np.ndarray]], list[int]]:
    """The output arrays of every sample, and the cycles for which the kernel ran on each."""
    top = PipelineTop(kernel, [schedule_pipeline(graph) for graph in kernel.graphs])
    arrays = {array.name: array for array in top.arrays}
    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    given: dict[str, list[int]] = {name: [] for name in top.outputs}
    ran = [0]

    def feed(name: str, prefix: str) -> Any:
        random = Random(f"{seed} {name}")

        async def testbench(context: Any) -> None:
            data, valid = (getattr(top, f"{prefix}_t{part}") for part in ("data", "valid"))
            for sample in samples:
                for element in np.asarray(sample[name]).reshape(-1):
                    while random.random() < idle:
                        await context.tick()
                    context.set(data, int(element) & ((1 << len(data)) - 1))
                    context.set(valid, 1)
                    await context.tick().until(getattr(top, f"{prefix}_tready"))
                    context.set(valid, 0)

        return testbench

    def take(name: str, prefix: str) -> Any:
        random = Random(f"{seed} {name}")

        async def testbench(context: Any) -> None:
            ready, valid = (getattr(top, f"{prefix}_t{part}") for part in ("ready", "valid"))
            signals = [getattr(top, f"{prefix}_t{part}") for part in ("data", "last")]
            for _ in range(arrays[name].size * len(samples)):
                while random.random() < backpressure:
                    await context.tick()
                context.set(ready, 1)
                word, last = await context.tick().sample(*signals).until(valid)
                context.set(ready, 0)
                given[name].append(word)
                assert last == (len(given[name]) % arrays[name].size == 0), "tlast"

        return testbench

    async def watch(context: Any) -> None:
        for _ in range(PATIENCE):
            if all(len(given[n]) == arrays[n].size * len(samples) for n in given):
                return
            *_, running = await context.tick().sample(top.running)
            ran[0] += running
        raise AssertionError(f"no end after {PATIENCE} cycles (seed {seed})")

    for name, prefix in top.inputs.items():
        simulator.add_testbench(feed(name, prefix), background=True)
    for name, prefix in top.outputs.items():
        simulator.add_testbench(take(name, prefix), background=True)
    simulator.add_testbench(watch)
    simulator.run()
    results = []
    for number in range(len(samples)):
        result = {}
        for name, words in given.items():
            array = arrays[name]
            part = np.array(words[number * array.size : (number + 1) * array.size], dtype=np.int64)
            part &= (1 << array.element.bits) - 1
            if array.element.signed:
                part -= (part >> (array.element.bits - 1)) << array.element.bits
            result[name] = part.reshape(array.shape)
        results.append(result)
    return results, ran[0]


def run_cycles(plans: Sequence[PipelineSchedule]) -> int:
    """Cycles of the pipelines one after the other: two to start and to end each."""
    return sum((plan.graph.iterations - 1) * plan.ii + plan.length + 2 for plan in plans)
