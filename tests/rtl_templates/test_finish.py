"""Finish and its output FIFO: values, parameters in output order, latency, interval, stalls."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import unsigned
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.stream.credit_fifo import CreditFifo
from hlsgen.rtl_templates.stream.finish import Finish, FinishParameters, ParameterMemory
from hlsgen.sim.unit_check import bits, check_stream_unit

from hlsgen.algebra.expression import Call, Expression, Literal, Operand
from hlsgen.algebra.scalar import (
    Add,
    Maximum,
    RequantiseFloat32,
    RequantiseMultiplyShift,
    ScalarOp,
    Table,
)
from hlsgen.algebra.types import ElementType

S8, S20 = ElementType(8, True), ElementType(20, True)
MULTIPLY_SHIFT = RequantiseMultiplyShift(26, -128, 127)
FLOAT32 = RequantiseFloat32(26, 3, -128, 127)
TABLE = Table(tuple((k * 37) % 256 - 128 for k in range(256)))

Meaning = Callable[[int, int, int, int], int]


def unit(op: ScalarOp, *arguments: Expression) -> Call:
    return Call(op, arguments)


BIASED = unit(Add(), Operand("acc"), Operand("bias"))
EXPRESSIONS: dict[str, tuple[Expression, Meaning]] = {
    "multiply_shift": (
        unit(MULTIPLY_SHIFT, BIASED, Operand("m"), Operand("r")),
        lambda acc, bias, m, r: int(
            MULTIPLY_SHIFT.evaluate(np, *map(np.int64, (acc + bias, m, r)))
        ),
    ),
    "multiply_shift of literals": (
        unit(MULTIPLY_SHIFT, Operand("acc"), Literal(77777), Literal(1 << 25)),
        lambda acc, bias, m, r: int(
            MULTIPLY_SHIFT.evaluate(np, *map(np.int64, (acc, 77777, 1 << 25)))
        ),
    ),
    "float32": (
        unit(FLOAT32, BIASED, Operand("m")),
        lambda acc, bias, m, r: int(FLOAT32.evaluate(np, *map(np.int64, (acc + bias, m)))),
    ),
    "table of float32, larger of it and a literal": (
        unit(Maximum(), unit(TABLE, unit(FLOAT32, BIASED, Operand("m"))), Literal(-30)),
        lambda acc, bias, m, r: max(
            -30,
            TABLE.values[int(FLOAT32.evaluate(np, *map(np.int64, (acc + bias, m)))) & 255],
        ),
    ),
}


def parameters(
    expression: Expression, channels: int, lanes: int, interval: int, repeat: int
) -> FinishParameters:
    noise = random.Random(4)

    def column(low: int, high: int) -> tuple[int, ...]:
        return tuple(noise.randint(low, high) for _ in range(channels))

    memories = (
        ("bias", ParameterMemory(ElementType.holding(-5000, 5000), column(-5000, 5000))),
        ("m", ParameterMemory(ElementType(18, False), column(0, (1 << 18) - 1))),
        ("r", ParameterMemory(ElementType(27, False), column(0, (1 << 27) - 1))),
    )
    return FinishParameters(
        expression, (("acc", S20),), memories, S8, lanes, interval=interval, repeat=repeat
    )


@pytest.mark.parametrize("name", EXPRESSIONS)
@pytest.mark.parametrize(
    ("channels", "lanes", "interval", "repeat"),
    [
        (6, 1, 1, 1),
        (5, 2, 1, 1),
        (3, 3, 1, 2),
        (4, 1, 1, 3),
        (6, 1, 4, 1),
        (5, 2, 3, 2),
        (40, 1, 1, 1),
    ],
)
def test_finish_equals_its_expression(
    name: str, channels: int, lanes: int, interval: int, repeat: int
) -> None:
    expression, meaning = EXPRESSIONS[name]
    p = parameters(expression, channels, lanes, interval, repeat)
    columns = [dict(p.memories)[key].values for key in ("bias", "m", "r")]
    noise, inputs, expected, mask = random.Random(9), [], [], []
    example = Finish(p)
    turns = 2 if channels > 20 else 4
    for word in range(turns * p.period * repeat):
        first = word // repeat % p.period * lanes
        accs = [noise.randrange(-(1 << 19), 1 << 19) >> noise.randrange(12) for _ in range(lanes)]
        values = [
            meaning(acc, *(column[first + k] for column in columns)) if first + k < channels else 0
            for k, acc in enumerate(accs)
        ]
        inputs.append(bits(example.i.payload.shape(), [{"acc": acc} for acc in accs]))
        expected.append(bits(example.o.payload.shape(), values))
        mask.append((1 << (8 * min(lanes, channels - first))) - 1)
    used = mask[0] if len(set(mask)) == 1 else -1
    if (
        used == -1
    ):  # lanes after the last channel are of no value: give them what the reference gives
        expected, inputs = _whole(p, meaning, inputs, example)
    check_stream_unit(
        lambda: Finish(p),
        inputs,
        expected,
        latency=example.contract.latency,
        cycles=(len(inputs) - 1) * interval,
    )


def _whole(
    p: FinishParameters, meaning: Meaning, inputs: list[int], example: Finish
) -> tuple[list[int], list[int]]:
    """Expected words where memories are read as the zeros after their last value."""
    columns = [dict(p.memories)[key].words(p.lanes) for key in ("bias", "m", "r")]
    expected = []
    for word, pattern in enumerate(inputs):
        at = word // p.repeat % p.period
        accs = [example.i.payload.shape().from_bits(pattern)[k]["acc"] for k in range(p.lanes)]
        values = [meaning(acc, *(c[at][k] for c in columns)) for k, acc in enumerate(accs)]
        expected.append(bits(example.o.payload.shape(), values))
    return expected, inputs


@pytest.mark.parametrize(("channels", "lanes"), [(6, 2), (5, 2), (40, 1), (3, 3)])
def test_the_contract_counts_every_bit_that_is_kept(channels: int, lanes: int) -> None:
    expression, _ = EXPRESSIONS["float32"]
    p = parameters(expression, channels, lanes, 1, 1)
    widths = [dict(p.memories)[name].width.bits for name in ("bias", "m")]
    memory = -(-channels // lanes) * lanes * sum(widths)
    assert p.period == -(-channels // lanes)
    assert Finish(p).contract.storage_bits == memory + p.fifo_depth * lanes * 8


@pytest.mark.parametrize("period", [2, contract.LOGIC_ROM_WORDS, contract.LOGIC_ROM_WORDS + 1])
def test_small_parameter_memories_are_built_of_luts(period: int) -> None:
    expression, _ = EXPRESSIONS["float32"]
    text = rtlil.convert(Finish(parameters(expression, period, 1, 1, 1)))
    styles = set(re.findall(r'attribute \\rom_style "(\w+)"', text))
    assert styles == {"logic" if period <= contract.LOGIC_ROM_WORDS else "auto"}


def test_finish_of_two_operands_without_parameters() -> None:
    p = FinishParameters(
        unit(Maximum(), Operand("r0"), Operand("r1")), (("r0", S8), ("r1", S8)), (), S8, 2
    )
    example, noise = Finish(p), random.Random(1)
    pairs = [
        [(noise.randrange(-128, 128), noise.randrange(-128, 128)) for _ in "ab"] for _ in range(60)
    ]
    check_stream_unit(
        lambda: Finish(p),
        [bits(example.i.payload.shape(), [{"r0": a, "r1": b} for a, b in w]) for w in pairs],
        [bits(example.o.payload.shape(), [max(a, b) for a, b in w]) for w in pairs],
        latency=2,
        cycles=59,
    )


def test_finish_that_only_copies_has_no_pipeline() -> None:
    p = FinishParameters(Operand("acc"), (("acc", S8),), (), S8, 1)
    check_stream_unit(lambda: Finish(p), list(range(60)), list(range(60)), latency=1, cycles=59)


def test_finish_refuses_a_value_that_does_not_fit_its_element() -> None:
    with pytest.raises(ValueError, match="expected a value that fits"):
        FinishParameters(Operand("acc"), (("acc", S20),), (), S8, 1)


def test_finish_refuses_digit_serial_units_in_a_row() -> None:
    twice = unit(
        MULTIPLY_SHIFT,
        unit(MULTIPLY_SHIFT, Operand("acc"), Literal(9), Literal(0)),
        Literal(7),
        Literal(0),
    )
    with pytest.raises(ValueError, match="digit-serial"):
        Finish(FinishParameters(twice, (("acc", S20),), (), S8, 1, interval=4))


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
def test_finish_with_any_fifo_depth_loses_no_word(depth: int) -> None:
    expression = unit(Add(), unit(Add(), Operand("acc"), Literal(1)), Literal(2))
    p = FinishParameters(expression, (("acc", ElementType(4, False)),), (), S8, 1, depth=depth)
    check_stream_unit(
        lambda: Finish(p), [k % 16 for k in range(70)], [k % 16 + 3 for k in range(70)]
    )


def test_depth_of_contract_is_the_smallest_for_full_speed() -> None:
    expression = unit(Add(), unit(Add(), Operand("acc"), Literal(1)), Literal(2))
    least = contract.credit_depth(2, 1, contract.CREDIT_LATENCY)
    for depth, slower in ((least, 0), (least - 1, 1)):
        p = FinishParameters(expression, (("acc", ElementType(4, False)),), (), S8, 1, depth=depth)
        words = [k % 16 for k in range(40)]
        cycles = None if slower else 39
        check_stream_unit(lambda p=p: Finish(p), words, [w + 3 for w in words], cycles=cycles)
        if slower:
            with pytest.raises(AssertionError, match="cycles"):
                check_stream_unit(lambda p=p: Finish(p), words, [w + 3 for w in words], cycles=39)


def test_credit_fifo_refuses_depth_zero() -> None:
    with pytest.raises(ValueError, match="at least one word"):
        CreditFifo(unsigned(8), depth=0)


def test_credit_fifo_refuses_more_than_one_register_on_the_way_of_a_credit() -> None:
    with pytest.raises(ValueError, match="credit latency of 1 or 2"):
        CreditFifo(unsigned(8), depth=1, credit_latency=3)
