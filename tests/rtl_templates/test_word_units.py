"""Every word unit computes its word operator."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from hlsgen.rtl_templates.arithmetic.word_units import (
    WORD_UNITS,
    WordAlu,
    accumulates,
    control_lines,
)
from hlsgen.rtl_templates.fabric.late_pipeline import LatePipeline

from hlsgen.algebra.types import wrap
from hlsgen.algebra.word import WORD_OPERATORS

COMBINATIONAL = tuple(name for name in WORD_UNITS if not accumulates(name))
ACCUMULATING = tuple(name for name in WORD_UNITS if accumulates(name))


class Bench(wiring.Component):
    """Every operator in a unit of its own, and the same operator in a unit that has all of them."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        ports: dict[str, Any] = {"a": In(bits), "b": In(bits), "predicate": In(1)}
        for name in COMBINATIONAL:
            ports |= {f"{name}_alone": Out(bits), f"{name}_shared": Out(bits)}
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for name in COMBINATIONAL:
            for kind, operators in (("alone", (name,)), ("shared", COMBINATIONAL)):
                m.submodules[f"{name}_{kind}"] = unit = WordAlu(operators, self.bits)
                m.d.comb += [
                    unit.a.eq(self.a),
                    unit.b.eq(self.b),
                    unit.predicate.eq(self.predicate),
                    getattr(self, f"{name}_{kind}").eq(unit.result),
                ]
                for line in WORD_UNITS[name]:
                    m.d.comb += unit.controls[line].eq(1)
        return m


def expected(name: str, bits: int, a: Any, b: Any, predicate: Any) -> list[int]:
    """The operator's results as unsigned numbers."""
    operator = WORD_OPERATORS[name]
    result = operator.meaning(bits, *(a, b)[: operator.operands])
    other = b if name == "select" else 0
    return [int(v) % (1 << bits) for v in np.where(predicate, result, other)]


def check(bits: int, vectors: Sequence[tuple[int, int, int]]) -> None:
    a, b, predicate = (np.array(column, dtype=np.int64) for column in zip(*vectors, strict=True))
    want = {name: expected(name, bits, a, b, predicate) for name in COMBINATIONAL}
    unit = Bench(bits)

    async def bench(context: Any) -> None:
        for k, (x, y, true) in enumerate(vectors):
            context.set(unit.a, x % (1 << bits))
            context.set(unit.b, y % (1 << bits))
            context.set(unit.predicate, true)
            for name in COMBINATIONAL:
                for kind in ("alone", "shared"):
                    result = context.get(getattr(unit, f"{name}_{kind}"))
                    assert result == want[name][k], f"{name} {kind} of {x}, {y}, {true}"

    simulator = Simulator(unit)
    simulator.add_testbench(bench)
    simulator.run()


def corners(bits: int, count: int) -> list[tuple[int, int, int]]:
    """Extreme words, shift amounts around the width, and random words of random magnitude."""
    noise = random.Random(bits)
    half = 1 << (bits - 1)
    edges = (-half, -half + 1, -1, 0, 1, bits - 1, bits, bits + 1, half - 1)
    operands = [(a, b, 1) for a in edges for b in edges]
    for _ in range(count):
        a, b = (wrap(noise.getrandbits(bits) >> noise.randrange(bits), bits) for _ in range(2))
        operands.append((int(a), int(b), int(noise.random() < 0.8)))
    return operands


def test_units_equal_operators_on_every_pair_of_five_bit_words() -> None:
    words = range(-16, 16)
    check(5, [(a, b, 1) for a, b in itertools.product(words, words)])


def test_a_false_predicate_gives_nothing_and_selects_the_other_operand() -> None:
    check(5, [(a, b, 0) for a, b in itertools.product(range(-16, 16, 3), range(-16, 16, 5))])


@pytest.mark.parametrize("bits", [16, 32])
def test_units_equal_operators_on_corners_and_random_words(bits: int) -> None:
    check(bits, corners(bits, 150))


def test_a_unit_refuses_operators_that_keep_state_and_unknown_ones() -> None:
    for name in ("multiply_accumulate", "divide"):
        with pytest.raises(ValueError, match=f"found '{name}'"):
            WordAlu(("add", name), 8)


def steps(rng: random.Random, count: int, bits: int) -> list[dict[str, Any]]:
    """Random operators one after the other: operator or none, operands, predicate, begin and drain."""
    names = ("add", "shift_right", "multiply", *ACCUMULATING)
    half = 1 << (bits - 1)
    return [
        {
            "operator": rng.choice((None, *names)),
            "a": rng.choice((-half, half - 1, rng.randrange(-half, half))),
            "b": rng.choice((-half, half - 1, rng.randrange(-half, half))),
            "predicate": rng.random() < 0.8,
            "begin": rng.random() < 0.3,
            "drain": rng.random() < 0.3,
        }
        for _ in range(count)
    ]


def meaning(step: dict[str, Any], kept: int, bits: int, wide: int) -> tuple[int, int, int | None]:
    """(late, accumulator, drained) of one operator."""
    name = step["operator"]
    if name is None or not step["predicate"]:
        return 0, kept, None
    operator = WORD_OPERATORS[name]
    a, b = np.int64(step["a"]), np.int64(step["b"])
    if not operator.accumulates:
        return int(wrap(operator.meaning(bits, *(a, b)[: operator.operands]), bits)), kept, None
    if step["begin"]:
        new = int(a) if name == "maximum_accumulate" else int(operator.meaning(bits, 0, a, b))
    else:
        new = int(operator.meaning(bits, np.int64(kept), *(a, b)[: operator.operands]))
    new = int(wrap(new, wide))
    return int(wrap(new, bits)), new, new if step["drain"] else None


@pytest.mark.parametrize(("latency", "bits", "wide"), [(2, 8, 20), (3, 8, 16), (5, 16, 40)])
def test_the_late_pipeline_equals_its_operators_and_holds_still_where_not_enabled(
    latency: int, bits: int, wide: int
) -> None:
    rng = random.Random(latency)
    names = ("add", "shift_right", "multiply", *ACCUMULATING)
    unit = LatePipeline(names, latency, bits, wide, steady=False)
    work = steps(rng, 300, bits)

    async def bench(context: Any) -> None:
        shown: list[tuple[int, int | None]] = [(0, None)] * (latency - 1)
        kept = 0
        for step in work:
            late, kept, drained = meaning(step, kept, bits, wide)
            shown.append((late, drained))
            lines = WORD_UNITS[step["operator"]] if step["operator"] else ()
            context.set(unit.controls, {line: int(line in lines) for line in control_lines(names)})
            for name in ("a", "b", "predicate", "begin", "drain"):
                port = getattr(unit, name)
                context.set(port, int(step[name]) % (1 << len(port)))
            while rng.random() < 0.3:
                context.set(unit.enable, 0)
                await context.tick()
            context.set(unit.enable, 1)
            late, drained = shown.pop(0)
            assert context.get(unit.late) == late % (1 << bits)
            assert context.get(unit.drained) == (drained is not None)
            if drained is not None:
                assert context.get(unit.accumulated) == drained % (1 << wide)
            await context.tick()

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
