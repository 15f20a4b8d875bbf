"""What each template promises: latency, interval, storage and multipliers as functions of its parameters.

Plain functions without Amaranth. The units return them as ``contract``, schedulers plan with them, and
``sim.unit_check`` measures them on the running unit.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass

from hlsgen.rtl_templates.compressor import compressor_shape

from hlsgen.algebra.expression import (
    Call,
    Expression,
    Literal,
    Operand,
    expression_type,
    operand_names,
)
from hlsgen.algebra.scalar import (
    Add,
    Clamp,
    Divide,
    Equal,
    LogarithmicSteps,
    Maximum,
    Minimum,
    Multiply,
    QuantisedAdd,
    RequantiseFloat32,
    RequantiseMultiplyShift,
    RoundSignificand,
    ScalarOp,
    ShiftRight,
    Sign,
    SquareRoot,
    Steps,
    Subtract,
    Table,
)
from hlsgen.algebra.types import ElementType

ArrayStep = typing.Literal["multiply_accumulate", "add", "maximum", "pass"]
MultiplierKind = typing.Literal["dsp", "lut"]

#: Unsigned digits of a wide product: the largest that fit a signed 18 x 18 multiplier block.
DIGIT_BITS = 17
#: Parameter memories of at most this many words are built of LUTs (one per bit and 16 words).
LOGIC_ROM_WORDS = 32


@dataclass(frozen=True)
class Contract:
    """What a unit takes.

    ``latency``: cycles from the acceptance of an input to the first cycle in which its result is offered;
    ``initiation_interval``: cycles between two acceptances at full speed; ``storage_bits``: bits of memories and of
    holding registers (pipeline registers not counted); ``multipliers``: multiplier blocks of at most 18 x 18 bits.
    """

    latency: int
    initiation_interval: int
    storage_bits: int
    multipliers: int


@dataclass(frozen=True)
class UnitTiming:
    """A scalar unit: operand k is needed ``arrivals[k]`` cycles after the start, the result is there after ``latency``.

    ``serial``: operands must hold still for the whole interval, and one start per interval is all it takes.
    """

    latency: int
    arrivals: tuple[int, ...]
    multipliers: int
    storage_bits: int = 0
    serial: bool = False


def tree_levels(terms: int) -> int:
    """Levels of a binary tree that combines ``terms`` values."""
    return (terms - 1).bit_length()


def digits(bits: int, signed: bool) -> int:
    """Digits into which an operand of a wide product is cut; the last digit of a signed one has a bit more."""
    return max(1, -(-(bits - signed) // DIGIT_BITS))


def serial_digit_bits(multiplier_bits: int, interval: int) -> int:
    """Bits of a multiplier that a digit-serial product takes per cycle; one cycle of the interval loads."""
    return -(-multiplier_bits // (interval - 1))


def product_latency(digit_products: int, addends: int, interval: int) -> int:
    """Cycles of a product plus ``addends`` further terms (0 or 1), of RequantiseMultiplyShift and its like.

    ``digit_products``: digits of one factor times those of the other.
    """
    if interval > 1:
        return interval + 1 + addends
    return 1 + tree_levels(digit_products + addends)


def differences(lanes: int) -> Contract:
    """Contract of Differences: registers behind half adders, every level of full adders, and the adder of the last two numbers."""
    return Contract(2 + compressor_shape(lanes).levels, 1, 0, 0)


def lut_product_latency(a_bits: int, b_bits: int) -> int:
    """Edges from the operands of a LutProduct to its product: the products of two-bit digits, then their tree."""
    return 1 + tree_levels(-(-min(a_bits, b_bits) // 2))


def multiplier_latency(kind: MultiplierKind, a_bits: int, b_bits: int) -> int:
    """Edges from the operands of a Multiplier to its product: an operand register, and those of the product."""
    return 2 if kind == "dsp" else 1 + lut_product_latency(a_bits, b_bits)


#: Multiplier blocks of an array above which its operands and weights pass one more register: blocks lie in rows across the whole
#: device, and one wire from a memory to the farthest of many does not fit a cycle.
NEAR_MULTIPLIERS = 16


def spread_latency(multiplier: str, multipliers: int) -> int:
    """Cycles of the register between the operands of a PE array and multipliers that lie far apart."""
    return int(multiplier == "dsp" and multipliers > NEAR_MULTIPLIERS)


def pe_array(
    *,
    step: ArrayStep,
    rows: int,
    lanes: int,
    accumulator_bits: int,
    factor_bits: tuple[int, int] = (0, 0),
    multiplier: MultiplierKind = "dsp",
    accumulate: bool = True,
    bipolar: bool = False,
) -> Contract:
    """Contract of PeArray: ``rows`` results of ``lanes`` terms each. One step per cycle.

    ``factor_bits``: of an element and a weight, where it multiplies; ``bipolar``: where both are -1 or 1, and nothing is multiplied.
    """
    if bipolar:
        storage = rows * accumulator_bits if accumulate else 0
        return Contract(differences(lanes).latency, 1, storage, 0)
    match step:
        case "pass":
            return Contract(0, 1, 0, 0)
        case "multiply_accumulate":
            products = rows * lanes
            first = spread_latency(multiplier, products)
            first += multiplier_latency(multiplier, *factor_bits)
        case "add":
            first, products = 1, 0
        case "maximum":
            # the register of a comparison's result stands behind it, in front of the drain
            first, products = 1 + accumulate, 0
        case _:
            typing.assert_never(step)
    return Contract(
        latency=first + tree_levels(lanes),
        initiation_interval=1,
        storage_bits=rows * accumulator_bits if accumulate else 0,
        multipliers=products if multiplier == "dsp" else 0,
    )


#: Cycles from an address of a ChannelBuffer to its elements: address register, memory, register behind the memory.
CHANNEL_READ_LATENCY = 3
#: Cycles from the last word that a pixel group of a ChannelBuffer needs to the first cycle in which it may begin: the count of written
#: words, and the register of the grant.
CHANNEL_READY_AFTER = 2
#: Cycles from a pixel group's last step until a ChannelBuffer accepts words in the place of its dead ones: the registers of the limit
#: and of the room below it, and the word's way into the memory.
CHANNEL_FREED_AFTER = 3
#: Cycles from the leaving of a word or result from a queue of a StreamProcess until its credit is there: a register on its way back ends
#: the path of ``ready``, which comes from another process or through the drain.
CREDIT_LATENCY = 2
#: Cycles from the elements of the ChannelBuffers of a StreamProcess to its array: the register behind the choice of lanes.
OPERAND_LATENCY = 1


def drain(*, pixels: int, channels: int, finish_lanes: int, result_bits: int) -> Contract:
    """Contract of Drain: a group of ``pixels * channels`` results takes one cycle per word."""
    words = pixels * -(-channels // finish_lanes)
    return Contract(1, words, pixels * channels * result_bits, 0)


def credit_depth(latency: int, cycles_per_word: int, credit_latency: int = 1) -> int:
    """Smallest depth of a CreditFifo that sustains a word per ``cycles_per_word`` behind a pipeline of ``latency``.

    A credit is away from the start of its word until ``credit_latency`` cycles after the word leaves, a cycle after its push.
    """
    return max(1, -(-(latency + 1 + credit_latency) // cycles_per_word))


def credit_fifo(*, depth: int, word_bits: int) -> Contract:
    """Contract of CreditFifo."""
    return Contract(1, 1, depth * word_bits, 0)


def adders(*, depth: int, in_a_row: int) -> Contract:
    """Contract of Adders: ``depth`` adders one after the other, a register behind every ``in_a_row`` of them."""
    return Contract(-(-depth // in_a_row), 1, 0, 0)


def constant_layer(*, depth: int, in_a_row: int, rounded: bool, tables: bool = False) -> Contract:
    """Contract of AdderLayer: a register behind its tables where there are any, its adders, and one behind the rounding where there is one."""
    return Contract(tables + adders(depth=depth, in_a_row=in_a_row).latency + rounded, 1, 0, 0)


#: Cycles from a word's arrival at a CreditMemory to its offer: the memory is written, read, and the word taken into a register.
CREDIT_MEMORY_LATENCY = 3


def credit_memory_words(latency: int, least: int = 1) -> int:
    """Words of a CreditMemory that sustains a word every cycle behind a pipeline of ``latency``: a power of two, and ``least``."""
    away = latency + CREDIT_MEMORY_LATENCY + 2
    return 1 << (max(away, least) - 1).bit_length()


def credit_memory(*, depth: int, word_bits: int) -> Contract:
    """Contract of CreditMemory."""
    held = depth + credit_depth(1, 1)
    return Contract(CREDIT_MEMORY_LATENCY, 1, held * word_bits, 0)


def state_words(words: int) -> int:
    """Words that a StateLoop holds of samples of ``words``: two samples, and a power of two that sustains a word every cycle."""
    return credit_memory_words(0, 2 * words)


def state_loop(*, words: int, word_bits: int) -> Contract:
    """Contract of StateLoop."""
    return credit_memory(depth=state_words(words), word_bits=word_bits)


def reorder(*, pixels: int, words: int, word_bits: int) -> Contract:
    """Contract of Reorder: a group of ``pixels * words`` words leaves when it is complete; single words just pass."""
    if words == 1:
        return Contract(0, 1, 0, 0)
    bank = 1 << (pixels * words - 1).bit_length()
    return Contract(4, pixels * words, 2 * (bank + 1) * word_bits, 0)


def unit_timing(
    op: ScalarOp,
    operands: tuple[ElementType, ...],
    interval: int = 1,
    multiplier: MultiplierKind = "dsp",
) -> UnitTiming:
    """Timing and cost of the unit of a scalar operator; raises ValueError for one that has no unit."""
    products = blocks = 0
    if isinstance(op, _MULTIPLYING):
        products = math.prod(digits(factor.bits, factor.signed) for factor in operands[:2])
        blocks = products if interval == 1 and multiplier == "dsp" else 0
    match op:
        case ShiftRight() | Sign():
            return UnitTiming(0, (0,), 0)
        case Add() | Subtract() | Maximum() | Minimum() | Equal():
            return UnitTiming(1, (0, 0), 0)
        case Clamp() | RoundSignificand():
            return UnitTiming(1, (0,), 0)
        case Multiply():
            return UnitTiming(product_latency(products, 0, 1), (0, 0), blocks)
        case RequantiseMultiplyShift():
            latency = product_latency(products, 1, interval) + 1
            return UnitTiming(latency, (0, 0, 1), blocks, serial=interval > 1)
        case RequantiseFloat32():
            magnitude = digits(operands[0].bits, False) * digits(
                operands[1].bits, operands[1].signed
            )
            latency = product_latency(magnitude, 0, interval) + 4
            return UnitTiming(latency, (0, 1), blocks, serial=interval > 1)
        case QuantisedAdd():
            pairs = -(-max(w.bits for w in operands) // 2)
            return UnitTiming(tree_levels(pairs) + 1, (0, 0), 0)
        case Table():
            bits = op.result(*operands).bits
            return UnitTiming(1, (0,), 0, storage_bits=256 * bits)
        case Divide(low=low, high=high):
            return UnitTiming(2 + (high - low).bit_length(), (0, 0), 0)
        case SquareRoot():
            return UnitTiming(1 + op.result(*operands).bits, (0,), 0)
        case Steps(cells=cells):
            thresholds = [cell[0] for cell in cells]
            bits = ElementType.holding(min(thresholds), max(thresholds)).bits
            bits += 2 * op.result(*operands).bits
            return UnitTiming(3, (0,), 0, storage_bits=len(cells) * bits)
        case LogarithmicSteps():
            return _logarithmic_steps(op, operands[0])
    raise ValueError(f"expected a scalar operator that has a unit, found {op}")


def distance_bits(op: LogarithmicSteps, operand: ElementType) -> int:
    """Bits of the distance of an operand from the origin, with the sign that it had."""
    low, high = operand.minimum - op.origin, operand.maximum - op.origin
    return ElementType.holding(min(low, -1), high).bits


def normalising_shifts(bits: int, base: int) -> tuple[int, ...]:
    """The shifts that bring the first bit of a distance of so many bits in front, but none of those up to ``base``."""
    return tuple(1 << k for k in reversed(range(max(0, bits - 1 - base).bit_length())))


def _logarithmic_steps(op: LogarithmicSteps, operand: ElementType) -> UnitTiming:
    cells = [*op.positive, *op.negative]
    results = [value for cell in cells for value in cell[1:]]
    width = 2 * ElementType.holding(min(results), max(results)).bits
    width += ElementType.holding(0, max(cell[0] for cell in cells)).bits
    stages = -(-len(normalising_shifts(distance_bits(op, operand), op.base)) // 2)
    return UnitTiming(6 + stages, (0,), 0, storage_bits=len(cells) * width)


_SERIAL = (RequantiseMultiplyShift, RequantiseFloat32)
_MULTIPLYING = (Multiply, *_SERIAL)


def unit_base(timing: UnitTiming, ready: tuple[int | None, ...]) -> int:
    """The cycle in which a unit starts; ``ready[k]``: when operand k is there, None for one that can come at any time."""
    waits = [r - a for r, a in zip(ready, timing.arrivals, strict=True) if r is not None]
    return max(0, *waits) if waits else 0


def finish(
    expression: Expression,
    *,
    operands: Mapping[str, ElementType],
    parameters: Mapping[str, ElementType],
    parameter_words: int,
    lanes: int,
    interval: int = 1,
    multiplier: MultiplierKind = "dsp",
) -> Contract:
    """Contract of Finish without its output FIFO: ``latency`` from the start of a word to its push.

    ``operands``: fields of the results; ``parameters``: memories of ``parameter_words`` words of ``lanes`` elements.
    """
    widths = {name: w.twos_complement for name, w in {**operands, **parameters}.items()}
    blocks = storage = 0

    def serial(node: Expression) -> bool:
        """Whether a node's value is there for one cycle only, at intervals above 1."""
        return isinstance(node, Call) and (
            isinstance(node.op, _SERIAL) or any(serial(a) for a in node.arguments)
        )

    def ready(node: Expression) -> int | None:
        nonlocal blocks, storage
        match node:
            case Literal():
                return None
            case Operand(name):
                return None if name in parameters else 0
            case Call(op, arguments):
                shapes = tuple(expression_type(a, widths) for a in arguments)
                timing = unit_timing(op, shapes, interval, multiplier)
                if timing.serial and any(serial(a) for a in arguments):
                    raise ValueError(
                        f"{op.name}: digit-serial units in a row need an interval of 1"
                    )
                blocks, storage = blocks + timing.multipliers, storage + timing.storage_bits
                return unit_base(timing, tuple(ready(a) for a in arguments)) + timing.latency

    latency = ready(expression) or 0
    memories = sum(w.bits for n, w in parameters.items() if n in operand_names(expression))
    return Contract(
        latency, interval, lanes * (storage + memories * parameter_words), lanes * blocks
    )
