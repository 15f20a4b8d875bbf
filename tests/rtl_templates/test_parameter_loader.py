"""Memories filled from one row of bytes: each takes its own words, whatever pauses there are, and an image begins anew behind its last byte."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.sim import Simulator
from hlsgen.rtl_templates.ports.parameter_loader import LOAD, ParameterLoader

SHAPES = ((12, 3), (8, 1), (1, 4), (35, 2))
"""Bits and depth of each memory."""


class Chain(wiring.Component):
    """Loaders one after the other."""

    def __init__(self) -> None:
        self.loaders = [ParameterLoader(bits, depth) for bits, depth in SHAPES]
        super().__init__({"load": In(LOAD)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        before: Any = wiring.flipped(self.load)
        for number, loader in enumerate(self.loaders):
            m.submodules[f"loader_{number}"] = loader
            wiring.connect(m, before, loader.i)
            before = loader.o
        return m


def image(seed: int) -> tuple[list[list[int]], bytes]:
    generator = random.Random(seed)
    words = [[generator.getrandbits(bits) for _ in range(depth)] for bits, depth in SHAPES]
    raw = b""
    for (bits, _), values in zip(SHAPES, words, strict=True):
        raw += b"".join(value.to_bytes(-(-bits // 8), "little") for value in values)
    return words, raw


@pytest.mark.parametrize("pauses", [False, True])
@pytest.mark.parametrize("broken_off", [0, 7])
def test_every_memory_takes_its_words(pauses: bool, broken_off: int) -> None:
    unit = Chain()
    generator = random.Random(1)
    memories: list[dict[int, int]] = [{} for _ in SHAPES]

    async def bench(ctx: Any) -> None:
        async def cycle() -> None:
            for loader, memory in zip(unit.loaders, memories, strict=True):
                if ctx.get(loader.write):
                    memory[ctx.get(loader.address)] = ctx.get(loader.data)
            await ctx.tick()

        async def send(raw: bytes) -> None:
            for number, byte in enumerate(raw, start=1):
                while pauses and generator.random() < 0.4:
                    ctx.set(unit.load.valid, 0)
                    await cycle()
                ctx.set(unit.load.byte, byte)
                ctx.set(unit.load.valid, 1)
                ctx.set(unit.load.last, number == len(raw))
                await cycle()
            ctx.set(unit.load.valid, 0)
            for _ in range(len(SHAPES) + 1):
                await cycle()

        if broken_off:  # an image that ends early, and one that is too long, do not shift the next
            await send(image(9)[1][:broken_off])
            await send(image(9)[1] + b"surplus")
        for seed in (2, 3):
            words, raw = image(seed)
            await send(raw)
            assert [[memory[k] for k in sorted(memory)] for memory in memories] == words

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
