"""What each template promises: latency, interval, storage and multipliers as functions of its parameters.

Plain functions without Amaranth. The units return them as ``contract``, schedulers plan with them, and
``sim.unit_check`` measures them on the running unit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hlsgen.rtl_templates.arithmetic import expression as ex
from hlsgen.rtl_templates.arithmetic.expression import Expression, Width

Step = Literal["multiply_accumulate", "add", "maximum", "pass"]
MultiplierKind = Literal["dsp", "lut"]

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


def digits(width: Width) -> int:
    """Digits into which an operand of a wide product is cut; the last digit of a signed one has a bit more."""
    return max(1, -(-(width.bits - width.signed) // DIGIT_BITS))


def serial_digit_bits(multiplier_bits: int, interval: int) -> int:
    """Bits of a multiplier that a digit-serial product takes per cycle; one cycle of the interval loads."""
    return -(-multiplier_bits // (interval - 1))


def product_latency(a: Width, m: Width, addends: int, interval: int) -> int:
    """Cycles of ``a * m`` plus ``addends`` further terms (0 or 1), of RequantiseMultiplyShift and its like."""
    if interval > 1:
        return interval + addends
    return 1 + tree_levels(digits(a) * digits(m) + addends)


def pe_array(
    *,
    step: Step,
    rows: int,
    lanes: int,
    accumulator_bits: int,
    multiplier: MultiplierKind = "dsp",
    accumulate: bool = True,
) -> Contract:
    """Contract of PeArray: ``rows`` results of ``lanes`` terms each. One step per enabled cycle."""
    if step == "pass":
        return Contract(0, 1, 0, 0)
    multiplies = step == "multiply_accumulate"
    return Contract(
        latency=(2 if multiplies else 1) + tree_levels(lanes),
        initiation_interval=1,
        storage_bits=rows * accumulator_bits if accumulate else 0,
        multipliers=rows * lanes if multiplies and multiplier == "dsp" else 0,
    )


def drain(*, pixels: int, channels: int, finish_lanes: int, result_bits: int) -> Contract:
    """Contract of Drain: a group of ``pixels * channels`` results takes one cycle per word."""
    words = pixels * -(-channels // finish_lanes)
    return Contract(1, words, pixels * channels * result_bits, 0)


def credit_depth(latency: int, cycles_per_word: int) -> int:
    """Smallest depth of a CreditFifo that sustains a word per ``cycles_per_word`` behind a pipeline of ``latency``.

    A credit is away from the start of its word until the cycle after the word leaves: ``latency`` + 2 cycles.
    """
    return max(1, -(-(latency + 2) // cycles_per_word))


def credit_fifo(*, depth: int, word_bits: int) -> Contract:
    """Contract of CreditFifo."""
    return Contract(1, 1, depth * word_bits, 0)


def reorder(*, pixels: int, words: int, word_bits: int) -> Contract:
    """Contract of Reorder: a group of ``pixels * words`` words leaves when it is complete; single words just pass."""
    if words == 1:
        return Contract(0, 1, 0, 0)
    bank = 1 << (pixels * words - 1).bit_length()
    return Contract(2, pixels * words, 2 * bank * word_bits, 0)


def unit_timing(
    name: str,
    parameters: Mapping[str, Any],
    operands: tuple[Width, ...],
    interval: int = 1,
    multiplier: MultiplierKind = "dsp",
) -> UnitTiming:
    """Timing and cost of the scalar unit ``name``; raises ValueError for a name that is no unit."""
    blocks = 0
    if interval == 1 and multiplier == "dsp" and name in _MULTIPLYING:
        blocks = digits(operands[0]) * digits(operands[1])
    match name:
        case "ShiftRight":
            return UnitTiming(0, (0,), 0)
        case "Add" | "Subtract" | "Maximum" | "Minimum" | "Equal":
            return UnitTiming(1, (0, 0), 0)
        case "Clamp":
            return UnitTiming(1, (0,), 0)
        case "Multiply":
            return UnitTiming(product_latency(operands[0], operands[1], 0, 1), (0, 0), blocks)
        case "RequantiseMultiplyShift":
            latency = product_latency(operands[0], operands[1], 1, interval) + 1
            return UnitTiming(latency, (0, 0, 1), blocks, serial=interval > 1)
        case "RequantiseFloat32":
            magnitude = Width(operands[0].bits, False)
            latency = product_latency(magnitude, operands[1], 0, interval) + 3
            return UnitTiming(latency, (0, 1), blocks, serial=interval > 1)
        case "QuantisedAdd":
            pairs = -(-max(w.bits for w in operands) // 2)
            return UnitTiming(tree_levels(pairs) + 1, (0, 0), 0)
        case "Table":
            bits = ex.unit_result(name, parameters, operands).bits
            return UnitTiming(1, (0,), 0, storage_bits=256 * bits)
    raise ValueError(f"expected the name of a scalar unit, found {name!r}")


_SERIAL = ("RequantiseMultiplyShift", "RequantiseFloat32")
_MULTIPLYING = ("Multiply", *_SERIAL)


def unit_base(timing: UnitTiming, ready: tuple[int | None, ...]) -> int:
    """The cycle in which a unit starts; ``ready[k]``: when operand k is there, None for one that can come at any time."""
    waits = [r - a for r, a in zip(ready, timing.arrivals, strict=True) if r is not None]
    return max(0, *waits) if waits else 0


def finish(
    expression: Expression,
    *,
    operands: Mapping[str, Width],
    parameters: Mapping[str, Width],
    parameter_words: int,
    lanes: int,
    interval: int = 1,
    multiplier: MultiplierKind = "dsp",
) -> Contract:
    """Contract of Finish without its output FIFO: ``latency`` from the start of a word to its push.

    ``operands``: fields of the results; ``parameters``: memories of ``parameter_words`` words of ``lanes`` elements.
    """
    widths = {**operands, **parameters}
    blocks = storage = 0

    def serial(node: Expression) -> bool:
        """Whether a node's value is there for one cycle only, at intervals above 1."""
        return isinstance(node, ex.Unit) and (
            node.name in _SERIAL or any(serial(a) for a in node.arguments)
        )

    def ready(node: Expression) -> int | None:
        nonlocal blocks, storage
        match node:
            case ex.Literal():
                return None
            case ex.Operand(name):
                return None if name in parameters else 0
            case ex.Unit(name, constants, arguments):
                shapes = tuple(ex.expression_width(a, widths) for a in arguments)
                timing = unit_timing(name, dict(constants), shapes, interval, multiplier)
                if timing.serial and any(serial(a) for a in arguments):
                    raise ValueError(f"{name}: digit-serial units in a row need an interval of 1")
                blocks, storage = blocks + timing.multipliers, storage + timing.storage_bits
                return unit_base(timing, tuple(ready(a) for a in arguments)) + timing.latency

    latency = ready(expression) or 0
    memories = sum(w.bits for n, w in parameters.items() if n in _names(expression))
    return Contract(
        latency, interval, lanes * (storage + memories * parameter_words), lanes * blocks
    )


def _names(expression: Expression) -> Collection[str]:
    match expression:
        case ex.Operand(name):
            return {name}
        case ex.Unit(_, _, arguments):
            return {name for a in arguments for name in _names(a)}
    return ()
