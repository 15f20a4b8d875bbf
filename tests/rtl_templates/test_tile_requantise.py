"""The requantiser of a tile is exact: every mode against its operator, at its latency after the word that completes a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.sim import Simulator
from hlsgen.rtl_templates.fabric.tile_requantise import TileRequantiser
from hlsgen.rtl_templates.loop_contract import TILE_REQUANTISE_LATENCY
from support.example_fabrics import one_cell

from hlsgen.algebra.modes import REQUANTISE_MODES
from hlsgen.algebra.scalar import RequantiseFloat32, RequantiseMultiplyShift
from hlsgen.rtl.fabric_shapes import tile_shape

BITS, ROWS = 32, 16
LOW, HIGH = -128, 127


@dataclass(frozen=True)
class Job:
    """``rows``: (bias, multiplier, rounding); ``words``: (row, words of the result)."""

    mode: str
    shift: int
    zero_point: int
    rows: list[tuple[int, int, int]]
    words: list[tuple[int, tuple[int, ...]]]

    def results(self) -> Iterator[int]:
        for number, words in self.words:
            bias, multiplier, rounding = self.rows[number]
            biased = [np.array(word + bias) for word in words]
            if self.mode == "float32":
                operator = RequantiseFloat32(self.shift, self.zero_point, LOW, HIGH)
                yield int(operator.evaluate(np, biased[0], np.array(multiplier)))
            elif self.mode == "multiply_shift":
                scale = RequantiseMultiplyShift(self.shift, LOW, HIGH)
                yield int(scale.evaluate(np, biased[0], np.array(multiplier), np.array(rounding)))
            else:
                second_bias, second, rounding = self.rows[number + 1]
                total = multiplier * int(biased[0]) + second * (words[1] + second_bias) + rounding
                yield min(max(total >> self.shift, LOW), HIGH)


def random_job(mode: str, shift: int, seed: int) -> Job:
    """Rows and words of random magnitude, so that some results saturate and some are 0."""
    draw = Random(seed)

    def number(bits: int) -> int:
        return draw.choice((1, -1)) * draw.getrandbits(draw.randint(1, bits))

    count, width = 2 if mode == "pair" else 1, min(BITS - 2, max(4, shift - 4))
    rows = [
        (number(min(20, width)), draw.getrandbits(draw.randint(1, 24)), number(min(60, shift + 8)))
        for _ in range(ROWS)
    ]
    words = [
        (draw.randrange(ROWS - 1), tuple(number(width) for _ in range(count))) for _ in range(250)
    ]
    return Job(mode, shift, draw.randint(-20, 20), rows, words)


def ties() -> Job:
    """Products beside a half integer by about half a float32 ulp: some within it, some just not."""
    draw, shift = Random(6), 34
    rows, words = [], []
    for row in range(ROWS):
        k = draw.randrange(64)
        least = ((2 * k + 1) << (shift - 1)) >> 24
        word = draw.randint(least + 1, min(2 * least + 2, 1 << 19) - 1)
        rows.append((0, round(((2 * k + 1) << (shift - 1)) / word), 0))
        words += [(row, (sign * (word + near),)) for near in (-1, 0, 1) for sign in (1, -1)]
    rows = [(7, multiplier, 0) for _, multiplier, _ in rows]
    return Job("float32", shift, 3, rows, [(row, (word - 7,)) for row, (word,) in words])


def exact_ties() -> Job:
    """Products half a float32 ulp beside a half integer, which are rounded to it and then to even, and those just beyond, which are not.

    Of every form of the integer part (0, a power of two, all ones): each product is a word times a multiplier that divides it.
    """
    shift, jobs = 34, []
    for k in (0, 1, 3, 6, 77):
        half = 1 << max(k.bit_length() - 1, -1) + shift - 24
        centre = (2 * k + 1) << (shift - 1)
        jobs += [(centre + half, 0), (centre - half, 0), (centre + half + 1, 1)]
    rows, words = [], []
    for row, (product, step) in enumerate(jobs):
        multipliers = np.arange(max(2, product >> 30), 1 << 23)
        while not (exact := multipliers[product % multipliers == 0]).size:
            product += step
        rows.append((0, int(exact[0]), 0))
        words += [(row, (sign * product // int(exact[0]),)) for sign in (1, -1)]
    return Job("float32", shift, 3, [*rows, (0, 1, 0)], words)


JOBS: dict[str, Callable[[], Job]] = {
    "float32": lambda: random_job("float32", 34, 1),
    "float32, a large scale": lambda: random_job("float32", 5, 2),
    "float32, a small scale": lambda: random_job("float32", 40, 3),
    "float32, ties": ties,
    "float32, exact ties": exact_ties,
    "multiply and shift": lambda: random_job("multiply_shift", 30, 4),
    "multiply and shift, least": lambda: random_job("multiply_shift", 1, 5),
    "pair": lambda: random_job("pair", 26, 6),
}


async def load(context: Any, unit: TileRequantiser, job: Job) -> None:
    for number, (bias, multiplier, rounding) in enumerate(job.rows):
        for part, word in enumerate((bias, multiplier, rounding, rounding >> 32)):
            context.set(unit.write.valid, 1)
            context.set(unit.write.address, 4 * number + part)
            context.set(unit.write.data, word % (1 << 32))
            await context.tick()
    context.set(unit.write.valid, 0)
    fields = {
        "mode": REQUANTISE_MODES.index(job.mode),
        "shift": job.shift,
        "zero_point": job.zero_point,
    }
    context.set(unit.configuration, fields | {"low": LOW, "high": HIGH})
    context.set(unit.clear, 1)
    await context.tick()
    context.set(unit.clear, 0)


def unit_of(bits: int) -> TileRequantiser:
    """For words of so many bits."""
    cell = one_cell()
    tile = replace(cell.tiles[0], parameters=ROWS)
    fabric = replace(cell, tiles=(tile,), word_bits=16, accumulator_bits=bits)
    shape = tile_shape(fabric, tile).requantiser
    assert shape is not None
    return TileRequantiser(shape)


def check(job: Job, bits: int = BITS) -> None:
    """Words with gaps between them, in a circuit that is enabled in some cycles only."""
    unit, draw = unit_of(bits), Random(job.mode)
    due: dict[int, int] = {}
    ended: list[int] = []

    async def bench(context: Any) -> None:
        await load(context, unit, job)
        words = [
            (number, word, k == len(parts) - 1)
            for number, parts in job.words
            for k, word in enumerate(parts)
        ]
        results, cycle = job.results(), 0
        while words or due:
            enabled, offered = draw.random() < 0.8, bool(words) and draw.random() < 0.8
            context.set(unit.enable, enabled)
            context.set(unit.drained.valid, offered)
            if offered:
                number, word, completes = words[0]
                context.set(unit.row, number)
                context.set(unit.drained.word, word % (1 << bits))
                assert context.get(unit.completes) == completes
            assert context.get(unit.valid) == (cycle in due)
            if enabled:
                if cycle in due:
                    assert context.get(unit.result) == due.pop(cycle), len(ended)
                    ended.append(cycle)
                if offered:
                    words.pop(0)
                    if completes:
                        due[cycle + TILE_REQUANTISE_LATENCY] = next(results)
                cycle += 1
            await context.tick()

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(ended) == len(job.words)


@pytest.mark.parametrize("name", JOBS)
def test_every_mode_equals_its_operator(name: str) -> None:
    check(JOBS[name]())


@pytest.mark.parametrize("bits", [33, 40, 48])
def test_results_of_wide_words_come_after_the_same_latency(bits: int) -> None:
    check(JOBS["float32"](), bits)


def test_results_of_the_jobs_are_of_all_kinds() -> None:
    for name, make in JOBS.items():
        results = set(make().results())
        assert len(results) > 8, name
        assert min(results) < 0 < max(results), name


@pytest.mark.parametrize("bits", [16, 33, 48])
def test_products_take_as_many_multipliers_as_the_template_says(bits: int) -> None:
    text = rtlil.convert(unit_of(bits))
    assert text.count("cell $mul") == 2 * -(-(max(bits, 32) + 1) // 17)
