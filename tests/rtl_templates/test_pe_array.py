"""PE array and drain together, as a stream unit: results, order, latency, cycles per group."""

from __future__ import annotations

import dataclasses
import itertools
import random
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.arithmetic.shapes import shape_of
from hlsgen.rtl_templates.stream.credit_fifo import CreditFifo
from hlsgen.rtl_templates.stream.drain import Drain
from hlsgen.rtl_templates.stream.pe_array import PeArray, PeArrayParameters
from hlsgen.sim.unit_check import bits, check_stream_unit

from hlsgen.algebra.types import BIPOLAR, ElementType
from hlsgen.algebra.unroll import Unroll

S8, U8, S20 = ElementType(8, True), ElementType(8, False), ElementType(20, True)


class DrainedArray(wiring.Component):
    """A PE array whose steps are a stream, with its drain and the queue in front of it, as in a StreamProcess."""

    def __init__(self, parameters: PeArrayParameters, finish_lanes: int) -> None:
        self.array = PeArray(parameters)
        self.drain = Drain(
            parameters.result_layout,
            pixels=parameters.unroll.x,
            channels=parameters.unroll.g * parameters.unroll.o,
            finish_lanes=finish_lanes,
        )
        depth = self.array.contract.latency + 4  # as many results as can be on their way
        self.queue = CreditFifo(self.array.results.shape(), depth=depth)
        ports = [name for name, _ in parameters.operands] + ["weights"] * bool(parameters.weight)
        shapes = {port: getattr(self.array, port).shape() for port in ports}
        layout = data.StructLayout({"last": 1, **shapes})
        self.ports = ports
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(self.drain.o.signature)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.array = array = self.array
        m.submodules.queue = queue = self.queue
        m.submodules.drain = drain = self.drain
        first = Signal(init=1)
        m.d.comb += [
            self.i.ready.eq(~first | queue.available),
            array.valid.eq(self.i.valid & self.i.ready),
            array.last.eq(self.i.payload.last),
            queue.start.eq(array.valid & first),
            queue.push.eq(array.result_valid),
            queue.data.eq(array.results),
        ]
        with m.If(array.valid):
            m.d.sync += first.eq(self.i.payload.last)
        wiring.connect(m, queue.o, drain.i)
        m.d.comb += [getattr(array, port).eq(self.i.payload[port]) for port in self.ports]
        wiring.connect(m, drain.o, wiring.flipped(self.o))
        return m


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unroll": Unroll(g=2, i=2)}, "expected g or i to be 1"),
        ({"operands": ()}, "expected one operand and an accumulator"),
        ({"operands": (("r0", S8), ("r1", S8))}, "expected one operand and an accumulator"),
        ({"accumulator": None}, "expected one operand and an accumulator"),
        ({"operands": (("r0", BIPOLAR),), "weight": BIPOLAR}, "the number of terms"),
        ({"weight": None}, "expected weights exactly for multiply_accumulate"),
        ({"step": "add"}, "expected weights exactly for multiply_accumulate"),
        ({"step": "add", "weight": None, "unroll": Unroll(o=2)}, "expected o = 1 without weights"),
        ({"step": "pass", "weight": None, "unroll": Unroll(o=2)}, "one lane to pass"),
        ({"step": "pass", "weight": None, "unroll": Unroll(i=2)}, "one lane to pass"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(
    changes: dict[str, Any], message: str
) -> None:
    good = PeArrayParameters((("r0", S8),), "multiply_accumulate", S8, S20, Unroll(o=2, i=3))
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(good, **changes)


def element(shape: ElementType, noise: random.Random) -> int:
    if shape.bipolar:
        return noise.choice((-1, 1))
    return noise.choice((shape.minimum, shape.maximum, noise.randint(shape.minimum, shape.maximum)))


def groups(
    p: PeArrayParameters, count: int, steps: int, noise: random.Random
) -> tuple[list[dict[str, Any]], list[list[dict[str, int]]]]:
    """Random steps of ``count`` groups, and the results of each: one per row (x, g, o)."""
    inputs, results = [], []
    for _ in range(count):
        rows: list[dict[str, int]] = [
            {"acc": p.init}
            for _ in itertools.product(range(p.unroll.x), range(p.unroll.g), range(p.unroll.o))
        ]
        for step in range(steps):
            word: dict[str, Any] = {"last": step == steps - 1}
            for name, shape in p.operands:
                word[name] = [
                    element(shape, noise) for _ in range(p.unroll.x * p.unroll.g * p.unroll.lanes)
                ]
            if p.weight:
                word["weights"] = [
                    element(p.weight, noise)
                    for _ in range(p.unroll.g * p.unroll.o * p.unroll.lanes)
                ]
            inputs.append(word)
            for row, result in enumerate(rows):
                accumulate(p, row, word, result)
        results.append(rows)
    return inputs, results


def accumulate(
    p: PeArrayParameters, row: int, word: dict[str, Any], result: dict[str, int]
) -> None:
    x, g, o = row // (p.unroll.g * p.unroll.o), row // p.unroll.o % p.unroll.g, row % p.unroll.o
    if p.step == "pass":
        result.clear()
        result.update({name: word[name][x * p.unroll.g + g] for name, _ in p.operands})
        return
    for lane in range(p.unroll.lanes):
        term = word[p.operands[0][0]][(x * p.unroll.g + g) * p.unroll.lanes + lane]
        if p.step == "maximum":
            result["acc"] = max(result["acc"], term)
        else:
            weight = (
                word["weights"][(g * p.unroll.o + o) * p.unroll.lanes + lane] if p.weight else 1
            )
            result["acc"] += term * weight


def encoded(p: PeArrayParameters, word: dict[str, Any]) -> dict[str, Any]:
    """The word with the patterns of its elements."""
    types = dict(p.operands) | ({"weights": p.weight} if p.weight else {})
    bipolar = {name: type_ for name, type_ in types.items() if type_.bipolar}
    patterns = {name: [-t.encode(v) for v in word[name]] for name, t in bipolar.items()}
    return word | patterns  # -1 is the pattern of a set bit


def words(p: PeArrayParameters, rows: list[dict[str, int]], f: int) -> list[list[dict[str, int]]]:
    """Channel word by channel word, each for all pixels."""
    channels = p.unroll.g * p.unroll.o
    blank = dict.fromkeys(rows[0], 0)
    words = []
    for first in range(0, channels, f):
        for x in range(p.unroll.x):
            word = rows[x * channels + first : x * channels + min(first + f, channels)]
            words.append(word + [blank] * (f - len(word)))
    return words


ONE = (("r0", S8),)
CASES = [
    (PeArrayParameters(ONE, "multiply_accumulate", S8, S20), 4, 1),
    (PeArrayParameters(ONE, "multiply_accumulate", S8, S20, unroll=Unroll(o=4, i=3)), 6, 1),
    (PeArrayParameters(ONE, "multiply_accumulate", S8, S20, unroll=Unroll(o=4, i=3)), 2, 1),
    (PeArrayParameters(ONE, "multiply_accumulate", S8, S20, unroll=Unroll(o=4, i=3)), 2, 2),
    (
        PeArrayParameters(
            (("r0", U8),), "multiply_accumulate", S8, S20, unroll=Unroll(x=2, o=3, ky=3, kx=3)
        ),
        3,
        1,
    ),
    (PeArrayParameters(ONE, "multiply_accumulate", S8, S20, unroll=Unroll(x=2, g=2, kx=3)), 3, 1),
    (
        PeArrayParameters(
            ONE, "multiply_accumulate", S8, S20, multiplier="lut", unroll=Unroll(g=3, ky=2)
        ),
        3,
        3,
    ),
    (
        PeArrayParameters(
            ONE, "multiply_accumulate", S8, S20, accumulate=False, unroll=Unroll(i=5)
        ),
        1,
        1,
    ),
    (
        PeArrayParameters((("r0", U8),), "add", None, ElementType(14, False), unroll=Unroll(g=2)),
        5,
        1,
    ),
    (
        PeArrayParameters(
            (("r0", S8),), "add", None, ElementType(14, True), unroll=Unroll(g=2, ky=2, kx=2)
        ),
        4,
        2,
    ),
    (PeArrayParameters(ONE, "maximum", None, S8, init=-128, unroll=Unroll(g=2, kx=3)), 3, 1),
    (
        PeArrayParameters(
            (("r0", U8),), "maximum", None, U8, accumulate=False, unroll=Unroll(kx=2)
        ),
        1,
        1,
    ),
    (PeArrayParameters((("r0", S8), ("r1", U8)), "pass", unroll=Unroll(g=4)), 1, 2),
    *(
        (
            PeArrayParameters(
                (("r0", factor),),
                "multiply_accumulate",
                BIPOLAR,
                S20,
                unroll=unroll,
                init=init,
                accumulate=steps > 1,
                multiplier="lut",
                terms=steps * unroll.lanes,
            ),
            steps,
            1,
        )
        for factor in (BIPOLAR, ElementType(3, False))
        for unroll, steps, init in (
            (Unroll(o=3, i=5), 3, 4),
            (Unroll(x=2, o=2, kx=3, i=4), 1, -7),
            (Unroll(g=2), 6, 0),
        )
    ),
    (PeArrayParameters(ONE, "pass"), 1, 1),
]


@pytest.mark.parametrize(("parameters", "steps", "finish_lanes"), CASES)
def test_results_of_groups(parameters: PeArrayParameters, steps: int, finish_lanes: int) -> None:
    def make() -> DrainedArray:
        return DrainedArray(parameters, finish_lanes)

    unit, count = make(), 12
    inputs, results = groups(parameters, count, steps, random.Random(5))
    out = [w for rows in results for w in words(parameters, rows, finish_lanes)]
    per_group = len(out) // count
    assert per_group == unit.drain.contract.initiation_interval
    check_stream_unit(
        make,
        [bits(unit.i.payload.shape(), encoded(parameters, word)) for word in inputs],
        [bits(unit.o.payload.shape(), word) for word in out],
        latency=steps
        - 1
        + sum(part.contract.latency for part in (unit.array, unit.queue, unit.drain)),
        cycles=(count - 1) * max(steps, per_group) + per_group - 1,
    )


def test_array_refuses_groups_and_input_channels_side_by_side() -> None:
    with pytest.raises(ValueError, match="expected g or i to be 1"):
        PeArrayParameters(ONE, "multiply_accumulate", S8, S20, unroll=Unroll(g=2, i=2))


def test_array_refuses_an_accumulator_that_is_missing() -> None:
    with pytest.raises(ValueError, match="an accumulator"):
        PeArrayParameters(ONE, "add")


@pytest.mark.parametrize(("x", "channels", "f", "turn"), [(1, 4, 1, (4, 1)), (2, 4, 2, (4, 4, 2))])
def test_drain_skips_the_channels_that_the_last_group_of_a_turn_lacks(
    x: int, channels: int, f: int, turn: tuple[int, ...]
) -> None:
    def make() -> Drain:
        return Drain(
            shape_of(S8),
            pixels=x,
            channels=channels,
            finish_lanes=f,
            groups=len(turn),
            last_channels=turn[-1],
        )

    noise, inputs, out = random.Random(2), [], []
    layout, word = make().i.payload.shape(), make().o.payload.shape()
    for valid in turn * 5:
        rows = [noise.randrange(-128, 128) for _ in range(x * channels)]
        inputs.append(bits(layout, rows))
        for first in range(0, valid, f):
            out += [bits(word, rows[p * channels + first :][:f]) for p in range(x)]
    check_stream_unit(make, inputs, out, latency=1, cycles=len(out) - 1)


def test_drain_refuses_words_that_straddle_groups() -> None:
    with pytest.raises(ValueError, match="do not divide"):
        Drain(8, pixels=1, channels=3, finish_lanes=2, groups=2)
