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


class Bench:
    """A kernel's circuit with a testbench at every port; ``given``: words that came out, ``ran``: cycles of the kernel."""

    def __init__(
        self, kernel: Kernel, samples: Sequence[Mapping[str, np.ndarray]], seed: int
    ) -> None:
        self.top = PipelineTop(kernel, [schedule_pipeline(graph) for graph in kernel.graphs])
        self.arrays = {array.name: array for array in self.top.arrays}
        self.samples, self.seed = samples, seed
        self.given: dict[str, list[int]] = {name: [] for name in self.top.outputs}
        self.ran = 0

    def signals(self, prefix: str, *parts: str) -> list[Any]:
        """Signals of an AXI4-Stream port."""
        return [getattr(self.top, f"{prefix}_t{part}") for part in parts]

    def feed(self, name: str, prefix: str, idle: float) -> Any:
        """Offers every sample of an input array."""
        random = Random(f"{self.seed} {name}")
        data, valid, ready = self.signals(prefix, "data", "valid", "ready")

        async def testbench(context: Any) -> None:
            for sample in self.samples:
                for element in np.asarray(sample[name]).reshape(-1):
                    while random.random() < idle:
                        await context.tick()
                    context.set(data, int(element) & ((1 << len(data)) - 1))
                    context.set(valid, 1)
                    await context.tick().until(ready)
                    context.set(valid, 0)

        return testbench

    def take(self, name: str, prefix: str, backpressure: float) -> Any:
        """Takes every word of an output array; the last of each sample must be marked."""
        random = Random(f"{self.seed} {name}")
        ready, valid, *signals = self.signals(prefix, "ready", "valid", "data", "last")
        size = self.arrays[name].size

        async def testbench(context: Any) -> None:
            for _ in range(size * len(self.samples)):
                while random.random() < backpressure:
                    await context.tick()
                context.set(ready, 1)
                word, last = await context.tick().sample(*signals).until(valid)
                context.set(ready, 0)
                self.given[name].append(word)
                assert last == (len(self.given[name]) % size == 0), "tlast"

        return testbench

    def complete(self) -> bool:
        """Whether all words of all outputs are there."""
        samples = len(self.samples)
        return all(len(self.given[n]) == self.arrays[n].size * samples for n in self.given)

    async def watch(self, context: Any) -> None:
        """Counts cycles until everything is there."""
        for _ in range(PATIENCE):
            if self.complete():
                return
            *_, running = await context.tick().sample(self.top.running)
            self.ran += running
        raise AssertionError(f"no end after {PATIENCE} cycles (seed {self.seed})")

    def result(self, number: int) -> dict[str, np.ndarray]:
        """The output arrays of a sample."""
        arrays = {}
        for name, words in self.given.items():
            array = self.arrays[name]
            part = np.array(words[number * array.size : (number + 1) * array.size], dtype=np.int64)
            arrays[name] = array.element.decode(part).reshape(array.shape)
        return arrays


def run_kernel(
    kernel: Kernel,
    samples: list[Mapping[str, np.ndarray]],
    idle: float = 0.0,
    backpressure: float = 0.0,
    seed: int = 0,
) -> tuple[list[dict[str, np.ndarray]], int]:
    """The output arrays of every sample, and the cycles for which the kernel ran on all of them."""
    bench = Bench(kernel, samples, seed)
    simulator = Simulator(bench.top)
    simulator.add_clock(1e-6)
    for name, prefix in bench.top.inputs.items():
        simulator.add_testbench(bench.feed(name, prefix, idle), background=True)
    for name, prefix in bench.top.outputs.items():
        simulator.add_testbench(bench.take(name, prefix, backpressure), background=True)
    simulator.add_testbench(bench.watch)
    simulator.run()
    return [bench.result(number) for number in range(len(samples))], bench.ran


def run_cycles(plans: Sequence[PipelineSchedule]) -> int:
    """Cycles of the pipelines one after the other: two to start and to end each."""
    return sum((plan.graph.iterations - 1) * plan.ii + plan.length + 2 for plan in plans)
